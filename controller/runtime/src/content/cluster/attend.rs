//! What a leader does for the objects: it applies their definitions, and writes what becomes of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, sleep};
use xos_engine::api_error::explain;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_engine::installation::ensure;
use xos_engine::leader::Leadership;
use xos_kinds::{Id, ModelSetStatus, ObjectKind, REVISION, definitions, status};

use super::count::Counts;
use super::{Cluster, Seen, Told};
use crate::content::news::news;

/// How often it is counted how many objects there are.
const COUNT: Duration = Duration::from_secs(60);
/// How often a deletion that waits looks again.
const LEAVING: Duration = Duration::from_secs(2);
/// The delay after something that failed.
const AGAIN: Duration = Duration::from_secs(5);

/// What a controller does beside its work on objects, for those in the cluster that it is made of; nothing if there are
/// none.
#[derive(Clone, Default)]
pub(crate) struct Attending(pub(in crate::content) Option<Arc<Cluster>>);

impl Attending {
    /// Does it, whenever this process leads. `client` changes something only while it does.
    pub(crate) async fn run(self, client: Client, leadership: Leadership) {
        let Some(cluster) = self.0 else { return std::future::pending().await };
        loop {
            let term = leadership.ready().await.number;
            let _until_over = leadership.guard_in(term, cluster.attend(&client)).await;
            leadership.over(term).await;
        }
    }
}

/// What is remembered from one round to the next.
#[derive(Default)]
struct Desk {
    counts: HashMap<String, (Instant, Counts)>,
    /// What was written in the place of what: the watch may not show it yet.
    written: HashMap<Id, (ModelSetStatus, ModelSetStatus)>,
}

impl Cluster {
    async fn attend(&self, client: &Client) {
        while self.applies && !self.define(client).await {
            sleep(AGAIN).await;
        }
        let (mut objects, mut told) = (self.objects.subscribe(), self.told.subscribe());
        let mut desk = Desk::default();
        loop {
            objects.mark_unchanged();
            told.mark_unchanged();
            let wait = self.round(client, &mut desk).await;
            tokio::select! {
                // The senders are in `self`.
                _ = objects.changed() => {}
                _ = told.changed() => desk.counts.clear(),
                () = sleep(wait) => {}
            }
        }
    }

    /// Applies the definitions of the kinds. Returns whether they are there.
    async fn define(&self, client: &Client) -> bool {
        for one in definitions() {
            if let Err(error) = ensure(client, &one.name, &one.definition, REVISION).await {
                tracing::error!(%error, "models and documents in the cluster cannot be taken yet");
                return false;
            }
        }
        true
    }

    /// Looks at all objects once. Returns when to look again, if nothing changes.
    async fn round(&self, client: &Client, desk: &mut Desk) -> Duration {
        let (objects, told) = (self.objects(), self.told.borrow().clone());
        desk.written.retain(|id, _| objects.contains_key(id));
        let mut wait = COUNT;
        for seen in objects.values() {
            match self.serve(client, desk, seen, told.get(&seen.id)).await {
                Ok(sooner) => wait = wait.min(sooner),
                Err(error) => {
                    wait = wait.min(AGAIN);
                    tracing::warn!(error = explain(&error), "cannot tell what becomes of {}", seen.id);
                }
            }
        }
        wait
    }

    async fn serve(
        &self,
        client: &Client,
        desk: &mut Desk,
        seen: &Seen,
        told: Option<&Told>,
    ) -> kube::Result<Duration> {
        let is_set = seen.id.kind == ObjectKind::ModelSet;
        let is_held = seen.finalizers.contains(&self.finalizer());
        if is_set && !seen.is_leaving && !is_held {
            self.write_finalizer(client, seen, true).await?;
        }
        // What was not judged yet is told later.
        let judged = told.filter(|told| told.uid == seen.uid && told.generation == seen.now.generation);
        let Some(told) = judged else { return Ok(COUNT) };
        let counts = if is_set { Some(self.counts(client, desk, seen, told).await?) } else { None };
        let is_leaving = seen.is_leaving && is_held;
        let leaving = match &counts {
            Some(counts) if is_leaving => match self.leave(client, seen, told, counts).await {
                Some(leaving) => Some(leaving),
                None => return Ok(COUNT),
            },
            _ => None,
        };
        let news = news(seen, told, counts.as_deref(), leaving);
        let new = status(&seen.status, &news, SystemClock.now());
        let is_written = desk.written.get(&seen.id).is_some_and(|one| *one == (seen.status.clone(), new.clone()));
        if new != seen.status && !is_written {
            self.write_status(client, seen, &new).await?;
            desk.written.insert(seen.id.clone(), (seen.status.clone(), new));
        }
        Ok(if is_leaving { LEAVING } else { COUNT })
    }

    /// Returns the counts of a set's objects: those of a set that goes are always counted anew.
    async fn counts(&self, client: &Client, desk: &mut Desk, seen: &Seen, told: &Told) -> kube::Result<Counts> {
        if let Some((at, counts)) = desk.counts.get(&seen.uid).filter(|_| !seen.is_leaving)
            && at.elapsed() < COUNT
        {
            return Ok(counts.clone());
        }
        let counts = self.count(client, &told.kinds).await?;
        desk.counts.insert(seen.uid.clone(), (Instant::now(), counts.clone()));
        Ok(counts)
    }
}
