//! Conditions, following kstatus, after an attempt, a wait, a switch or a refusal; all but `Ready`, see `ready`.

use jiff::Timestamp;
use serde_json::Value;

use super::Context;
use super::ready::{HELD, held_text};
use crate::accept::Refusal;
use crate::condition::{self, ACCEPTED, ConditionStatus, News, POLICY_APPLIED, RECONCILING, STALLED, SYNCED};
use crate::dirty::Switch;
use crate::intent::{Intent, Pass, SpecHash};
use crate::names::DOMAIN;
use crate::object::Object;
use crate::outcome::{Finished, Operation, Outcome};
use crate::status::PassState;

/// The reason while the target of a step is away.
const TARGET_UNAVAILABLE: &str = "TargetUnavailable";

/// Sets the conditions after an attempt; the pass's state is in the object's bookkeeping already.
pub(super) fn write(object: &mut Object, state: &PassState, finished: &Finished, context: &Context<'_>) {
    let now = whole_seconds(finished.at);
    let done = matches!(finished.outcome, Outcome::Succeeded);
    let message = finished.outcome.message().map_or_else(|| format!("{} succeeded", finished.step), str::to_owned);
    let kind = kind(finished.operation.pass(), state.owner, context.synchronizer);
    let status = if done { ConditionStatus::True } else { ConditionStatus::False };
    set(object, &News { kind: &kind, status, reason: reason(finished), message: &message }, now);
    if !finished.operation.is_delete() {
        accept(object, now);
    }
    let Some(state) = unfinished(object, finished.operation) else {
        condition::clear(&mut object.status.conditions, RECONCILING);
        condition::clear(&mut object.status.conditions, STALLED);
        return;
    };
    // kstatus: at most one of Reconciling and Stalled.
    let stalled = state.next_attempt.is_some() && context.backoff.is_exhausted(state.failures);
    condition::clear(&mut object.status.conditions, if stalled { RECONCILING } else { STALLED });
    let news = News {
        kind: if stalled { STALLED } else { RECONCILING },
        status: ConditionStatus::True,
        reason: match &finished.outcome {
            _ if stalled => "RetriesAtLongestDelay",
            Outcome::Unavailable(_) => TARGET_UNAVAILABLE,
            _ => "RetryScheduled",
        },
        message: &plan_text(&state, finished, stalled),
    };
    set(object, &news, now);
}

/// The reason why an object waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// A CamelCase word for programs.
    pub reason: &'static str,
    /// A text for people: what the object waits for.
    pub message: String,
}

/// Returns the object with the conditions of one that waits until the target of a pass is there. Nothing else of it
/// changes.
pub fn away(object: &Object, synchronizer: &str, pass: Pass, message: &str, now: Timestamp) -> Object {
    waiting_in(object, synchronizer, pass, (TARGET_UNAVAILABLE, message), now)
}

/// Returns whether the status of an object says already why a pass is not done while its target is away, since then:
/// so that it is written once, however long that lasts.
pub fn knows_away(object: &Object, synchronizer: &str, pass: Pass, since: Timestamp) -> bool {
    let kind = own_kind(object, pass, synchronizer);
    let told = condition::find(&object.status.conditions, &kind);
    let is_told = told.is_some_and(|one| one.status == ConditionStatus::False && one.reason == TARGET_UNAVAILABLE);
    // Its own attempt was one of those that showed it.
    let failed = object.status.history.first().filter(|last| last.outcome == "Failed" && last.at >= since);
    is_told || failed.is_some_and(|last| last.is_of(pass))
}

/// Returns the object with the conditions of one of which a pass waits. Nothing else of it changes.
pub fn waiting(object: &Object, synchronizer: &str, pass: Pass, wait: &Wait, now: Timestamp) -> Object {
    waiting_in(object, synchronizer, pass, (wait.reason, &wait.message), now)
}

