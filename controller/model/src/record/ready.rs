//! `Ready`: computed from the whole object in one place, never from what was just done.
//!
//! It is true only when every pass of every synchronizer with bookkeeping on the object has handled the present intent,
//! or has nothing to do because the operator has switched it off.

use std::borrow::Cow;

use jiff::Timestamp;

use super::conditions::{kind, own_kind, set, whole_seconds};
use crate::condition::{
    self, ACCEPTED, Condition, ConditionStatus, News, POLICY_APPLIED, READY, RECONCILING, STALLED, SYNCED,
};
use crate::dirty::{Due, Switch, is_held_without_work, pass_due, switch};
use crate::intent::Pass;
use crate::message;
use crate::object::Object;
use crate::status::{Bookkeeping, PassState};

/// The reason while a switch holds a pass back.
pub(super) const HELD: &str = "Held";
const DELETING: &str = "Deleting";
/// The reason of an object that no synchronizer has anything to do with.
const NOTHING_TO_DO: &str = "NothingToDo";

/// The passes that a synchronizer has for an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duties {
    /// Policies.
    pub policy: bool,
    /// A sync step.
    pub sync: bool,
}

impl Duties {
    fn passes(self) -> [(Pass, bool); 2] {
        [(Pass::Policy, self.policy), (Pass::Sync, self.sync)]
    }

    /// Returns whether a synchronizer's bookkeeping of an object, if there is any, says which passes it has.
    pub fn are_noted(self, object: &Object, synchronizer: &str) -> bool {
        let Some(own) = object.status.of(synchronizer) else { return true };
        let is_noted = |(pass, has)| own.live(pass).noted_duty() == wanted(own.live(pass), has);
        self.passes().into_iter().all(is_noted)
    }

    /// Notes it in the object, for other synchronizers that write after this one.
    fn note(self, object: &mut Object, synchronizer: &str) {
        if object.status.of(synchronizer).is_none() && self == Self::default() {
            return;
        }
        let own = object.status.of_mut(synchronizer);
        for (pass, has) in self.passes() {
            let state = own.live_mut(pass);
            (state.pending, state.dropped) = wanted(state, has);
        }
    }
}

/// Returns whether a pass is still to be tried for the first time, and whether it was tried and is there no longer.
fn wanted(state: &PassState, has: bool) -> (bool, bool) {
    (has && state.is_untried(), !has && !state.is_untried())
}

/// Completes an object before its status is written: notes which passes this synchronizer has, and sets `Ready` to what
/// the passes of all synchronizers say.
pub fn settle(object: &mut Object, synchronizer: &str, duties: Duties, now: Timestamp) {
    if object.meta.deleting.is_none() {
        duties.note(object, synchronizer);
        tell_pending(object, synchronizer, duties, now);
    }
    settle_ready(object, now);
}

/// Sets `Ready` to what the passes of all synchronizers say.
pub fn settle_ready(object: &mut Object, now: Timestamp) {
    let now = whole_seconds(now);
    let Some(verdict) = verdict(object).map(Verdict::into_owned) else { return };
    set(object, &verdict.news(READY), now);
    move_to_front(&mut object.status.conditions);
    if object.meta.deleting.is_some() {
        // Also where nothing was recorded before the deletion.
        object.status.observed_generation = object.status.observed_generation.max(Some(object.meta.generation));
    }
    if verdict.status == ConditionStatus::True {
        // Also where the write met an edit that changes nothing of that.
        object.status.observed_generation = object.status.observed_generation.max(Some(object.meta.generation));
        condition::clear(&mut object.status.conditions, RECONCILING);
        condition::clear(&mut object.status.conditions, STALLED);
    } else if verdict.is_pending {
        // What is stalled is another intent than the one that is still to be tried.
        condition::clear(&mut object.status.conditions, STALLED);
        set(object, &News { status: ConditionStatus::True, ..verdict.news(RECONCILING) }, now);
    } else if verdict.status == ConditionStatus::False {
        let is_told = |kind| condition::find(&object.status.conditions, kind).is_some();
        // kstatus: at most one of Reconciling and Stalled.
        if !is_told(RECONCILING) && !is_told(STALLED) {
            set(object, &News { status: ConditionStatus::True, ..verdict.news(RECONCILING) }, now);
        }
    }
}

