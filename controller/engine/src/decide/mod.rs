//! What is to be done with an object: pure functions of its state, of what is known about others, and of the time.

pub(crate) mod claims;
mod next;

use jiff::Timestamp;
use xos_model::accept::is_lost;
use xos_model::deletion::{Deletion, deletion_due};
use xos_model::dirty::{Due, Switch, is_attempted, is_in_doubt, policy_due, sync_due};
use xos_model::record::{Duties, held, is_misreported, is_reported_undone};
use xos_model::{Object, Operation, Pass};

use crate::clock::later;
use crate::duty::Duty;

pub(crate) use next::{Next, Stage, Surroundings, next, report_wait};

/// What is due of an object, whatever others it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Nothing, until it changes.
    Nothing,
    /// Nothing before this time.
    RequeueAt(Timestamp),
    /// Run what is due: policies first. The step must not run before what the object depends on is done.
    Reconcile {
        /// The policies' handlers.
        policy: Option<Operation>,
        /// The sync step.
        sync: bool,
    },
    /// Set the finalizers of an object that nobody synchronizes, so that what cascades from it goes before it does.
    EnsureFinalizers,
    /// Only let status speak of the present generation, and of what has become of all passes.
    Acknowledge,
    /// Only let status say which switch holds the object back.
    ReportSwitch(Switch),
    /// Once what cascades is gone: run what is due on deletion, then let the object go.
    Delete {
        /// The policies' delete handlers.
        policy: bool,
        /// The delete step.
        sync: bool,
    },
}

/// Returns what is due of an object.
fn plan(object: &Object, duty: &Duty<'_>, now: Timestamp) -> Plan {
    if object.meta.deleting.is_some() {
        return plan_deletion(object, duty, now);
    }
    let policy = if duty.has_policies { policy_due(object, duty.synchronizer, now) } else { Due::Clean };
    let sync = if duty.syncs { sync_due(object, duty.synchronizer, now) } else { Due::Clean };
    let [policy, sync] = [policy, sync].map(|due| within(due, duty, now));
    let policy = again(policy, duty.has_policies && duty.doubt.policy, object, duty, Pass::Policy);
    let sync = again(sync, duty.syncs && duty.doubt.sync, object, duty, Pass::Sync);
    let policy = put_off(policy, object, duty, Operation::PolicyUpdate, now);
    let sync = put_off(sync, object, duty, Operation::Sync, now);
    if policy == Due::Now || sync == Due::Now {
        let policy = (policy == Due::Now).then(|| handler(object, duty.synchronizer));
        return Plan::Reconcile { policy, sync: sync == Due::Now };
    }
    if needs_finalizers(object, duty) {
        return Plan::EnsureFinalizers;
    }
    if let Some(at) = earliest(policy, sync) {
        return Plan::RequeueAt(at);
    }
    let duties = Duties { policy: duty.has_policies, sync: duty.syncs };
    let is_noted = duties.are_noted(object, duty.synchronizer);
    if !duty.syncs && !duty.has_policies {
        return if is_noted { Plan::Nothing } else { Plan::Acknowledge };
    }
    if let (Due::Held(switch), _) | (_, Due::Held(switch)) = (sync, policy) {
        let is_reported = is_noted && !is_misreported(object);
        let is_reported = is_reported && held(object, duty.synchronizer, switch, now) == *object;
        return if is_reported { Plan::Nothing } else { Plan::ReportSwitch(switch) };
    }
    let is_stale = |due, pass| due == Due::Clean && is_in_doubt(object, duty.synchronizer, pass);
    let is_unseen = object.status.observed_generation != Some(object.meta.generation);
    let is_misreported = !is_noted || is_misreported(object);
    if is_unseen || is_misreported || is_stale(sync, Pass::Sync) || is_stale(policy, Pass::Policy) {
        return Plan::Acknowledge;
    }
    Plan::Nothing
}

/// Returns when a pass is due: now, if it would have to wait longer than any delay is. The clock was ahead then.
fn within(due: Due, duty: &Duty<'_>, now: Timestamp) -> Due {
    match due {
        Due::NotBefore(at) if at > later(now, duty.longest_delay) => Due::Now,
        due => due,
    }
}

