//! What an attempt leaves on its object: XOS's fields, conditions, history, bookkeeping.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::backoff::Backoff;
use crate::condition::{self, ConditionStatus, News};
use crate::intent::{Pass, is_handled};
use crate::message;
use crate::object::Object;
use crate::outcome::{Finished, Operation, Outcome};
use crate::status::{Attempt, PassState};

/// The object with a status that speaks of its present generation, for one that was edited and has no work: an edit that was taken back
/// before anybody acted on it, or a quiet save.
pub fn acknowledge(object: &Object) -> Object {
    let mut new = object.clone();
    let generation = Some(object.meta.generation);
    new.status.observed_generation = generation;
    for condition in &mut new.status.conditions {
        condition.observed_generation = generation;
    }
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

/// The object as it is after the attempt. Equal to `object` if there is nothing to write (the same deferral again).
pub fn after(object: &Object, finished: &Finished, context: &Context<'_>) -> Object {
    if is_repeated_deferral(object, finished, context) {
        return object.clone();
    }
    let mut new = object.clone();
    let before = pass_state(object, finished.operation, context.synchronizer);
    let state = next_state(object, &before, finished, context);
    mark_updated(&mut new, &before, finished);
    write_fields(&mut new, &state, finished);
    write_conditions(&mut new, &state, finished, &context.backoff);
    let own = new.status.of_mut(context.synchronizer);
    match finished.operation {
        Operation::Sync => own.sync = state,
        Operation::Delete => own.delete = Some(state),
    }
    new.status.observed_generation = Some(object.meta.generation);
    new.status.remember(history_line(finished));
    new
}

fn pass_state(object: &Object, operation: Operation, synchronizer: &str) -> PassState {
    let own = object.status.of(synchronizer);
    match operation {
        Operation::Sync => own.map(|own| own.sync.clone()),
        Operation::Delete => own.and_then(|own| own.delete.clone()),
    }
    .unwrap_or_default()
}

/// A step that defers with the same words again and again must not write each time.
fn is_repeated_deferral(object: &Object, finished: &Finished, context: &Context<'_>) -> bool {
    let state = pass_state(object, finished.operation, context.synchronizer);
    let same = |last: &Attempt| {
        last.step == finished.step
            && last.operation == finished.operation.as_str()
            && last.outcome == finished.outcome.as_str()
            && last.message.as_deref() == finished.outcome.message()
    };
    matches!(finished.outcome, Outcome::Deferred(_))
        && state.attempted.as_ref() == Some(&object.intent)
        && object.status.history.first().is_some_and(same)
}

fn next_state(object: &Object, before: &PassState, finished: &Finished, context: &Context<'_>) -> PassState {
    let same_intent = |then| is_handled(then, &object.intent, &object.quiet_saves, Pass::Sync);
    let failures_so_far = if before.attempted.as_ref().is_some_and(same_intent) { before.failures } else { 0 };
    // An attempt without success may have left the backend half-way: what was handled before is so no longer.
    let state = PassState { attempted: Some(object.intent.clone()), handled: None, failures: 0, next_attempt: None };
    match finished.outcome {
        Outcome::Succeeded => PassState { handled: Some(object.intent.clone()), ..state },
        Outcome::Deferred(_) => state,
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

/// `updated` is when the operator's change was first seen: creation for the first intent.
fn mark_updated(object: &mut Object, before: &PassState, finished: &Finished) {
    let known = |then| is_handled(then, &object.intent, &object.quiet_saves, Pass::Sync);
    if finished.operation == Operation::Delete || before.attempted.as_ref().is_some_and(known) {
        return;
    }
    let started = finished.at.checked_sub(finished.duration).unwrap_or(finished.at);
    let first = before.attempted.is_none();
    let updated = if first { object.meta.created.unwrap_or(started) } else { whole_milliseconds(started) };
    object.set("updated", date(updated));
}

/// XOS's own fields: `backend_*`, `enacted`, `leaf_model_name`.
fn write_fields(object: &mut Object, state: &PassState, finished: &Finished) {
    let status = match finished.outcome.message() {
        None => message::OK.to_owned(),
        Some(text) => message::join(object.text("backend_status"), text),
    };
    object.set("backend_status", json!(status));
    object.set("backend_code", json!(finished.outcome.backend_code()));
    object.set("backend_register", json!(register(object, state, finished)));
    object.set("leaf_model_name", json!(object.model.as_ref()));
    match (finished.operation, &finished.outcome) {
        (Operation::Sync, Outcome::Succeeded) => {
            let enacted = object.date("updated").max(object.date("changed_by_policy"));
            object.set("enacted", enacted.map_or(Value::Null, date));
            object.set("backend_need_delete", json!(true));
        }
        (Operation::Sync, _) => object.set("backend_need_delete", json!(true)),
        (Operation::Delete, _) => object.set("enacted", Value::Null),
    }
}

/// XOS's `backend_register`: JSON text with `next_run`, `exponent`, `last_success`, times in seconds since the epoch.
fn register(object: &Object, state: &PassState, finished: &Finished) -> String {
    let before: Value =
        object.text("backend_register").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let last_success = match finished.outcome {
        Outcome::Succeeded => json!(finished.at.as_second()),
        _ => before["last_success"].clone(),
    };
    let next_run = state.next_attempt.map_or(0, Timestamp::as_second);
    json!({"next_run": next_run, "exponent": state.failures, "last_success": last_success}).to_string()
}

fn write_conditions(object: &mut Object, state: &PassState, finished: &Finished, backoff: &Backoff) {
    let (now, generation) = (whole_seconds(finished.at), object.meta.generation);
    let conditions = &mut object.status.conditions;
    let reason = reason(finished);
    let message = finished.outcome.message().map_or_else(|| format!("{} succeeded", finished.step), str::to_owned);
    let done = matches!(finished.outcome, Outcome::Succeeded);
    let status = if done { ConditionStatus::True } else { ConditionStatus::False };
    for kind in ["Ready", "Synced"] {
        let news = News { kind, status, reason, message: &message };
        condition::set(conditions, &news, generation, now);
    }
    // kstatus: at most one of Reconciling and Stalled.
    let stalled = matches!(finished.outcome, Outcome::Failed(_)) && backoff.is_exhausted(state.failures);
    condition::clear(conditions, if stalled { "Reconciling" } else { "Stalled" });
    if done {
        condition::clear(conditions, "Reconciling");
        return;
    }
    let news = News {
        kind: if stalled { "Stalled" } else { "Reconciling" },
        status: ConditionStatus::True,
        reason: if stalled { "RetriesAtLongestDelay" } else { "RetryScheduled" },
        message: &plan_text(state),
    };
    condition::set(conditions, &news, generation, now);
}

fn reason(finished: &Finished) -> &'static str {
    match (&finished.outcome, finished.operation) {
        (Outcome::Succeeded, Operation::Sync) => "SyncSucceeded",
        (Outcome::Succeeded, Operation::Delete) => "DeleteSucceeded",
        (Outcome::Failed(_), Operation::Sync) => "SyncFailed",
        (Outcome::Failed(_), Operation::Delete) => "DeleteFailed",
        (Outcome::Deferred(_), _) => "Deferred",
        (Outcome::Innocuous(_), _) => "Innocuous",
    }
}

fn plan_text(state: &PassState) -> String {
    match state.next_attempt {
        Some(at) => format!("attempt {} ended without success; the next is at {at:.0}", state.failures),
        None => "the step asked to be run again later".to_owned(),
    }
}

fn history_line(finished: &Finished) -> Attempt {
    Attempt {
        step: finished.step.clone(),
        operation: finished.operation.as_str().to_owned(),
        outcome: finished.outcome.as_str().to_owned(),
        message: finished.outcome.message().map(|text| text.chars().take(message::STATUS_LIMIT).collect()),
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

/// Kubernetes' API conventions: `metav1.Time` has whole seconds.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Finer than that is noise in a status.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn date(at: Timestamp) -> Value {
    Value::String(at.to_string())
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
