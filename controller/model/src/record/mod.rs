//! What an attempt leaves on its object: XOS's fields, conditions, history, bookkeeping.
//!
//! Several synchronizers may look at one object. For each pass one of them, the first that ever attempts it, owns the
//! top of status; every other keeps to its own entry of bookkeeping and to conditions qualified with its name.

mod abandoned;
mod conditions;
mod fields;
mod properties;
mod ready;
mod rebase;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::backoff::Backoff;
use crate::condition;
use crate::dirty::{Due, change_by_other, is_in_doubt, policy_due, sync_due};
use crate::intent::{Pass, is_handled};
use crate::message;
use crate::object::Object;
use crate::outcome::{Finished, Outcome};
use crate::status::{Attempt, PassState};

pub use abandoned::abandoned;
pub use conditions::{
    Wait, accepted, away, held, is_reported_undone, knows_away, reason, refused, tried_before, waiting,
};
pub use properties::{Computed, observe, set_properties, writes_properties};
pub use ready::{Duties, idle, is_misreported, is_overstated, settle, settle_ready};
pub use rebase::rebase;

/// Returns whether an object's status has the record of an attempt of a pass that ended at or after a time. Of a
/// synchronizer that does not own the pass there is no history, and it returns false.
pub fn is_recorded(object: &Object, synchronizer: &str, pass: Pass, since: Timestamp) -> bool {
    let owns = object.status.owner(pass).is_some_and(|entry| entry.name == synchronizer);
    let mut lines = object.status.history.iter();
    owns && !is_in_doubt(object, synchronizer, pass) && lines.any(|line| line.is_of(pass) && line.at >= since)
}

/// Returns the object with a status for its present generation, for one that was edited and has no work: an edit
/// that was taken back before anybody acted on it, or a quiet save.
pub fn acknowledge(object: &Object, synchronizer: &str, now: Timestamp) -> Object {
    let mut new = object.clone();
    let generation = Some(object.meta.generation);
    if object.status.of(synchronizer).is_some() {
        let own = new.status.of_mut(synchronizer);
        for (state, due) in [
            (&mut own.sync, sync_due(object, synchronizer, now)),
            (&mut own.policy, policy_due(object, synchronizer, now)),
        ] {
            if due == Due::Clean {
                state.generation = generation;
            }
        }
    }
    new.status.observed_generation = generation;
    // What others say of their passes is theirs.
    let own = [Pass::Sync, Pass::Policy].map(|pass| conditions::own_kind(object, pass, synchronizer));
    for condition in &mut new.status.conditions {
        if own.contains(&condition.kind) || condition.kind == condition::ACCEPTED {
            condition.observed_generation = generation;
        }
    }
    settle_ready(&mut new, now);
    new
}

/// Returns the object as one that a pass has taken out of the backend: as if it had never been tried.
pub fn taken_out(object: &Object, synchronizer: &str, pass: Pass) -> Object {
    let mut new = object.clone();
    let own = new.status.of_mut(synchronizer);
    match pass {
        Pass::Policy => {
            own.policy = PassState::default();
            own.delete_policy = None;
            new.set("policed", Value::Null);
        }
        Pass::Sync | Pass::Pull | Pass::Event => {
            own.sync = PassState::default();
            own.delete = None;
            new.set("enacted", Value::Null);
            new.set("backend_handle", Value::Null);
            new.set("backend_need_delete", Value::Bool(false));
        }
    }
    new
}

/// Returns the object as one that is known to be deleted without those that lead to it, also when it no longer shows.
pub fn leaving_others(object: &Object, synchronizer: &str) -> Object {
    let mut new = object.clone();
    new.status.of_mut(synchronizer).leaves_others = true;
    new
}

/// Returns the object as one whose sync step has to run again: what it has put into the backend may be there no longer.
pub fn reopened(object: &Object, synchronizer: &str) -> Object {
    let mut new = object.clone();
    let own = &mut new.status.of_mut(synchronizer).sync;
    (own.handled, own.failures, own.next_attempt) = (None, 0, None);
    new
}

/// What the rules need to know beside the object and the attempt.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The synchronizer whose bookkeeping this is.
    pub synchronizer: &'a str,
    /// The delay after failures.
    pub backoff: Backoff,
    /// A random number in 0..1, for jitter.
    pub unit: f64,
}

