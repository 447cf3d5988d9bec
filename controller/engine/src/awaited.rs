//! What steps and policies wait for beside the links of their objects, as they said by `StepError::waits_for`. They are
//! run again when it comes or changes; if that is not noticed, at the even pace of all that is deferred.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use xos_model::{ObjectKey, Pass};
use xos_steps::{Services, StepError, Wait};

use crate::store::StoreEvent;

/// What the passes of objects wait for.
type Waits = HashMap<ObjectKey, Vec<(Pass, Wait)>>;

/// The objects whose passes wait for others. Clones are the same one.
#[derive(Clone)]
pub(crate) struct AwaitedObjects {
    waits: Arc<Mutex<Waits>>,
    /// Those whose steps watch by themselves what they wait for.
    watching: Arc<Mutex<HashSet<(ObjectKey, Pass)>>>,
    woken: UnboundedSender<StoreEvent>,
}

impl AwaitedObjects {
    /// Returns none. What has come is told to the engine by `woken`.
    pub(crate) fn new(woken: UnboundedSender<StoreEvent>) -> Self {
        Self { waits: Arc::default(), watching: Arc::default(), woken }
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in the end of a call for an object.
    pub(crate) fn ended(&self, services: &Services, (key, pass): (&ObjectKey, Pass), result: &Result<(), StepError>) {
        let watches = matches!(result, Err(StepError::Awaits(_)));
        self.note(key, pass, watches);
        let Err(StepError::WaitsFor(awaited)) = result else { return self.forget_pass(key, pass) };
        let is_known = |(of, wait): &(Pass, Wait)| *of == pass && wait.is_for(awaited);
        if self.lock().get(key).is_some_and(|waits| waits.iter().any(is_known)) {
            return;
        }
        let (woken, object) = (self.woken.clone(), key.clone());
        let wake = move || {
            // At shutdown the engine no longer listens.
            let _ = woken.send(StoreEvent::Awaited(object.clone()));
        };
        match services.arrivals.wait(awaited, services.store.as_ref(), wake) {
            Ok(wait) => {
                self.forget_pass(key, pass);
                self.lock().entry(key.clone()).or_default().push((pass, wait));
            }
            Err(error) => tracing::debug!(%awaited, %error, "it cannot be seen whether what is waited for has come"),
        }
    }

    fn note(&self, key: &ObjectKey, pass: Pass, watches: bool) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watches {
            watching.insert((key.clone(), pass));
        } else if !watching.is_empty() {
            watching.remove(&(key.clone(), pass));
        }
    }

    /// Returns whether the last call for an object watches by itself what it waits for.
    pub(crate) fn watches(&self, key: &ObjectKey, pass: Pass) -> bool {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        !watching.is_empty() && watching.contains(&(key.clone(), pass))
    }

    fn forget_pass(&self, key: &ObjectKey, pass: Pass) {
        let mut waits = self.lock();
        if waits.is_empty() {
            return;
        }
        let Some(of_object) = waits.get_mut(key) else { return };
        of_object.retain(|(of, _)| *of != pass);
        if of_object.is_empty() {
            waits.remove(key);
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
        [Pass::Policy, Pass::Sync].into_iter().for_each(|pass| self.note(key, pass, false));
    }
}
