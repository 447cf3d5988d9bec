//! What workers, steps and watches report, and what follows for other objects.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{self, JoinError};
use tokio::time::Instant;
use xos_model::{Object, ObjectKey};

use super::{Engine, later};
use crate::cache::{WatchId, is_newer};
use crate::decide::Plan;
use crate::doubts::Doubt;
use crate::duty::is_unsettled;
use crate::queue::Priority;
use crate::store::Wrote;
use crate::watch::Notice;
use crate::work::{Job, Report, Subject, Turn};

impl Engine {
    pub(super) fn joined(&mut self, joined: Result<(task::Id, Report), JoinError>) {
        match joined {
            Ok((id, report)) => {
                self.left(id);
                self.report(report);
            }
            Err(error) => self.worker_panicked(&error),
        }
    }

    /// A worker ended; one that its step had no room for may take its place.
    fn left(&mut self, id: task::Id) -> Option<ObjectKey> {
        self.pace.ended(id, Instant::now());
        let (key, step) = self.at_work.remove(&id)?;
        if let Some(next) = step.and_then(|step| self.steps.leave(&step)) {
            self.queue.add(&next, Priority::Change);
        }
        Some(key)
    }

    /// Steps' panics are caught, so this is a defect of the engine: the object is tried again, not forgotten.
    fn worker_panicked(&mut self, error: &JoinError) {
        let Some(key) = self.left(error.id()) else { return };
        self.doubts.ended(&key, false);
        tracing::error!(object = %key, %error, "a worker panicked: please report this");
        self.queue.add_at(&key, self.after(self.options.backoff.max), Priority::Retry);
        self.queue.finish(&key);
    }

    fn report(&mut self, Report { key, uid, turn }: Report) {
        if !matches!(turn, Turn::Unwritten(_)) {
            self.unwritten.remove(&key);
        }
        // After the policies the turn goes on.
        if !matches!(turn, Turn::Half(_)) {
            self.doubts.ended(&key, matches!(turn, Turn::Recorded(_) | Turn::Deferred(_)));
        }
        match turn {
            Turn::Recorded(object) => {
                self.wrote(object);
                // What it waits for, or that there is more to do, follows from its state.
                self.queue.add(&key, Priority::Retry);
            }
            Turn::Deferred(object) => {
                self.forget_own_echo(&key, &object);
                self.wrote(object);
                self.queue.add_at(&key, self.after(self.options.deferred_every), Priority::Retry);
            }
            Turn::Half(subject) => {
                if self.go_on(&key, *subject) {
                    return;
                }
                self.doubts.ended(&key, false);
            }
            Turn::Cascaded(left, gone) => {
                for object in left {
                    // The watch's news of it is ours already, and none to the queue.
                    self.queue.add(&object.key(), Priority::Change);
                    self.wrote(Arc::new(object));
                }
                for object in gone {
                    self.gone(&object.key(), &object.meta.uid);
                }
                self.queue.add(&key, Priority::Retry);
            }
            Turn::Conflict => self.queue.add_at(&key, self.after(self.options.backoff.base(1) / 4), Priority::Retry),
            Turn::Unwritten(error) => {
                let times = self.unwritten.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
                let delay = self.options.backoff.delay(*times, rand::random());
                tracing::warn!(object = %key, %error, retry_in = ?delay, "could not write");
                self.queue.add_at(&key, self.after(delay), Priority::Retry);
            }
            Turn::Gone => self.gone(&key, &uid),
            Turn::Abandoned => {}
        }
        self.queue.finish(&key);
    }

    /// After the policies: the step, if nothing holds it back by now, or else the status of what was done. Whether a worker has it.
    fn go_on(&mut self, key: &ObjectKey, subject: Subject) -> bool {
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        self.learn(&Arc::new(subject.object.clone()));
        // The policies were tried in this turn, and only wait to be recorded.
        let doubt = Doubt { policy: false, ..self.doubts.of(&subject.object.meta.uid) };
        let plan = self.decide(&entry, &subject.object, doubt, self.shared.clock.now());
        let syncs = matches!(plan, Plan::Handle { policy: None, sync: true })
            && self.refusal(&entry, &subject.object).is_none()
            && !self.must_wait(key);
        let step = Job::Handle { policy: None, sync: true };
        let job = if syncs && self.steps.has_room(&entry) { step } else { Job::Write };
        self.spawn(key.clone(), entry, subject, job)
    }

    /// An object as it is after one of our writes.
    fn wrote(&mut self, object: Arc<Object>) {
        let key = object.key();
        let known = {
            let mut view = self.view.write();
            view.cache.wrote(object);
            view.cache.get(&key).cloned()
        };
        if let Some(object) = known {
            self.learn(&object);
        }
    }

