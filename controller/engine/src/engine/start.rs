//! Deciding on objects, and handing them to workers.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Instrument as _;
use xos_model::accept::Refusal;
use xos_model::record::{self, Wait};
use xos_model::{Object, ObjectKey, Pass};

use super::{Engine, later};
use crate::decide::{Plan, decide};
use crate::doubts::Doubt;
use crate::duty::duty;
use crate::planner::Patience;
use crate::queue::Priority;
use crate::registry::Entry;
use crate::work::{Job, Report, Subject, carry_out};

/// What an object that is due for its step only may have to wait with.
const WAITS: Plan = Plan::Handle { policy: None, sync: true };
/// Resyncs are spread over ±10 %.
const RESYNC_JITTER: f64 = 0.1;
/// What a protected object says that is to be deleted.
fn protected() -> Wait {
    let message = "spec.writeProtect is set: the object stays until it is cleared".to_owned();
    Wait { reason: "WriteProtected", message }
}

impl Engine {
    pub(super) fn start_workers(&mut self) {
        self.pace.sort(Instant::now());
        while self.pace.has_room() && self.listed.len() >= self.options.watches {
            let Some(key) = self.queue.take(self.shared.clock.now()) else { return };
            if !self.start(&key) {
                self.queue.finish(&key);
            }
            if let Some(next) = self.steps.looked_at(&key) {
                self.queue.add(&next, Priority::Change);
            }
        }
    }

    /// Decides on an object; whether a worker now has it.
    pub(super) fn start(&mut self, key: &ObjectKey) -> bool {
        let Some(object) = self.view.get(key) else { return false };
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        let now = self.shared.clock.now();
        let plan = self.decide(&entry, &object, self.doubts.of(&object.meta.uid), now);
        let is_due = matches!(plan, Plan::Handle { .. });
        let refusal = is_due.then(|| self.refusal(&entry, &object)).flatten();
        self.refusals.note(key, refusal.as_ref());
        let is_held_up = refusal.is_some() || matches!(plan, Plan::Show(_)) || (plan == WAITS && self.must_wait(key));
        if is_held_up && entry.takes_along && !entry.finalizers.all().all(|ours| object.has_finalizer(ours)) {
            return self.spawn(key.clone(), entry, Subject::new(object), Job::Hold);
        }
        if let Some(refusal) = refusal {
            return self.refuse(key, entry, object, refusal);
        }
        let job = match plan {
            Plan::Nothing => return self.resync(key, &entry, &object, now),
            Plan::WaitUntil(at) => {
                self.queue.add_at(key, at, Priority::Retry);
                return false;
            }
            WAITS if self.must_wait(key) => return self.wait(key, &object),
            Plan::Handle { policy, sync } => {
                self.planner.forget(key);
                Job::Handle { policy, sync }
            }
            Plan::Hold => Job::Hold,
            Plan::Acknowledge => Job::Acknowledge,
            Plan::Show(switch) => Job::Show(switch),
            Plan::Delete { .. } if object.flag("write_protect") => return self.tell(key, &object, protected()),
            Plan::Delete { policy, sync } => match self.delete(key, &object, policy, sync) {
                Some(job) => job,
                None => return self.wait(key, &object),
            },
        };
        self.spawn(key.clone(), entry, Subject::new(object), job)
    }

    pub(super) fn decide(&self, entry: &Entry, object: &Object, doubt: Doubt, now: Timestamp) -> Plan {
        decide(object, &duty(&self.shared.registry, entry, object, doubt), now)
    }

    /// What is to be done with an object that is to go; nothing while others go before it.
    fn delete(&mut self, key: &ObjectKey, object: &Object, policy: bool, sync: bool) -> Option<Job> {
        let view = self.view.read();
        let cascade = view.index.graph().cascade(key).into_iter().filter_map(|other| view.cache.get(&other));
        let is_asked = |other: &&Arc<Object>| other.meta.deleting.is_some() || other.flag("write_protect");
        let live: Vec<_> = cascade.filter(|other| !is_asked(other)).cloned().collect();
        if !live.is_empty() {
            return Some(Job::Cascade(live));
        }
        let is_deleting = |key: &ObjectKey| view.cache.get(key).is_some_and(|object| object.meta.deleting.is_some());
        if self.planner.must_wait_deleting(view.index.graph(), key, is_deleting) {
            return None;
        }
        let sync = sync && self.may_be_in_backend(object);
        Some(Job::Delete { policy, sync })
    }

    /// Why an object is not accepted, if it is not.
    pub(super) fn refusal(&self, entry: &Entry, object: &Object) -> Option<Refusal> {
        let (checks, model) = (&entry.checks, &entry.model);
        if checks.is_empty() {
            return None;
        }
        let view = self.view.read();
        if checks.is_ready(&view.index, model, object) {
            return checks.refusal(&view.index, model, object);
        }
        drop(view);
        let mut view = self.view.write();
        checks.prepare(&mut view.index, model, object);
        checks.refusal(&view.index, model, object)
    }

