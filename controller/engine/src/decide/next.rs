//! The next job for an object, whether it comes from the queue or goes on after its policies.

use std::sync::Arc;

use jiff::Timestamp;
use xos_model::accept::Refusal;
use xos_model::graph::Blocker;
use xos_model::record::{self, Wait};
use xos_model::{Object, Operation, Pass};

use super::{Plan, needs_finalizers, plan};
use crate::clock::later;
use crate::duty::Duty;
use crate::objects::Doubt;
use crate::work::Job;

/// What is known about other objects, and asked only as far as the decision needs it.
pub(crate) trait Surroundings {
    /// Returns why the object is not accepted, if it is not.
    fn refusal(&self) -> Option<Refusal>;
    /// Returns what the object has to wait for before its step runs, if anything.
    fn blocker(&self) -> Option<Blocker>;
    /// Returns what the object, which is being deleted, has to wait for, if anything.
    fn deletion_blocker(&self) -> Option<Blocker>;
    /// Returns the objects that are to be deleted together with the object, and are not yet.
    fn live_dependents(&self) -> Vec<Arc<Object>>;
    /// Returns whether the object's step has a free slot.
    fn has_slot(&self) -> bool;
}

/// Where the object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From the queue.
    Queued,
    /// From its policies, which have succeeded. What they leave in status is not written yet.
    AfterPolicies,
}

/// What to do with an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// Nothing, until it changes.
    Nothing,
    /// Look again at this time.
    RequeueAt(Timestamp),
    /// The object is clean: look after it at this time.
    ResyncAt(Timestamp),
    /// It has to wait for this.
    Blocked(Blocker),
    /// It is not accepted, and its status says so.
    Refused(Refusal),
    /// All slots of its step are taken.
    AwaitSlot,
    /// A worker is to do this.
    Run(Job),
}

/// Returns what to do with an object. `unit` is a random number in 0..1: it spreads the first resync.
pub(crate) fn next(
    object: &Object,
    duty: &Duty<'_>,
    stage: Stage,
    around: &impl Surroundings,
    (now, unit): (Timestamp, f64),
) -> Next {
    match stage {
        Stage::Queued => decide(object, duty, around, (now, unit)),
        Stage::AfterPolicies => {
            // The policies were attempted just now, and only wait to be recorded.
            let doubt = Doubt { policy: false, ..duty.doubt };
            match decide(object, &Duty { doubt, ..*duty }, around, (now, unit)) {
                Next::Run(job @ Job::Reconcile { policy: None, sync: true }) => Next::Run(job),
                _ => Next::Run(Job::WriteStatus),
            }
        }
    }
}

fn decide(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, (now, unit): (Timestamp, f64)) -> Next {
    match plan(object, duty, now) {
        Plan::Nothing => resync(object, duty, around, (now, unit)),
        Plan::RequeueAt(at) => Next::RequeueAt(at),
        Plan::Reconcile { policy, sync } => reconcile(object, duty, around, (policy, sync), now),
        Plan::EnsureFinalizers => Next::Run(Job::EnsureFinalizers),
        Plan::Acknowledge => Next::Run(Job::Acknowledge),
        Plan::ReportSwitch(switch) => held_up(object, duty, Next::Run(Job::ReportSwitch(switch))),
        Plan::Delete { policy, sync } => delete(object, duty, around, (policy, sync), now),
    }
}

fn reconcile(
    object: &Object,
    duty: &Duty<'_>,
    around: &impl Surroundings,
    (policy, sync): (Option<Operation>, bool),
    now: Timestamp,
) -> Next {
    if let Some(refusal) = around.refusal() {
        return held_up(object, duty, refuse(object, duty, refusal, now));
    }
    if policy.is_none()
        && let Some(blocker) = around.blocker()
    {
        return held_up(object, duty, Next::Blocked(blocker));
    }
    in_slot(around, Job::Reconcile { policy, sync })
}

/// Returns what to do with an object that is held up. If it was handled, or others go with it on its deletion, it needs
/// its finalizers before that: it may be deleted while it is held up.
fn held_up(object: &Object, duty: &Duty<'_>, next: Next) -> Next {
    let has_all = || duty.finalizers.all().all(|ours| object.has_finalizer(ours));
    if needs_finalizers(object, duty) || (duty.takes_along && !has_all()) {
        Next::Run(Job::EnsureFinalizers)
    } else {
        next
    }
}

/// Lets status say why the object is not accepted, if it does not yet.
fn refuse(object: &Object, duty: &Duty<'_>, refusal: Refusal, now: Timestamp) -> Next {
    let pass = if duty.has_step { Pass::Sync } else { Pass::Policy };
    if record::refused(object, duty.synchronizer, pass, &refusal, now) == *object {
        return Next::Refused(refusal);
    }
    Next::Run(Job::ReportRefusal(pass, refusal))
}

fn in_slot(around: &impl Surroundings, job: Job) -> Next {
    if job.runs_step() && !around.has_slot() { Next::AwaitSlot } else { Next::Run(job) }
}

fn delete(
    object: &Object,
    duty: &Duty<'_>,
    around: &impl Surroundings,
    (policy, sync): (bool, bool),
    now: Timestamp,
) -> Next {
    if object.flag("write_protect") {
        let message = "spec.writeProtect is set: the object stays until it is cleared".to_owned();
        return report_wait(object, duty.synchronizer, Wait { reason: "WriteProtected", message }, now);
    }
    let live = around.live_dependents();
    if !live.is_empty() {
        return Next::Run(Job::Cascade(live));
    }
    match around.deletion_blocker() {
        Some(blocker) => Next::Blocked(blocker),
        None => in_slot(around, Job::Delete { policy, sync }),
    }
}

/// Lets status say what the object waits for, if it does not yet.
pub(crate) fn report_wait(object: &Object, synchronizer: &str, wait: Wait, now: Timestamp) -> Next {
    let is_reported = record::waiting(object, synchronizer, &wait, now) == *object;
    if is_reported { Next::Nothing } else { Next::Run(Job::ReportWait(wait)) }
}

/// A clean object whose step wants to look after it from time to time.
fn resync(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, (now, unit): (Timestamp, f64)) -> Next {
    let is_live = object.meta.deleting.is_none() && !object.flag("no_sync") && !object.flag("lazy_blocked");
    let Some(every) = duty.resync.filter(|_| is_live) else { return Next::Nothing };
    match duty.resync_at {
        Some(at) if at <= now => in_slot(around, Job::Resync),
        Some(at) => Next::ResyncAt(at),
        None => Next::ResyncAt(later(now, every.mul_f64(unit))),
    }
}