    /// A step saved an object by itself: the view knows, and now who waits and what is due.
    pub(super) fn step_wrote(&mut self, wrote: Wrote) {
        let key = match wrote {
            Wrote::Made(key, uid) => {
                // The watch may have shown it before, and its step may run by now.
                let is_new = self.view.get(&key).is_some_and(|object| object.status.synchronizers.is_empty());
                if is_new && !self.doubts.of(&uid).sync {
                    self.untouched.insert(uid);
                }
                key
            }
            Wrote::Saved(key) => key,
            Wrote::Gone(key, uid) => return self.forget(&key, &uid),
        };
        self.planner.relinked(&key);
        if let Some(object) = self.view.get(&key) {
            self.learn(&object);
        }
        // What a step saves of its own object is settled by its end.
        if !self.at_work.values().any(|(busy, _)| *busy == key) {
            self.queue.add(&key, Priority::Change);
        }
    }

    /// An object is gone by one of our writes.
    fn gone(&mut self, key: &ObjectKey, uid: &str) {
        let is_known = self.view.write().cache.released(key, uid);
        if is_known {
            self.forget(key, uid);
        }
    }

    /// An object is gone.
    fn forget(&mut self, key: &ObjectKey, uid: &str) {
        self.queue.remove(key);
        self.untouched.remove(uid);
        self.doubts.forget(uid);
        self.resyncs.remove(key);
        // A successor of the same name may be known already.
        if self.view.get(key).is_none() {
            self.view.write().unindex(key);
        }
        for woken in self.planner.unlearn(key) {
            self.queue.add(&woken, Priority::Change);
        }
        self.refusals.forget(key);
        self.wake_refused(key);
    }

    /// Takes in an object as it is now, and wakes those who waited for that.
    fn learn(&mut self, object: &Arc<Object>) {
        let is_unsettled = is_unsettled(object, &self.shared.registry, self.shared.clock.now());
        let key = object.key();
        if self.view.write().index(object, is_unsettled) {
            self.planner.relinked(&key);
        }
        // Those who told what they wait for may have something else to tell, or to do.
        for follower in self.planner.followers(&key) {
            self.queue.add(&follower, Priority::Retry);
        }
        for woken in self.planner.learn(self.view.read().index.graph(), object) {
            self.queue.add(&woken, Priority::Change);
        }
        self.wake_refused(&key);
    }

    /// Those for whom this object may have decided that they are not accepted.
    fn wake_refused(&mut self, key: &ObjectKey) {
        let classes = self.shared.registry.get(&key.model).map(|entry| entry.model.ancestry.as_slice());
        for woken in self.refusals.touched_by(key, classes.unwrap_or_default().iter()) {
            self.queue.add(&woken, Priority::Change);
        }
    }

    /// The watch may show our own write before its answer is here. That must not run a deferred step again at once.
    fn forget_own_echo(&mut self, key: &ObjectKey, written: &Object) {
        if self.view.get(key).is_some_and(|known| !is_newer(&known, written)) {
            self.queue.remove(key);
        }
    }

    pub(super) fn after(&self, delay: Duration) -> Timestamp {
        later(self.shared.clock.now(), delay)
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::BeginList(watch) => self.view.write().cache.begin_list(watch),
            Notice::Seen(watch, object) => self.seen(watch, *object),
            Notice::Gone(key, uid) => {
                let is_known = self.view.write().cache.gone(&key, &uid);
                if is_known {
                    self.forget(&key, &uid);
                }
            }
            Notice::EndList(watch) => {
                self.listed.insert(watch);
                let gone = self.view.write().cache.end_list(watch);
                for (key, uid) in gone {
                    self.forget(&key, &uid);
                }
                self.tell_ready();
            }
        }
    }

    fn seen(&mut self, watch: WatchId, object: Object) {
        let key = object.key();
        let mut view = self.view.write();
        let is_new = view.cache.get(&key).is_none_or(|known| known.meta.uid != object.meta.uid);
        if is_new && !view.cache.is_listing(watch) && object.status.synchronizers.is_empty() {
            self.untouched.insert(object.meta.uid.clone());
        }
        if is_new && view.cache.is_listing(watch) {
            self.doubts.found(&object, &self.shared.registry.synchronizer);
        }
        let before = view.cache.get(&key).cloned();
        let news = view.cache.see(object, watch);
        let known = view.cache.get(&key).filter(|_| news).cloned();
        drop(view);
        if let Some(object) = known {
            self.learn(&object);
            self.queue.add(&key, priority_of(before.as_deref(), &object));
        }
    }
}

/// What the framework wrote (finalizers, status) must not pass for an operator's change: under load that would go before theirs.
fn priority_of(before: Option<&Object>, now: &Object) -> Priority {
    let is_same = |before: &Object| {
        let (was, is) = (&before.meta, &now.meta);
        (&was.uid, was.deleting, &before.intent) == (&is.uid, is.deleting, &now.intent)
    };
    if before.is_some_and(is_same) { Priority::Retry } else { Priority::Change }
}