    /// Lets status say why the object is not accepted, if it does not yet. Whoever changes that wakes it.
    fn refuse(&mut self, key: &ObjectKey, entry: Arc<Entry>, object: Arc<Object>, refusal: Refusal) -> bool {
        self.planner.forget(key);
        let pass = if entry.step.is_some() { Pass::Sync } else { Pass::Policy };
        let (synchronizer, now) = (&self.shared.registry.synchronizer, self.shared.clock.now());
        if record::refused(&object, synchronizer, pass, &refusal, now) == *object {
            return false;
        }
        self.spawn(key.clone(), entry, Subject::new(object), Job::Refuse(pass, refusal))
    }

    /// Whether there may be anything to undo: not if no step was ever started for the object, or it is somebody else's.
    fn may_be_in_backend(&self, object: &Object) -> bool {
        let registry = &self.shared.registry;
        let uid = &object.meta.uid;
        let is_ours = || registry.get(&object.model).is_some_and(|entry| entry.is_ours(object));
        let was_tried = || object.status.of(&registry.synchronizer).is_some_and(|own| !own.sync.is_untried());
        was_tried() || self.doubts.of(uid).sync || (is_ours() && !self.untouched.contains(uid))
    }

    pub(super) fn must_wait(&mut self, key: &ObjectKey) -> bool {
        self.planner.must_wait(self.view.read().index.graph(), key)
    }

    /// An object waits: its status says so after a while.
    fn wait(&mut self, key: &ObjectKey, object: &Arc<Object>) -> bool {
        let view = self.view.read();
        let is_deleting = |key: &ObjectKey| view.cache.get(key).is_some_and(|object| object.meta.deleting.is_some());
        match self.planner.wait(view.index.graph(), key, self.shared.clock.now(), is_deleting) {
            Patience::Until(at) => {
                self.queue.add_at(key, at, Priority::Retry);
                return false;
            }
            Patience::Tell(freed) => {
                for other in &freed {
                    self.queue.add(other, Priority::Change);
                }
                if freed.contains(key) {
                    return false;
                }
            }
        }
        let text = self.planner.text(key, |key| view.cache.get(key).map(Arc::as_ref));
        drop(view);
        text.is_some_and(|message| self.tell(key, object, Wait { reason: "WaitingForDependency", message }))
    }

    /// Lets status say what the object waits for, if it does not yet.
    fn tell(&mut self, key: &ObjectKey, object: &Arc<Object>, wait: Wait) -> bool {
        let synchronizer = &self.shared.registry.synchronizer;
        let told = record::waiting(object, synchronizer, &wait, self.shared.clock.now());
        let Some(entry) = self.shared.registry.get(&key.model).cloned().filter(|_| told != **object) else {
            return false;
        };
        self.spawn(key.clone(), entry, Subject::new(Arc::clone(object)), Job::Waiting(wait))
    }

    /// A clean object whose step wants to look after it from time to time.
    fn resync(&mut self, key: &ObjectKey, entry: &Arc<Entry>, object: &Arc<Object>, now: Timestamp) -> bool {
        let is_live = object.meta.deleting.is_none() && !object.flag("no_sync") && !object.flag("lazy_blocked");
        let every = entry.step.as_ref().filter(|step| is_live && step.is_ours(object)).and_then(|step| step.resync());
        let Some(every) = every else { return false };
        let first = || later(now, every.mul_f64(rand::random()));
        let at = *self.resyncs.entry(key.clone()).or_insert_with(first);
        if now < at {
            self.queue.add_at(key, at, Priority::Resync);
            return false;
        }
        let spread = 1.0 + RESYNC_JITTER * (2.0 * rand::random::<f64>() - 1.0);
        self.resyncs.insert(key.clone(), later(now, every.mul_f64(spread)));
        self.spawn(key.clone(), Arc::clone(entry), Subject::new(Arc::clone(object)), Job::Resync)
    }

    pub(super) fn spawn(&mut self, key: ObjectKey, entry: Arc<Entry>, subject: Subject, job: Job) -> bool {
        let runs_step =
            matches!(job, Job::Handle { policy: None, sync: true } | Job::Resync | Job::Delete { sync: true, .. });
        if runs_step && !self.steps.enter(&entry, &key) {
            return false;
        }
        if runs_step {
            self.untouched.remove(&subject.object.meta.uid);
        }
        match job {
            Job::Handle { policy: Some(_), .. } => self.doubts.tries(&key, &subject.object.meta.uid, Pass::Policy),
            Job::Handle { policy: None, .. } | Job::Resync => {
                self.doubts.tries(&key, &subject.object.meta.uid, Pass::Sync);
            }
            _ => {}
        }
        let name = entry.step.as_ref().map_or("", |step| step.name()).to_owned();
        let span = tracing::info_span!("step", name, operation = job.name(), object = %key);
        let runs = job.runs(&entry);
        let shared = Arc::clone(&self.shared);
        let (report_key, uid) = (key.clone(), subject.object.meta.uid.clone());
        let work = async move {
            let turn = carry_out(&shared, &entry, subject, job).await;
            Report { key: report_key, uid, turn }
        };
        let worker = self.workers.spawn(work.instrument(span));
        self.pace.began(worker.id(), runs, Instant::now());
        self.at_work.insert(worker.id(), (key, runs_step.then_some(name)));
        true
    }
}
