//! How many calls a server takes at the same time.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::described::{Described, Kind};

/// Places for calls: of the whole server, and of each of its steps that has a limit of its own.
pub(crate) struct Permits {
    all: Option<Arc<Semaphore>>,
    each: HashMap<(Kind, String), Arc<Semaphore>>,
}

/// The places of a call. They are free when it is dropped.
pub(crate) struct Permit {
    _all: Option<OwnedSemaphorePermit>,
    _own: Option<OwnedSemaphorePermit>,
}

impl Permits {
    pub(crate) fn of(described: &Described) -> Self {
        let each = described.steps.iter().filter_map(|step| {
            let semaphore = semaphore(step.max_concurrency)?;
            Some(((step.kind, step.name.clone()), semaphore))
        });
        Self { all: semaphore(described.max_concurrency), each: each.collect() }
    }

    /// Waits for a place: first among the calls of the step, so that a step which has no more holds none of the
    /// server's.
    pub(crate) async fn take(&self, kind: Kind, step: &str) -> Permit {
        let own = self.each.get(&(kind, step.to_owned()));
        Permit { _own: one(own).await, _all: one(self.all.as_ref()).await }
    }
}

async fn one(semaphore: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // It is never closed.
    Arc::clone(semaphore?).acquire_owned().await.ok()
}

fn semaphore(limit: u32) -> Option<Arc<Semaphore>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    (limit > 0).then(|| Arc::new(Semaphore::new(limit)))
}
