//! Conditions, after Kubernetes' API conventions and kstatus.
//!
//! `Ready` and `Synced` are always there once there is a status; `Reconciling` and `Stalled` are "abnormal-true":
//! present only while true.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::message;

/// Every pass that is due has handled what is wanted of the object; else the first that has not says why.
pub const READY: &str = "Ready";
/// The outcome of the last sync step.
pub const SYNCED: &str = "Synced";
/// The outcome of the last policies.
pub const POLICY_APPLIED: &str = "PolicyApplied";
/// What the definition gives to new objects, so that their status says that nobody has handled them yet. It is not among
/// the conditions of an [`Object`](crate::Object).
pub const INITIAL: &str = "Initial";
/// Whether an object meets what the API server cannot check.
pub const ACCEPTED: &str = "Accepted";
/// Of a `ModelSet`: whether the definitions of its models are applied.
pub const ESTABLISHED: &str = "Established";
/// Of a `ModelSet`: whether there are objects of its models.
pub const IN_USE: &str = "InUse";
/// Present while another attempt is planned.
pub const RECONCILING: &str = "Reconciling";
/// Present while only a person, or the longest delay between attempts, can help.
pub const STALLED: &str = "Stalled";
/// Present, and False, while a property of the object cannot be computed.
pub const COMPUTED: &str = "Computed";
/// Qualified with the name of the synchronizer that says so; present while a deleted object is held by a synchronizer that
/// is not there.
pub const ABANDONED: &str = "Abandoned";

/// True, False or Unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody knows.
    Unknown,
}

/// One condition (`metav1.Condition`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `Synced` …
    #[serde(rename = "type")]
    pub kind: String,
    /// True, False or Unknown.
    pub status: ConditionStatus,
    /// A CamelCase word for programs.
    pub reason: String,
    /// A text for people.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
    /// The generation it speaks of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_generation: Option<i64>,
}

/// A condition to be set; see [`set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News<'a> {
    /// The type.
    pub kind: &'a str,
    /// The status.
    pub status: ConditionStatus,
    /// The reason.
    pub reason: &'a str,
    /// The message.
    pub message: &'a str,
}

/// Sets a condition; its transition time moves only if its status changes. Its message is cut at
/// [`message::LONGEST`] characters.
pub fn set(conditions: &mut Vec<Condition>, news: &News<'_>, generation: i64, now: Timestamp) {
    let old = conditions.iter_mut().find(|c| c.kind == news.kind);
    let since = match &old {
        Some(old) if old.status == news.status => old.last_transition_time,
        _ => now,
    };
    let new = Condition {
        kind: news.kind.to_owned(),
        status: news.status,
        reason: news.reason.to_owned(),
        message: message::cut(news.message),
        last_transition_time: since,
        observed_generation: Some(generation),
    };
    match old {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// Gives conditions the times at which they changed, as those see it who read one stored state after the other: one
/// that has its status still changed when it did before (on the way it may have had another one), and none changed
/// earlier than it did before.
pub fn keep_times(before: &[Condition], after: &mut [Condition]) {
    for one in after {
        let Some(old) = find(before, &one.kind) else { continue };
        let since = old.last_transition_time;
        one.last_transition_time = if old.status == one.status { since } else { one.last_transition_time.max(since) };
    }
}

/// Removes a condition.
pub fn clear(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|c| c.kind != kind);
}

/// Returns the condition of a type.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let t0 = Timestamp::UNIX_EPOCH;
        let t1 = Timestamp::from_second(60).unwrap();
        let mut all = vec![];
        let news = |status, message| News { kind: READY, status, reason: "R", message };
        set(&mut all, &news(ConditionStatus::False, "a"), 1, t0);
        set(&mut all, &news(ConditionStatus::False, "b"), 2, t1);
        let seen = find(&all, READY).unwrap();
        assert_eq!((seen.message.as_str(), seen.last_transition_time, seen.observed_generation), ("b", t0, Some(2)));
        set(&mut all, &news(ConditionStatus::True, "c"), 2, t1);
        assert_eq!(find(&all, READY).unwrap().last_transition_time, t1);
        assert_eq!(all.len(), 1);
        let stored = all.clone();
        for status in [ConditionStatus::Unknown, ConditionStatus::True] {
            set(&mut all, &news(status, "d"), 3, Timestamp::from_second(90).unwrap());
        }
        keep_times(&stored, &mut all);
        assert_eq!(find(&all, READY).unwrap().last_transition_time, t1, "it was something else only in between");
        clear(&mut all, READY);
        assert!(all.is_empty());
    }
}
