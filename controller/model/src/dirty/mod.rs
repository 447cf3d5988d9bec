//! Whether an object has work for a pass.

use jiff::Timestamp;

use crate::intent::{Intent, Pass, is_handled};
use crate::object::Object;
use crate::outcome::Operation;
use crate::status::PassState;

/// What a pass has to do with a live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Run now.
    Now,
    /// The last attempt of this intent failed: not before this time.
    NotBefore(Timestamp),
    /// Nothing to do.
    Clean,
    /// Held back by one of the operator's switches.
    Held(Switch),
}

/// A switch that holds a pass back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `noSync`.
    NoSync,
    /// `lazyBlocked`.
    LazyBlocked,
    /// `noPolicy`.
    NoPolicy,
}

impl Switch {
    /// Returns the name in spec.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSync => "noSync",
            Self::LazyBlocked => "lazyBlocked",
            Self::NoPolicy => "noPolicy",
        }
    }

    /// Returns the reason of an object that is Ready because of it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoSync => "NoSync",
            Self::LazyBlocked => "LazyBlocked",
            Self::NoPolicy => "NoPolicy",
        }
    }
}

/// Returns whether the sync step is due. It is XOS's rule (`enacted is null | enacted < updated | enacted <
/// changed_by_policy) & !lazy_blocked & !no_sync`), with intents instead of times.
pub fn sync_due(object: &Object, synchronizer: &str, now: Timestamp) -> Due {
    due(object, synchronizer, Pass::Sync, now)
}

/// Returns whether the policies are due. It is XOS's rule (`policed is null | policed < updated | policed <
/// changed_by_step) & !no_policy`), with intents instead of times.
pub fn policy_due(object: &Object, synchronizer: &str, now: Timestamp) -> Due {
    due(object, synchronizer, Pass::Policy, now)
}

/// The fields of spec with which an operator holds passes back.
pub const SWITCHES: [&str; 3] = ["no_sync", "lazy_blocked", "no_policy"];

/// Returns the operator's switch that holds a pass back, if there is one.
pub(crate) fn switch(object: &Object, pass: Pass) -> Option<Switch> {
    const SYNC: [(&str, Switch); 2] = [("no_sync", Switch::NoSync), ("lazy_blocked", Switch::LazyBlocked)];
    const POLICY: [(&str, Switch); 1] = [("no_policy", Switch::NoPolicy)];
    let all: &[_] = if pass == Pass::Policy { &POLICY } else { &SYNC };
    all.iter().find(|(field, _)| object.flag(field)).map(|(_, switch)| *switch)
}

fn due(object: &Object, synchronizer: &str, pass: Pass, now: Timestamp) -> Due {
    if let Some(switch) = switch(object, pass) {
        return Due::Held(switch);
    }
    match object.status.of(synchronizer) {
        Some(own) => pass_due(object, own.live(pass), pass, now),
        None => Due::Now,
    }
}

/// Returns what a pass has to do, ignoring the switches.
pub(crate) fn pass_due(object: &Object, state: &PassState, pass: Pass, now: Timestamp) -> Due {
    let is_same = |then| is_current(then, state, object, pass);
    if state.handled.as_ref().is_some_and(is_same) {
        return Due::Clean;
    }
    match state.next_attempt {
        // A new intent does not wait for the delay of the old one.
        Some(at) if at > now && state.attempted.as_ref().is_some_and(is_same) => Due::NotBefore(at),
        _ => Due::Now,
    }
}

/// Returns whether an operation was tried last with what is there now.
pub fn is_attempted(object: &Object, synchronizer: &str, operation: Operation) -> bool {
    let state = object.status.of(synchronizer).and_then(|own| own.state(operation));
    state.is_some_and(|state| {
        state.attempted.as_ref().is_some_and(|then| is_current(then, state, object, operation.pass()))
    })
}

/// Returns whether a pass that a switch holds back would have nothing to do but for the switch: it was never tried, or
/// has handled what the object is apart from its switches.
pub(crate) fn is_held_without_work(object: &Object, state: &PassState, pass: Pass) -> bool {
    if state.is_untried() {
        return true;
    }
    let is_news = state.seen != change_by_other(object, pass);
    let Some(handled) = state.handled.as_ref().filter(|_| !is_news) else { return false };
    let present = || object.unswitched.iter().chain([&object.intent.spec]);
    present().any(|&spec| {
        let intent = Intent { spec, ..object.intent.clone() };
        is_handled(handled, &intent, &object.quiet_saves, pass)
    })
}

/// Returns whether there is nothing new for a pass since the intent that it tried or handled.
fn is_current(then: &Intent, state: &PassState, object: &Object, pass: Pass) -> bool {
    is_handled(then, &object.intent, &object.quiet_saves, pass) && state.seen == change_by_other(object, pass)
}

/// Returns whether a pass may have been tried since it was last recorded: the spec was changed, and then changed back
/// or saved quietly. The backend may then be half-way to what the object was in between.
pub fn is_in_doubt(object: &Object, synchronizer: &str, pass: Pass) -> bool {
    let state = object.status.of(synchronizer).map(|own| own.live(pass));
    state.and_then(|state| state.generation).is_some_and(|generation| generation != object.meta.generation)
}

/// Returns when the other pass last changed the object: each pass sees what the other did.
pub(crate) fn change_by_other(object: &Object, pass: Pass) -> Option<Timestamp> {
    object.date(match pass {
        Pass::Policy => "changed_by_step",
        Pass::Sync | Pass::Pull | Pass::Event => "changed_by_policy",
    })
}

#[cfg(test)]
mod tests;