/// Returns when a pass is due that has nothing new: now, where the backend may be elsewhere, or where status says that
/// it was not run.
fn again(due: Due, in_doubt: bool, object: &Object, duty: &Duty<'_>, pass: Pass) -> Due {
    let runs = due == Due::Clean && (in_doubt || is_reported_undone(object, duty.synchronizer, pass));
    if runs { Due::Now } else { due }
}

/// Returns when a pass is due that may have been deferred: what is there now was tried already.
fn put_off(due: Due, object: &Object, duty: &Duty<'_>, operation: Operation, now: Timestamp) -> Due {
    let until = if due == Due::Now { put_off_until(object, duty, operation, now) } else { None };
    until.map_or(due, Due::NotBefore)
}

/// Returns until when an operation is deferred, if it is.
fn put_off_until(object: &Object, duty: &Duty<'_>, operation: Operation, now: Timestamp) -> Option<Timestamp> {
    let is_wait = |until: &Timestamp| now < *until && *until <= later(now, duty.longest_delay);
    let until = duty.tracked.put_off_until(operation).filter(is_wait);
    until.filter(|_| is_attempted(object, duty.synchronizer, operation))
}

/// Returns whether a live object lacks a finalizer that it is to have while it waits for its next turn: one that was
/// handled, and has lost it since (`kubectl replace`), or one that nobody handles, and from which others cascade.
fn needs_finalizers(object: &Object, duty: &Duty<'_>) -> bool {
    let was_handled = || {
        let own = object.status.of(duty.synchronizer);
        own.is_some_and(|own| !own.sync.is_untried() || !own.policy.is_untried())
    };
    let is_missing = |ours: &String| !object.has_finalizer(ours);
    duty.finalizers.links.as_ref().is_some_and(is_missing) || (duty.finalizers.all().any(is_missing) && was_handled())
}

/// Returns which of the policies' handlers is due. As in XOS: the create handler until the policies first succeed.
fn handler(object: &Object, synchronizer: &str) -> Operation {
    let ever = object.status.of(synchronizer).is_some_and(|own| own.policy.ever);
    if ever { Operation::PolicyUpdate } else { Operation::PolicyCreate }
}

fn earliest(policy: Due, sync: Due) -> Option<Timestamp> {
    let at = |due| if let Due::NotBefore(at) = due { Some(at) } else { None };
    [policy, sync].into_iter().filter_map(at).min()
}

fn plan_deletion(object: &Object, duty: &Duty<'_>, now: Timestamp) -> Plan {
    let due = |finalizer: &Option<String>, operation| {
        let Some(finalizer) = finalizer else { return Deletion::NotHeld };
        match deletion_due(object, duty.synchronizer, finalizer, operation, now) {
            Deletion::RunStep => {
                put_off_until(object, duty, operation, now).map_or(Deletion::RunStep, Deletion::NotBefore)
            }
            Deletion::NotBefore(at) if at > later(now, duty.longest_delay) => Deletion::RunStep,
            due => due,
        }
    };
    let policy = due(&duty.finalizers.policy, Operation::PolicyDelete);
    let sync = due(&duty.finalizers.sync, Operation::Delete);
    let run = |deletion| deletion == Deletion::RunStep;
    if run(policy) || run(sync) {
        return Plan::Delete { policy: run(policy), sync: run(sync) && may_be_in_backend(object, duty) };
    }
    let at = |deletion| if let Deletion::NotBefore(at) = deletion { Some(at) } else { None };
    if let Some(at) = [policy, sync].into_iter().filter_map(at).min() {
        return Plan::RequeueAt(at);
    }
    let is_held = duty.finalizers.links.as_ref().is_some_and(|links| object.has_finalizer(links));
    if is_held { Plan::Delete { policy: false, sync: false } } else { Plan::Nothing }
}

/// Returns whether there may be anything to undo: not if no step was ever started for the object, or it is another
/// synchronizer's. An object whose status says that another one has its key is handled only once it says otherwise.
fn may_be_in_backend(object: &Object, duty: &Duty<'_>) -> bool {
    let was_tried = object.status.of(duty.synchronizer).is_some_and(|own| !own.sync.is_untried());
    was_tried || duty.doubt.sync || (duty.syncs && !duty.never_attempted && !is_lost(object))
}

#[cfg(test)]
mod tests;
