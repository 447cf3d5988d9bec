//! What workers report, and what follows for their object.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use xos_model::message::cut;
use xos_model::{Object, ObjectKey, Operation};

use super::Engine;
use crate::clock::later;
use crate::decide::Stage;
use crate::queue::Priority;
use crate::view::is_newer;
use crate::work::{Recorded, Report, Subject};
use crate::workers::Ended;

/// The pace at which is tried what waits for something that its step watches: in case the watch misses it.
const WATCHED_EVERY: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) fn worker_ended(&mut self, Ended { key, uid, report }: Ended) {
        // What a step did comes before its end: what it saved of its own object is no news then.
        while let Ok(event) = self.store_events.try_recv() {
            self.store_event(event);
        }
        let outcome = report.as_ref().map_or("panicked", Report::name);
        let goes_on = match report {
            Ok(report) => self.report(&key, &uid, report),
            Err(error) => {
                self.worker_panicked(&key, &uid, &error);
                false
            }
        };
        if !goes_on {
            self.turns.ended(&key, outcome);
            self.queue.finish(&key, self.shared.clock.now());
            self.wake_after_work(&key);
            if self.again.remove(&key) {
                self.run_again(&key);
            }
            self.go_on_changing();
        }
    }

    /// Steps' panics are caught, so this is a defect of the engine: the object is tried again, not forgotten.
    fn worker_panicked(&mut self, key: &ObjectKey, uid: &str, error: &JoinError) {
        let object = key;
        tracing::error!(%object, %error, "a worker panicked, which is a defect of the controller: please report this");
        self.objects.end_attempt(key, uid, false);
        self.computing.end_to_write(key, false);
        self.requeue_after(key, self.options.backoff.max);
    }

    /// Takes in a worker's report. Returns whether another worker has gone on with the object.
    fn report(&mut self, key: &ObjectKey, uid: &str, report: Report) -> bool {
        self.computing.end_to_write(key, matches!(report, Report::Done(_)));
        // Not after the policies: whether status can be written shows at the end of the attempt only.
        if !matches!(
            report,
            Report::WriteFailed(..) | Report::PoliciesApplied(_) | Report::Conflict | Report::Confirmed(_)
        ) {
            self.objects.clear_failed_writes(key, uid);
        }
        // After its policies the attempt goes on.
        if !matches!(report, Report::PoliciesApplied(_)) {
            let is_recorded = matches!(
                report,
                Report::Done(_) | Report::Deferred(..) | Report::Away(_, Recorded::Yes | Recorded::Resync)
            );
            self.objects.end_attempt(key, uid, is_recorded);
        }
        match report {
            Report::Done(object) => {
                self.wrote(object);
                // What it waits for, or that there is more to do, follows from its state.
                self.enqueue(key, Priority::Retry);
            }
            Report::Deferred(object, operation) => {
                self.put_off(key, &object, operation);
                self.wrote(object);
                self.enqueue(key, Priority::Retry);
            }
            Report::Away(object, recorded) => {
                self.wrote(object);
                if let Some(tracked) = self.objects.same_mut(key, uid).filter(|_| recorded == Recorded::Resync) {
                    tracked.resync_at = Some(self.shared.clock.now());
                }
                // It is still due, and waits for the target.
                self.enqueue(key, Priority::Retry);
            }
            Report::PoliciesApplied(subject) => return self.continue_after_policies(key, uid, *subject),
            Report::Cascaded(left, gone) => self.cascaded(key, left, &gone),
            Report::Confirmed(true) => {
                self.confirmed(key);
                self.enqueue(key, Priority::Change);
            }
            Report::Confirmed(false) | Report::Conflict => self.requeue_after(key, self.options.backoff.base(1) / 4),
            Report::WriteFailed(error, object) => {
                let times = self.objects.count_failed_write(key, uid);
                let delay = self.options.backoff.delay(times, rand::random());
                let error = cut(&error.to_string());
                tracing::warn!(object = %key, error, retry_in = ?delay, "could not write");
                self.write_again(key, object, delay);
            }
            Report::Gone => self.released(key, uid),
            // At shutdown nobody hears this. Else its process led no more for a moment.
            Report::Cancelled => self.enqueue(key, Priority::Retry),
        }
        false
    }

    /// Goes on with an object after its policies: with the step, if nothing holds it back by now, or else with the
    /// status of what was done.
    fn continue_after_policies(&mut self, key: &ObjectKey, uid: &str, subject: Subject) -> bool {
        self.wrote(Arc::clone(&subject.stored));
        if !self.look_at_leadership() {
            self.objects.end_attempt(key, uid, false);
            return false;
        }
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        let next = self.decide(key, &entry, &subject.object, Stage::AfterPolicies);
        let goes_on = self.carry_out(key, &entry, subject, next);
        if !goes_on {
            self.objects.end_attempt(key, uid, false);
        }
        goes_on
    }

    fn cascaded(&mut self, key: &ObjectKey, left: Vec<Object>, gone: &[Arc<Object>]) {
        for object in left {
            // The watch's news of it is ours already, and none to the queue.
            self.enqueue(&object.key(), Priority::Change);
            self.wrote(Arc::new(object));
        }
        for object in gone {
            self.released(&object.key(), &object.meta.uid);
        }
        self.enqueue(key, Priority::Retry);
    }

    /// Takes in that an object is gone by our own write.
    fn released(&mut self, key: &ObjectKey, uid: &str) {
        if self.view.release(key, uid) {
            self.gone(key);
        }
    }

    /// Tries an object again after a write that the API server did not take: later, unless somebody else has changed it
    /// since the worker saw it like this.
    fn write_again(&mut self, key: &ObjectKey, object: Arc<Object>, delay: Duration) {
        let is_changed = self.view.get(key).is_some_and(|known| is_newer(&known, &object));
        let at = later(self.shared.clock.now(), delay);
        if let Some(tracked) = self.objects.same_mut(key, &object.meta.uid).filter(|_| !is_changed) {
            tracked.write_again_at(at);
        }
        self.wrote(object);
        self.queue.add_at(key, at, Priority::Retry);
    }

    /// Puts off what was deferred, unless somebody else has changed the object since it was written.
    fn put_off(&mut self, key: &ObjectKey, written: &Object, operation: Operation) {
        if self.view.get(key).is_none_or(|known| is_newer(&known, written)) {
            return;
        }
        let every = match self.shared.awaited.watches(key, operation.pass()) {
            true => WATCHED_EVERY.min(self.longest_delay()),
            false => self.options.deferred_every,
        };
        let until = later(self.shared.clock.now(), every);
        if let Some(tracked) = self.objects.same_mut(key, &written.meta.uid) {
            tracked.put_off(operation, until);
        }
    }
}