/// Returns the object as one that no synchronizer has anything to do with: it is Ready, and says so. Where a synchronizer
/// has bookkeeping of a pass, that decides, and nothing changes. Only who knows that nobody is to come calls this.
pub fn idle(object: &Object, now: Timestamp) -> Object {
    let mut new = object.clone();
    if object.meta.deleting.is_some() || verdict(object).is_some() || is_told_ready(object) {
        return new;
    }
    let now = whole_seconds(now);
    let message = "no synchronizer has anything to do with it";
    set(&mut new, &News { kind: READY, status: ConditionStatus::True, reason: NOTHING_TO_DO, message }, now);
    move_to_front(&mut new.status.conditions);
    condition::clear(&mut new.status.conditions, RECONCILING);
    condition::clear(&mut new.status.conditions, STALLED);
    new.status.observed_generation = Some(object.meta.generation);
    new
}

/// Returns whether status says that the object is Ready in its present generation.
fn is_told_ready(object: &Object) -> bool {
    let told = condition::find(&object.status.conditions, READY);
    object.status.observed_generation == Some(object.meta.generation) && told.is_some_and(|told| is_true(told, object))
}

fn is_true(told: &Condition, object: &Object) -> bool {
    told.status == ConditionStatus::True && told.observed_generation == Some(object.meta.generation)
}

/// The printed column STATUS has the message of the first condition.
fn move_to_front(conditions: &mut [Condition]) {
    if let Some(at) = conditions.iter().position(|one| one.kind == READY) {
        conditions[..=at].rotate_right(1);
    }
}

/// Returns whether `Ready` is true though a pass is due, or is not true though none is.
pub fn is_misreported(object: &Object) -> bool {
    let told = condition::find(&object.status.conditions, READY).map(|one| one.status == ConditionStatus::True);
    let Some(verdict) = verdict(object) else { return false };
    told.is_some_and(|told| told != (verdict.status == ConditionStatus::True))
}

/// Returns whether `Ready` is true though a pass is due: after a touch, which is no other generation, and where nobody
/// had anything to do with the object before.
pub fn is_overstated(object: &Object) -> bool {
    let told = condition::find(&object.status.conditions, READY).filter(|told| is_true(told, object));
    told.is_some_and(|told| told.reason == NOTHING_TO_DO || is_misreported(object))
}

/// The conditions of this synchronizer's passes that are due and say that they are done.
fn tell_pending(object: &mut Object, synchronizer: &str, duties: Duties, now: Timestamp) {
    let now = whole_seconds(now);
    for (pass, _) in duties.passes().into_iter().filter(|(_, has)| *has) {
        let Some(own) = object.status.of(synchronizer) else { return };
        let kind = own_kind(object, pass, synchronizer);
        let told = match standing(object, own, pass) {
            Standing::Due(told) => told,
            Standing::Held(switch, _) => Verdict::unknown(HELD, held_text(switch)),
            Standing::Done | Standing::Told(_) => continue,
        };
        let told = told.into_owned();
        set(object, &told.news(&kind), now);
    }
}

/// What `Ready` has to say.
#[derive(Clone, Debug)]
struct Verdict<'a> {
    status: ConditionStatus,
    reason: Cow<'a, str>,
    message: Cow<'a, str>,
    /// A pass is still to be tried.
    is_pending: bool,
}

impl<'a> Verdict<'a> {
    fn unknown(reason: &'static str, message: String) -> Self {
        Self { status: ConditionStatus::Unknown, reason: reason.into(), message: message.into(), is_pending: false }
    }

    fn of(told: &'a Condition) -> Self {
        let Condition { status, reason, message, .. } = told;
        Self { status: *status, reason: reason.as_str().into(), message: message.as_str().into(), is_pending: false }
    }

    fn into_owned(self) -> Verdict<'static> {
        let Self { status, reason, message, is_pending } = self;
        Verdict { status, reason: reason.into_owned().into(), message: message.into_owned().into(), is_pending }
    }

    fn news<'b>(&'b self, kind: &'b str) -> News<'b> {
        News { kind, status: self.status, reason: &self.reason, message: &self.message }
    }
}

/// How far a pass is.
enum Standing<'a> {
    /// It has handled the present intent.
    Done,
    /// It is not done, and its condition says why.
    Told(&'a Condition),
    /// It has not handled the present intent yet.
    Due(Verdict<'a>),
    /// One of the operator's switches holds it back, and whether it would have something to do without it.
    Held(Switch, bool),
}

/// Returns what `Ready` has to say; nothing if no synchronizer has anything to do with the object.
fn verdict(object: &Object) -> Option<Verdict<'_>> {
    if object.meta.deleting.is_some() {
        return Some(deleting(object));
    }
    let accepted = condition::find(&object.status.conditions, ACCEPTED);
    if let Some(refused) = accepted.filter(|one| one.status != ConditionStatus::True) {
        return Some(Verdict::of(refused));
    }
    let (mut due, mut held, mut off, mut done) = (None, None, None, None);
    // The step's words stand for all, once all is done.
    for pass in [Pass::Policy, Pass::Sync] {
        for (own, state) in entries(object, pass) {
            match standing(object, own, pass) {
                Standing::Told(told) => return Some(Verdict::of(told)),
                Standing::Due(one) => due = due.or(Some(one)),
                Standing::Held(switch, true) => held = held.or_else(|| Some(held_back(switch))),
                Standing::Held(switch, false) => off = off.or_else(|| Some(switched_off(switch))),
                Standing::Done => {
                    let kind = kind(pass, state.owner, &own.name);
                    // One that is not true says what held the pass back until its switch was cleared.
                    let told = condition::find(&object.status.conditions, &kind)
                        .filter(|told| told.status == ConditionStatus::True);
                    done = told.map(|told| all_done(&told.reason)).or(done).or_else(|| Some(all_done("Succeeded")));
                }
            }
        }
    }
    due.or(held).or(off).or(done)
}