/// Returns the object as it is after the attempt, but for `Ready`, see [`settle`]: equal to `object` if there is nothing
/// to write (the same deferral again).
pub fn after(object: &Object, finished: &Finished, context: &Context<'_>) -> Object {
    if is_repeated_deferral(object, finished, context) {
        return object.clone();
    }
    let mut new = object.clone();
    let before = pass_state(object, finished, context.synchronizer);
    let pass = finished.operation.pass();
    let owner = object.status.owner(pass).is_none_or(|entry| entry.name == context.synchronizer);
    let state = PassState { owner, ..next_state(object, &before, finished, context) };
    if owner {
        fields::mark_updated(&mut new, finished);
        fields::write(&mut new, &state, finished);
        new.status.remember(history_line(finished));
    }
    new.status.of_mut(context.synchronizer).set_state(finished.operation, state.clone());
    conditions::write(&mut new, &state, finished, context);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Marks that an attempt of a pass changed the object, so that the other pass has work: XOS's `changed_by_step` and
/// `changed_by_policy`. Call it before [`after`]; not for changes of bookkeeping only, see [`is_news`].
pub fn mark_changed(object: &mut Object, pass: Pass, at: Timestamp) {
    fields::mark_changed(object, pass, at);
}

/// Returns whether a change of a field is news for the other pass: XOS ignores bookkeeping, `backend_*` and `policy_*`.
pub fn is_news(field: &str) -> bool {
    const BOOKKEEPING: [&str; 5] = ["policed", "updated", "enacted", "changed_by_step", "changed_by_policy"];
    !field.starts_with("backend_") && !field.starts_with("policy_") && !BOOKKEEPING.contains(&field)
}

fn pass_state(object: &Object, finished: &Finished, synchronizer: &str) -> PassState {
    let own = object.status.of(synchronizer);
    own.and_then(|own| own.state(finished.operation)).cloned().unwrap_or_default()
}

/// Returns whether the step defers with the same message again, which must not cause a write each time.
fn is_repeated_deferral(object: &Object, finished: &Finished, context: &Context<'_>) -> bool {
    let state = pass_state(object, finished, context.synchronizer);
    // The other pass may have been attempted in between.
    let is_own = |last: &&Attempt| last.step == finished.step && last.operation == finished.operation.as_str();
    let same = |last: &Attempt| {
        last.outcome == finished.outcome.as_str() && last.message == finished.outcome.message().map(message::cut)
    };
    matches!(finished.outcome, Outcome::Deferred(_))
        && state.attempted.as_ref() == Some(&object.intent)
        && object.status.history.iter().find(is_own).is_some_and(same)
}

fn next_state(object: &Object, before: &PassState, finished: &Finished, context: &Context<'_>) -> PassState {
    let pass = finished.operation.pass();
    let same_intent = |then| is_handled(then, &object.intent, &object.quiet_saves, pass);
    let failures_so_far = if before.attempted.as_ref().is_some_and(same_intent) { before.failures } else { 0 };
    // An attempt without success may have left the backend half-way: what was handled before is so no longer.
    let state = PassState {
        attempted: Some(object.intent.clone()),
        generation: Some(object.meta.generation),
        handled: None,
        failures: 0,
        next_attempt: None,
        seen: change_by_other(object, pass),
        ever: before.ever,
        owner: before.owner,
        pending: false,
        dropped: false,
    };
    match finished.outcome {
        Outcome::Succeeded => PassState { handled: Some(object.intent.clone()), ever: true, ..state },
        Outcome::Deferred(_) => state,
        // The object is not to blame, and its delay does not grow.
        Outcome::Unavailable(_) => PassState { failures: failures_so_far, ..state },
        Outcome::Failed(_) | Outcome::Innocuous(_) => {
            let failures = failures_so_far.saturating_add(1);
            let delay = context.backoff.delay(failures, context.unit);
            PassState { failures, next_attempt: Some(later(finished.at, delay)), ..state }
        }
    }
}

fn later(at: Timestamp, delay: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(delay).ok().and_then(|delay| at.checked_add(delay).ok()).unwrap_or(Timestamp::MAX)
}

fn history_line(finished: &Finished) -> Attempt {
    Attempt {
        step: finished.step.clone(),
        operation: finished.operation.as_str().to_owned(),
        outcome: finished.outcome.as_str().to_owned(),
        message: finished.outcome.message().map(message::cut),
        at: finished.at,
        duration: duration_text(finished.duration),
    }
}

fn duration_text(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        0..=9_999 => format!("{}ms", duration.as_millis()),
        _ => format!("{}s", duration.as_secs()),
    }
}

/// Returns a time in whole milliseconds: finer ones are noise in a status.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn date(at: Timestamp) -> Value {
    Value::String(at.to_string())
}

#[cfg(test)]
mod tests;
