//! What follows from others that have a key of an object: one has it, the others are refused, and what they have put
//! into the backend is taken out.
//!
//! Their names in the backend may be one. So the one that has the key runs again after that: it is reopened, the others
//! are taken out, and then its step runs. Each of the three is recorded in status before the next begins.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_model::accept::{Hold, NOT_UNIQUE, Refusal, is_lost, is_tried_as_it_is};
use xos_model::graph::Blocker;
use xos_model::{Object, ObjectKey, Pass, PassState};

use super::may_be_in_backend;
use super::next::{Next, Surroundings, in_place, refuse};
use crate::clock::later;
use crate::duty::Duty;
use crate::work::Job;

/// When an object is looked at again that waits for the step of another one: that may end and leave nothing that wakes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the others that have a key of an object are for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Claims {
    /// Another one has the key: why the object is refused, and the other one.
    pub(crate) lost: Option<(Refusal, Arc<Object>)>,
    /// The object has the key, and these others may still be in the backend.
    pub(crate) in_backend: Vec<ObjectKey>,
}

/// Returns what to do with a live object because of its keys, if anything.
pub(super) fn next(object: &Object, duty: &Duty<'_>, around: &impl Surroundings, now: Timestamp) -> Option<Next> {
    if is_held(object) || !(duty.has_step || duty.has_policies) {
        return None;
    }
    let Claims { lost, in_backend } = around.claims();
    if let Some((refusal, winner)) = lost {
        return Some(give_way(object, duty, around, (refusal, &winner), now));
    }
    let is_done = object.status.of(duty.synchronizer).is_some_and(|own| own.sync.handled.is_some());
    if in_backend.is_empty() {
        return is_lost(object).then(|| Next::Run(Job::ReportAccepted(refused_pass(duty))));
    }
    if is_done {
        return Some(Next::Run(Job::Reopen));
    }
    Some(Next::Blocked(in_backend.into_iter().map(Blocker::Object).collect()))
}

/// Returns the pass whose condition tells that an object is not accepted.
pub(super) fn refused_pass(duty: &Duty<'_>) -> Pass {
    if duty.has_step { Pass::Sync } else { Pass::Policy }
}

/// Returns whether the delete step of an object has to wait: another one has its key, and its step runs just now, which
/// may put in what the delete step takes out; or it is not reopened yet.
pub(super) fn holds_up_deletion(
    object: &Object,
    duty: &Duty<'_>,
    around: &impl Surroundings,
    now: Timestamp,
) -> Option<Next> {
    let (refusal, winner) = around.claims().lost.filter(|_| may_be_in_backend(object, duty))?;
    if around.is_attempted(&winner) {
        return Some(Next::RefusedUntil(refusal, later(now, LOOK_AGAIN)));
    }
    reopens(&winner, duty).then_some(Next::Refused(refusal))
}

/// Returns whether an object that has the key of others is going to be reopened before these are taken out.
fn reopens(winner: &Object, duty: &Duty<'_>) -> bool {
    let is_done = winner.status.of(duty.synchronizer).is_some_and(|own| own.sync.handled.is_some());
    is_done && winner.meta.deleting.is_none() && !is_held(winner)
}

fn give_way(
    object: &Object,
    duty: &Duty<'_>,
    around: &impl Surroundings,
    (refusal, winner): (Refusal, &Object),
    now: Timestamp,
) -> Next {
    let (policy, sync) = to_take_out(object, duty, winner);
    if sync && around.is_attempted(winner) {
        return Next::RefusedUntil(refusal, later(now, LOOK_AGAIN));
    }
    if (sync && reopens(winner, duty)) || !(policy || sync) {
        return refuse(object, duty, refusal, now);
    }
    let own = object.status.of(duty.synchronizer);
    let states = own.into_iter().flat_map(|own| [(policy, &own.delete_policy), (sync, &own.delete)]);
    let due = states.filter(|(is_due, _)| *is_due).filter_map(|(_, state)| state.as_ref()?.next_attempt).max();
    match due.filter(|at| now < *at && *at <= later(now, duty.longest_delay)) {
        Some(at) => Next::RefusedUntil(refusal, at),
        None => in_place(around, Job::Withdraw { policy, sync, refusal }),
    }
}

/// Returns whether policies' delete handlers, and the delete step, have to run for a live object that has lost its key to
/// another one. Not for what was handled with an earlier spec: that stays as it was handled.
fn to_take_out(object: &Object, duty: &Duty<'_>, winner: &Object) -> (bool, bool) {
    let own = object.status.of(duty.synchronizer);
    let is_begun = |state: Option<&PassState>| state.is_some_and(PassState::is_unfinished);
    let is_tried = |pass| own.is_some_and(|own| is_tried_as_it_is(object, own.live(pass), pass));
    let is_untried = own.is_none_or(|own| own.sync.is_untried());
    let has_begun = duty.tracked.has_begun(object);
    // If the other one was tried, this one was not: it would have been refused then, as it is now.
    let is_in_doubt = is_untried && !is_lost(object) && Hold::of(winner) != Hold::InUse;
    let is_held = duty.finalizers.sync.as_ref().is_some_and(|finalizer| object.has_finalizer(finalizer));
    let may_be_there = has_begun || (is_in_doubt && is_held && may_be_in_backend(object, duty));
    let sync = is_begun(own.and_then(|own| own.delete.as_deref())) || is_tried(Pass::Sync) || may_be_there;
    let policy = is_begun(own.and_then(|own| own.delete_policy.as_deref())) || is_tried(Pass::Policy) || has_begun;
    (policy && duty.finalizers.policy.is_some(), sync && duty.has_step)
}

/// Returns whether an object that loses its key may leave something in the backend under another key: its spec was edited,
/// and a controller that ended may have tried it before. Once it has lost its key nothing else would say so, and its
/// delete step would not run.
pub(super) fn leaves_something(object: &Object, duty: &Duty<'_>, refusal: &Refusal) -> bool {
    let is_untried = object.status.of(duty.synchronizer).is_none_or(|own| own.sync.is_untried());
    let is_held = duty.finalizers.sync.as_ref().is_some_and(|finalizer| object.has_finalizer(finalizer));
    let is_edited = object.meta.generation > 1;
    refusal.reason == NOT_UNIQUE
        && !is_lost(object)
        && (is_untried && is_held && is_edited && duty.has_step)
        && may_be_in_backend(object, duty)
}

/// Returns whether an object that has lost its key to another one may still be in the backend, and is going to be taken
/// out.
pub(crate) fn is_in_backend(object: &Object, duty: &Duty<'_>, winner: &Object) -> bool {
    if object.meta.deleting.is_some() {
        let holds = duty.finalizers.sync.as_ref().is_some_and(|finalizer| object.has_finalizer(finalizer));
        return holds && may_be_in_backend(object, duty);
    }
    let (policy, sync) = to_take_out(object, duty, winner);
    (policy || sync) && !is_held(object)
}

fn is_held(object: &Object) -> bool {
    object.flag("no_sync") || object.flag("lazy_blocked")
}
