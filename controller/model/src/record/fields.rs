//! XOS's own fields: `backend_*`, `policy_*`, `enacted`, `policed`, `updated`, `changed_by_*`, `leaf_model_name`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{date, whole_milliseconds};
use crate::intent::{Pass, is_same};
use crate::message;
use crate::object::Object;
use crate::outcome::{Finished, Operation, Outcome};
use crate::status::PassState;

/// XOS's `policy_status` after success.
const POLICY_DONE: &str = "done";

/// Returns the fields that tell of a pass, and of nothing else.
pub(super) fn of(pass: Pass) -> &'static [&'static str] {
    match pass {
        Pass::Policy => &["policy_status", "policy_code", "policed"],
        Pass::Sync | Pass::Pull | Pass::Event => {
            &["backend_status", "backend_code", "backend_register", "backend_need_delete", "enacted"]
        }
    }
}

/// Sets `updated` to when the operator's change was first seen: creation for the first intent.
pub(super) fn mark_updated(object: &mut Object, finished: &Finished) {
    if finished.operation.is_delete() || is_known(object) {
        return;
    }
    let started = finished.at.checked_sub(finished.duration).unwrap_or(finished.at);
    let first = object.date("updated").is_none();
    let updated = if first { object.meta.created.unwrap_or(started) } else { whole_milliseconds(started) };
    object.set("updated", date(updated));
}

/// Returns whether any pass has tried the present intent, or one from which only quiet saves lead to it.
fn is_known(object: &Object) -> bool {
    let passes = object.status.synchronizers.iter().flat_map(|own| [&own.sync, &own.policy]);
    let mut seen = passes.filter_map(|state| state.attempted.as_ref());
    seen.any(|then| is_same(then, &object.intent, &object.quiet_saves))
}

/// Records the moment of a change that the other pass has to see.
pub(super) fn mark_changed(object: &mut Object, pass: Pass, at: Timestamp) {
    let field = match pass {
        Pass::Policy => "changed_by_policy",
        Pass::Sync | Pass::Pull | Pass::Event => "changed_by_step",
    };
    object.set(field, date(whole_milliseconds(at)));
}

/// Writes the fields of the pass.
pub(super) fn write(object: &mut Object, state: &PassState, finished: &Finished) {
    match finished.operation.pass() {
        Pass::Policy => write_policy(object, finished),
        Pass::Sync | Pass::Pull | Pass::Event => write_sync(object, state, finished),
    }
    object.set("leaf_model_name", json!(object.model.as_ref()));
}

fn write_sync(object: &mut Object, state: &PassState, finished: &Finished) {
    let status = status_text(object.text("backend_status"), message::OK, &finished.outcome);
    object.set("backend_status", json!(status));
    object.set("backend_code", json!(finished.outcome.backend_code()));
    object.set("backend_register", json!(register(object, state, finished)));
    match (finished.operation, &finished.outcome) {
        (Operation::Sync, Outcome::Succeeded) => {
            let enacted = object.date("updated").max(object.date("changed_by_policy"));
            object.set("enacted", enacted.map_or(Value::Null, date));
            object.set("backend_need_delete", json!(true));
        }
        (Operation::Sync, _) => object.set("backend_need_delete", json!(true)),
        _ => object.set("enacted", Value::Null),
    }
}

fn write_policy(object: &mut Object, finished: &Finished) {
    let status = status_text(object.text("policy_status"), POLICY_DONE, &finished.outcome);
    object.set("policy_status", json!(status));
    object.set("policy_code", json!(finished.outcome.backend_code()));
    match (&finished.outcome, finished.operation.is_delete()) {
        (Outcome::Succeeded, false) => {
            let policed = object.date("updated").max(object.date("changed_by_step"));
            object.set("policed", policed.map_or(Value::Null, date));
        }
        (_, true) => object.set("policed", Value::Null),
        _ => {}
    }
}

fn status_text(before: Option<&str>, done: &str, outcome: &Outcome) -> String {
    let before = before.filter(|text| *text != POLICY_DONE);
    outcome.message().map_or_else(|| done.to_owned(), |text| message::join(before, text))
}

/// Returns XOS's `backend_register`: JSON text with `next_run`, `exponent`, `last_success`, times in seconds since the
/// epoch.
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