/// Returns what `Ready` has to say once all is done, by the condition of the last pass. XOS's word for it is `OK`.
fn all_done(reason: &str) -> Verdict<'_> {
    Verdict { status: ConditionStatus::True, reason: reason.into(), message: message::OK.into(), is_pending: false }
}

/// Returns the passes that count, of all synchronizers.
fn entries(object: &Object, pass: Pass) -> impl Iterator<Item = (&Bookkeeping, &PassState)> {
    let all = object.status.synchronizers.iter().map(move |own| (own, own.live(pass)));
    all.filter(|(_, state)| !state.dropped && (state.pending || !state.is_untried()))
}

fn standing<'a>(object: &'a Object, own: &'a Bookkeeping, pass: Pass) -> Standing<'a> {
    let state = own.live(pass);
    if let Some(switch) = switch(object, pass) {
        return Standing::Held(switch, !is_held_without_work(object, state, pass));
    }
    let is_done = pass_due(object, state, pass, Timestamp::MAX) == Due::Clean;
    let told = condition::find(&object.status.conditions, &own_kind(object, pass, &own.name));
    let told = told.filter(|told| told.status != ConditionStatus::True && told.reason != HELD);
    // What is told of an earlier generation, or is said of a pass that nobody has tried yet, is no answer.
    let is_answer = |told: &&Condition| {
        told.observed_generation == Some(object.meta.generation) && told.status == ConditionStatus::False
    };
    match told {
        Some(told) if is_done || is_answer(&told) => Standing::Told(told),
        _ if is_done => Standing::Done,
        _ => Standing::Due(pending(pass, &own.name)),
    }
}

pub(super) fn held_text(switch: Switch) -> String {
    format!("spec.{} is set", switch.as_str())
}

/// Returns what `Ready` has to say while a switch holds back what is to be done.
fn held_back(switch: Switch) -> Verdict<'static> {
    let pass = if switch == Switch::NoPolicy { "the policies have" } else { "the sync step has" };
    Verdict::unknown(HELD, format!("{}, and {pass} not handled what has changed", held_text(switch)))
}

/// Returns what `Ready` has to say where a switch leaves nothing to do.
fn switched_off(switch: Switch) -> Verdict<'static> {
    let message = format!("{}: there is nothing to do", held_text(switch));
    Verdict {
        status: ConditionStatus::True,
        reason: switch.reason().into(),
        message: message.into(),
        is_pending: false,
    }
}

fn pending(pass: Pass, synchronizer: &str) -> Verdict<'static> {
    let (reason, what) = match pass {
        Pass::Policy => ("PolicyPending", "the policies"),
        Pass::Sync | Pass::Pull | Pass::Event => ("SyncPending", "the sync step"),
    };
    let message = format!("not handled yet in its present state by {what} of {synchronizer}");
    Verdict { is_pending: true, ..Verdict::unknown(reason, message) }
}

/// Returns what `Ready` has to say of an object that is being deleted: never that it is.
fn deleting(object: &Object) -> Verdict<'_> {
    let find = |kind: &str| condition::find(&object.status.conditions, kind);
    let is_false = |told: &&Condition| told.status == ConditionStatus::False;
    let failed = [Pass::Policy, Pass::Sync].into_iter().find_map(|pass| {
        object.status.synchronizers.iter().find_map(|own| {
            let state = if pass == Pass::Policy { &own.delete_policy } else { &own.delete };
            let state = state.as_ref().filter(|state| state.is_unfinished())?;
            find(&kind(pass, state.owner, &own.name)).filter(is_false)
        })
    });
    let told = failed.or_else(|| [SYNCED, POLICY_APPLIED].into_iter().find_map(|kind| find(kind).filter(is_false)));
    told.map_or_else(|| Verdict::unknown(DELETING, "the object is being deleted".to_owned()), Verdict::of)
}
