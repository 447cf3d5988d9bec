//! The next job for an object, whether it comes from the queue or goes on after its policies.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_model::accept::Refusal;
use xos_model::graph::Blocker;
use xos_model::names::finalizer_owner;
use xos_model::record::{self, Wait};
use xos_model::{Object, Operation, Pass, Reference};

use super::claims::{self, Claims, refused_pass};
use super::{Plan, needs_finalizers, plan};
use crate::clock::{EARLIEST, later};
use crate::duty::Duty;
use crate::installation::Abandoned;
use crate::objects::Doubt;
use crate::work::Job;
use crate::workers::Need;

/// What is known about other objects, and asked only as far as the decision needs it.
pub(crate) trait Surroundings {
    /// Returns what those that have a key of the object are for it.
    fn claims(&self) -> Claims;
    /// Returns whether a worker attempts a pass of another object just now.
    fn is_attempted(&self, _: &Object) -> bool {
        false
    }
    /// Returns why the object is not accepted, if it is not, but for its keys.
    fn refusal(&self) -> Option<Refusal>;
    /// Returns the owner to set on the object, which has none, with the name of the link.
    fn owner_to_set(&self) -> Option<(String, Reference)>;
    /// Returns all that the object has to wait for before its step runs.
    fn blockers(&self) -> Vec<Blocker>;
    /// Returns whether a to-one link of the object leads to one that is being deleted.
    fn leads_to_leaving(&self) -> bool;
    /// Returns where to-one links of the object lead to nothing.
    fn missing(&self) -> Vec<Blocker>;
    /// Returns whether the object will be deleted together with one that is being deleted.
    fn is_taken_along(&self) -> bool;
    /// Returns all that the object, which is being deleted, has to wait for.
    fn deletion_blockers(&self) -> Vec<Blocker>;
    /// Returns the objects that are to be deleted together with the object, and are not yet.
    fn live_dependents(&self) -> Vec<Arc<Object>>;
    /// Returns who is missed of those that hold the object, which is being deleted and for which nothing is left to do
    /// here.
    fn abandoned(&self) -> Abandoned;
    /// Returns the place that is missing for a job on the object, if any.
    fn missing_place(&self, job: &Job) -> Option<Need>;
    /// Returns whether no other synchronizer that is installed has anything to do with objects like this one.
    fn is_nobody_elses(&self) -> bool {
        false
    }
    /// Returns whether the deletion of the object would take more along than was confirmed.
    fn is_cascade_held(&self) -> bool {
        false
    }
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
    /// It has to wait for these.
    Blocked(Vec<Blocker>),
    /// Its deletion is held, as it would take many along.
    DeletionHeld,
    /// It is not accepted, and its status says so.
    Refused(Refusal),
    /// The same; at this time it is tried again to take it out of the backend.
    RefusedUntil(Refusal, Timestamp),
    /// There is no place for it, or the target of its step is away.
    AwaitPlace(Need, Job),
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
        Stage::Queued => match unwritable_until(duty, now) {
            Some(until) => Next::RequeueAt(until),
            None => decide(object, duty, around, (now, unit)),
        },
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

/// Returns until when nothing is tried, as the API server has not taken a write of the object.
fn unwritable_until(duty: &Duty<'_>, now: Timestamp) -> Option<Timestamp> {
    duty.tracked.unwritable_until().filter(|until| now < *until && *until <= later(now, duty.longest_delay))
}

fn decide(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, (now, unit): (Timestamp, f64)) -> Next {
    let is_handled = duty.syncs || duty.has_policies;
    if is_handled
        && object.meta.deleting.is_none()
        && let Some((link, owner)) = around.owner_to_set()
    {
        // Before anything else: policies and steps see no object without its owner.
        return Next::Run(Job::SetOwner(link, owner));
    }
    if object.meta.deleting.is_none()
        && let Some(next) = claims::next(object, duty, around, now)
    {
        return held_up(object, duty, next);
    }
    // Before that is forgotten: the garbage collector soon takes away what says so.
    let holds = || duty.finalizers.all().any(|ours| object.has_finalizer(ours));
    let is_noted = || object.status.of(duty.synchronizer).is_some_and(|own| own.leaves_others);
    if duty.leaves_others(object) && holds() && !is_noted() {
        return Next::Run(Job::NoteLeavesOthers);
    }
    match plan(object, duty, now) {
        Plan::Nothing if object.meta.deleting.is_some() => await_others(object, duty, around, now),
        Plan::Nothing if !is_handled && around.is_nobody_elses() && record::idle(object, now) != *object => {
            Next::Run(Job::ReportIdle)
        }
        Plan::Nothing => {
            let missing = if duty.syncs && !is_switched_off(object) { around.missing() } else { vec![] };
            if missing.is_empty() { resync(object, duty, around, (now, unit)) } else { Next::Blocked(missing) }
        }
        // Since its delete step was tried, some may have come that go before it.
        Plan::RequeueAt(at) => before_deletion(object, duty, around).unwrap_or(Next::RequeueAt(at)),
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
    // Policies do not wait for others, but nothing is made any more of what goes with another.
    if policy.is_none() || around.is_taken_along() {
        let blockers = around.blockers();
        if !blockers.is_empty() {
            return held_up(object, duty, Next::Blocked(blockers));
        }
    }
    match in_place(around, Job::Reconcile { policy, sync }) {
        // It was touched, and still says that it is Ready: that is not to last as long as the wait for a place.
        Next::AwaitPlace(..) if record::is_overstated(object) => Next::Run(Job::Acknowledge),
        next => next,
    }
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
pub(super) fn refuse(object: &Object, duty: &Duty<'_>, refusal: Refusal, now: Timestamp) -> Next {
    let pass = refused_pass(duty);
    let leaves = claims::leaves_something(object, duty, &refusal);
    if !leaves && record::refused(object, duty.synchronizer, pass, &refusal, now) == *object {
        return Next::Refused(refusal);
    }
    Next::Run(Job::ReportRefusal(pass, refusal, leaves))
}

pub(super) fn in_place(around: &impl Surroundings, job: Job) -> Next {
    match around.missing_place(&job) {
        Some(need) => Next::AwaitPlace(need, job),
        None => Next::Run(job),
    }
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
    if let Some(next) = before_deletion(object, duty, around) {
        return next;
    }
    let waits = if sync { claims::holds_up_deletion(object, duty, around, now) } else { None };
    waits.unwrap_or_else(|| in_place(around, Job::Delete { policy, sync }))
}

/// Returns what comes before the delete step of an object that is being deleted: those that go with it are gone first.
fn before_deletion(object: &Object, duty: &Duty<'_>, around: &impl Surroundings) -> Option<Next> {
    if object.meta.deleting.is_none() || object.flag("write_protect") || duty.leaves_others(object) {
        return None;
    }
    let live = around.live_dependents();
    if !live.is_empty() {
        let held = around.is_cascade_held();
        return Some(if held { Next::DeletionHeld } else { Next::Run(Job::Cascade(live)) });
    }
    Some(around.deletion_blockers()).filter(|blockers| !blockers.is_empty()).map(Next::Blocked)
}

/// Lets status say what the object waits for, if it does not yet.
pub(crate) fn report_wait(object: &Object, synchronizer: &str, wait: Wait, now: Timestamp) -> Next {
    let is_reported = record::waiting(object, synchronizer, Pass::Sync, &wait, now) == *object;
    if is_reported { Next::Nothing } else { Next::Run(Job::ReportWait(wait)) }
}

/// A deleted object that only others hold. Lets status say who of them is missed, if it does not yet.
fn await_others(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, now: Timestamp) -> Next {
    // Of kinds that are not its own a synchronizer says only what it left there itself, when it still had a step.
    let is_of = |finalizer: &String| finalizer_owner(finalizer).is_some_and(|(name, _)| name == duty.synchronizer);
    let is_own = duty.has_step || duty.has_policies || duty.takes_along;
    if !is_own && !object.meta.finalizers.iter().any(is_of) {
        return Next::Nothing;
    }
    let Abandoned { message, look_again } = around.abandoned();
    if record::abandoned(object, duty.synchronizer, message.as_deref(), now) != *object {
        return Next::Run(Job::ReportAbandoned(message));
    }
    look_again.map_or(Next::Nothing, Next::RequeueAt)
}

fn is_switched_off(object: &Object) -> bool {
    object.flag("no_sync") || object.flag("lazy_blocked")
}

/// A clean object whose step wants to look after it from time to time.
fn resync(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, (now, unit): (Timestamp, f64)) -> Next {
    let is_live = object.meta.deleting.is_none() && !is_switched_off(object);
    if is_live && duty.syncs && duty.tracked.is_to_run && !around.leads_to_leaving() {
        return in_place(around, Job::Resync);
    }
    let Some(every) = duty.resync.filter(|_| is_live) else { return Next::Nothing };
    match duty.tracked.resync_at {
        // What goes with another is not synchronized any more.
        Some(at) if at <= now && around.leads_to_leaving() => Next::ResyncAt(later(now, every)),
        Some(at) if at <= now => in_place(around, Job::Resync),
        // A period that has become shorter holds at once. So does this if the clock was ahead when the time was set.
        Some(at) if at <= later(now, every) => Next::ResyncAt(at),
        _ => Next::ResyncAt(later(now, first_resync(every, duty.tracked.was_there, unit))),
    }
}

/// Returns when an object is looked after for the first time. What was there when the controller started may be wrong in
/// the backend since any time: it is spread over the whole period, so that it does not come all at once.
fn first_resync(every: Duration, was_there: bool, unit: f64) -> Duration {
    every.mul_f64(if was_there { unit } else { EARLIEST + (1.0 - EARLIEST) * unit })
}