fn waiting_in(
    object: &Object,
    synchronizer: &str,
    pass: Pass,
    (reason, message): (&str, &str),
    now: Timestamp,
) -> Object {
    let now = whole_seconds(now);
    let mut new = object.clone();
    let kind = own_kind(object, pass, synchronizer);
    let news = |kind, status| News { kind, status, reason, message };
    set(&mut new, &news(&kind, ConditionStatus::False), now);
    condition::clear(&mut new.status.conditions, STALLED);
    set(&mut new, &news(RECONCILING, ConditionStatus::True), now);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Returns the object with the conditions of one that a switch in its spec holds back.
pub fn held(object: &Object, synchronizer: &str, switch: Switch, now: Timestamp) -> Object {
    let now = whole_seconds(now);
    let mut new = object.clone();
    let pass = if switch == Switch::NoPolicy { Pass::Policy } else { Pass::Sync };
    let kind = own_kind(object, pass, synchronizer);
    let message = held_text(switch);
    set(&mut new, &News { kind: &kind, status: ConditionStatus::Unknown, reason: HELD, message: &message }, now);
    condition::clear(&mut new.status.conditions, STALLED);
    condition::clear(&mut new.status.conditions, RECONCILING);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Returns the object with the conditions of one that is not accepted: the pass does not run until a person changes
/// something.
pub fn refused(object: &Object, synchronizer: &str, pass: Pass, refusal: &Refusal, now: Timestamp) -> Object {
    let now = whole_seconds(now);
    let mut new = object.clone();
    let kind = own_kind(object, pass, synchronizer);
    let news = |kind, status| News { kind, status, reason: refusal.reason, message: &refusal.message };
    for kind in [ACCEPTED, kind.as_str()] {
        set(&mut new, &news(kind, ConditionStatus::False), now);
    }
    condition::clear(&mut new.status.conditions, RECONCILING);
    set(&mut new, &news(STALLED, ConditionStatus::True), now);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Returns the object with the note that its step may have been tried with a spec that is not known any more.
pub fn tried_before(object: &Object, synchronizer: &str) -> Object {
    let mut new = object.clone();
    let sync = &mut new.status.of_mut(synchronizer).sync;
    sync.attempted.get_or_insert_with(|| Intent { spec: SpecHash::of(&Value::Null), touch: None, secrets: None });
    new
}

/// Returns the object with the conditions of one that was refused, and is to be handled again. What was tried to take it
/// out of the backend is forgotten.
pub fn accepted(object: &Object, synchronizer: &str, pass: Pass, now: Timestamp) -> Object {
    let now = whole_seconds(now);
    let mut new = object.clone();
    if object.status.of(synchronizer).is_some() {
        let own = new.status.of_mut(synchronizer);
        (own.delete, own.delete_policy) = (None, None);
    }
    let kind = own_kind(object, pass, synchronizer);
    let message = "it is accepted again, and not handled yet";
    let news = |kind, status| News { kind, status, reason: ACCEPTED, message };
    set(&mut new, &news(ACCEPTED, ConditionStatus::True), now);
    set(&mut new, &news(&kind, ConditionStatus::False), now);
    condition::clear(&mut new.status.conditions, STALLED);
    set(&mut new, &news(RECONCILING, ConditionStatus::True), now);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Marks an object that was refused as accepted.
fn accept(object: &mut Object, now: Timestamp) {
    let refused = condition::find(&object.status.conditions, ACCEPTED);
    if refused.is_some_and(|one| one.status == ConditionStatus::False) {
        let message = "it is accepted again";
        set(object, &News { kind: ACCEPTED, status: ConditionStatus::True, reason: ACCEPTED, message }, now);
    }
}

/// Returns whether a pass is done while its condition says otherwise: something held it up (a switch, a wait, a
/// refusal), and no longer does.
pub fn is_reported_undone(object: &Object, synchronizer: &str, pass: Pass) -> bool {
    let is_done = object.status.of(synchronizer).is_some_and(|own| own.live(pass).handled.is_some());
    let reported = || condition::find(&object.status.conditions, &own_kind(object, pass, synchronizer));
    is_done && reported().is_some_and(|reported| reported.status != ConditionStatus::True)
}

/// Returns the type of the condition that an attempt of a pass would set now.
pub(super) fn own_kind(object: &Object, pass: Pass, synchronizer: &str) -> String {
    let owner = object.status.owner(pass).is_none_or(|entry| entry.name == synchronizer);
    kind(pass, owner, synchronizer)
}

/// Returns `Synced` or `PolicyApplied`, qualified if another synchronizer owns the pass.
pub(super) fn kind(pass: Pass, owner: bool, synchronizer: &str) -> String {
    let plain = if pass == Pass::Policy { POLICY_APPLIED } else { SYNCED };
    if owner { plain.to_owned() } else { format!("{synchronizer}.{DOMAIN}/{plain}") }
}

pub(super) fn set(object: &mut Object, news: &News<'_>, now: Timestamp) {
    condition::set(&mut object.status.conditions, news, object.meta.generation, now);
}

/// Returns the state of a pass that is not done, of any synchronizer: the one just attempted first.
fn unfinished(object: &Object, operation: Operation) -> Option<PassState> {
    let first = operation.pass();
    let second = if first == Pass::Policy { Pass::Sync } else { Pass::Policy };
    let state = |own: &crate::status::Bookkeeping, pass| {
        let deleting = if pass == Pass::Policy { Operation::PolicyDelete } else { Operation::Delete };
        let state = if operation.is_delete() { own.state(deleting)? } else { own.live(pass) };
        state.is_unfinished().then(|| state.clone())
    };
    let of_pass = |pass| object.status.synchronizers.iter().find_map(|own| state(own, pass));
    of_pass(first).or_else(|| of_pass(second))
}

/// Returns the reason of the condition after an attempt, for programs.
pub fn reason(finished: &Finished) -> &'static str {
    match (&finished.outcome, finished.operation) {
        (Outcome::Succeeded, Operation::Sync) => "SyncSucceeded",
        (Outcome::Succeeded, Operation::Delete) => "DeleteSucceeded",
        (Outcome::Succeeded, _) => "PolicySucceeded",
        (Outcome::Failed(_), Operation::Sync) => "SyncFailed",
        (Outcome::Failed(_), Operation::Delete) => "DeleteFailed",
        (Outcome::Failed(_), _) => "PolicyFailed",
        (Outcome::Deferred(_), _) => "Deferred",
        (Outcome::Innocuous(_), _) => "Innocuous",
        (Outcome::Unavailable(_), _) => TARGET_UNAVAILABLE,
    }
}

fn plan_text(state: &PassState, finished: &Finished, stalled: bool) -> String {
    let failed = || format!("attempt {} ended without success", state.failures);
    match state.next_attempt {
        None if matches!(finished.outcome, Outcome::Unavailable(_)) => {
            "it is tried again when the target is there".to_owned()
        }
        Some(at) if stalled => {
            format!("{}; mend the cause: the next is at {at:.0}, or at once with `kubectl xos retry`", failed())
        }
        Some(at) => format!("{}; the next is at {at:.0}", failed()),
        None => "the step asked to be run again later".to_owned(),
    }
}

/// Returns a time in whole seconds, as `metav1.Time` has it.
pub(super) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
