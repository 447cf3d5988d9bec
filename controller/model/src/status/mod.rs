//! The framework's part of an object's status.

mod text;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::intent::{Intent, Pass};
use crate::outcome::{Operation, Outcome};

pub use text::Unreadable;

/// The number of attempts in the history.
pub(crate) const HISTORY_KEPT: usize = 5;

/// The framework's part of status.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The id in XOS's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i32>,
    /// The generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions, following kstatus.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last attempts, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Attempt>,
    /// One entry for each synchronizer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub synchronizers: Vec<Bookkeeping>,
    /// The values of the model's properties, by name as custom resources have it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// The synchronizer that writes the properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties_of: Option<String>,
    /// What others wrote, beside the model's own fields: it stays.
    #[serde(flatten, skip_deserializing)]
    pub other: Map<String, Value>,
}

impl Status {
    /// Returns the entry of a synchronizer.
    pub fn of(&self, synchronizer: &str) -> Option<&Bookkeeping> {
        self.synchronizers.iter().find(|b| b.name == synchronizer)
    }

    /// Returns the entry of a synchronizer, and adds it if it is missing.
    pub fn of_mut(&mut self, synchronizer: &str) -> &mut Bookkeeping {
        let at = self.synchronizers.iter().position(|b| b.name == synchronizer);
        let at = at.unwrap_or_else(|| {
            self.synchronizers.push(Bookkeeping { name: synchronizer.to_owned(), ..Bookkeeping::default() });
            self.synchronizers.len() - 1
        });
        &mut self.synchronizers[at]
    }

    /// Returns the synchronizer that writes a pass's part of the top of status.
    pub fn owner(&self, pass: Pass) -> Option<&Bookkeeping> {
        self.synchronizers.iter().find(|entry| entry.live(pass).owner)
    }

    /// Adds an attempt at the head of the history.
    ///
    /// A success replaces the same success before it, unless there is anything but successes in between: failures
    /// stay visible, and the status of a healthy object stays small, which makes every write of the object
    /// cheaper.
    pub fn remember(&mut self, attempt: Attempt) {
        if attempt.is_success() {
            let mut successes = self.history.iter().take_while(|line| line.is_success());
            let same = |line: &Attempt| line.step == attempt.step && line.operation == attempt.operation;
            if let Some(at) = successes.position(same) {
                self.history.remove(at);
            }
        }
        self.history.insert(0, attempt);
        self.history.truncate(HISTORY_KEPT);
    }
}

/// One synchronizer's own bookkeeping of an object: XOS's `enacted` and `policed`, but for each synchronizer.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bookkeeping {
    /// The synchronizer's name.
    pub name: String,
    /// The sync pass, once it was tried.
    #[serde(skip_serializing_if = "PassState::is_empty")]
    pub sync: PassState,
    /// The policy pass, once it was tried.
    #[serde(skip_serializing_if = "PassState::is_empty")]
    pub policy: PassState,
    /// The delete step, once it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<Box<PassState>>,
    /// The policies' delete handlers, once they were tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_policy: Option<Box<PassState>>,
    /// Whether the object is deleted without those that lead to it: they stay.
    #[serde(skip_serializing_if = "is_false")]
    pub leaves_others: bool,
}

impl Bookkeeping {
    /// Returns how far the pass of an operation is.
    pub fn state(&self, operation: Operation) -> Option<&PassState> {
        match operation {
            Operation::Sync => Some(&self.sync),
            Operation::PolicyCreate | Operation::PolicyUpdate => Some(&self.policy),
            Operation::Delete => self.delete.as_deref(),
            Operation::PolicyDelete => self.delete_policy.as_deref(),
        }
    }

    /// Sets it.
    pub(crate) fn set_state(&mut self, operation: Operation, state: PassState) {
        match operation {
            Operation::Sync => self.sync = state,
            Operation::PolicyCreate | Operation::PolicyUpdate => self.policy = state,
            Operation::Delete => self.delete = Some(Box::new(state)),
            Operation::PolicyDelete => self.delete_policy = Some(Box::new(state)),
        }
    }

    /// Returns the state of a live object's pass.
    pub fn live(&self, pass: Pass) -> &PassState {
        if pass == Pass::Policy { &self.policy } else { &self.sync }
    }

    pub(crate) fn live_mut(&mut self, pass: Pass) -> &mut PassState {
        if pass == Pass::Policy { &mut self.policy } else { &mut self.sync }
    }
}

/// The state of a pass.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PassState {
    /// The intent that was last handled with success.
    pub handled: Option<Intent>,
    /// The intent that was last tried.
    pub attempted: Option<Intent>,
    /// The generation that was last tried, or found to have nothing new. While it is the present one, nothing else can
    /// have been tried.
    pub generation: Option<i64>,
    /// Failures of the tried intent in a row.
    pub failures: u32,
    /// Not tried again before this time.
    pub next_attempt: Option<Timestamp>,
    /// The last change by the other pass when this one was tried: XOS's `changed_by_policy` for sync, `changed_by_step`
    /// for policy.
    pub seen: Option<Timestamp>,
    /// Whether it ever succeeded.
    pub ever: bool,
    /// Whether this synchronizer writes the pass's part of the top of status: XOS's own fields and the unqualified
    /// conditions.
    pub owner: bool,
    /// Whether it is due, and still to be tried for the first time.
    pub pending: bool,
    /// Whether it was tried, and the synchronizer does not have it for this object any more: nobody waits for it.
    pub dropped: bool,
}

impl PassState {
    /// Returns whether nothing was tried yet.
    pub fn is_untried(&self) -> bool {
        self.attempted.is_none()
    }

    /// Returns whether there is nothing to be stored of it.
    fn is_empty(&self) -> bool {
        self.is_untried() && !self.pending
    }

    /// Returns what is noted of whether the synchronizer has the pass: see `pending` and `dropped`.
    pub(crate) fn noted_duty(&self) -> (bool, bool) {
        (self.pending, self.dropped)
    }

    /// Returns whether the last attempt was without success.
    pub fn is_unfinished(&self) -> bool {
        self.attempted.is_some() && self.handled.is_none()
    }
}

fn is_false(b: &bool) -> bool {
    !*b
}

/// An entry of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The step's name.
    pub step: String,
    /// `Sync`, `Delete`, `PolicyCreate` …
    pub operation: String,
    /// `Succeeded`, `Failed`, `Deferred`, `Innocuous` or `Unavailable`.
    pub outcome: String,
    /// The message of the step, unless it succeeded.
    pub message: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, `12ms`.
    pub duration: String,
}

impl Attempt {
    /// Returns whether it was one of the policies, or else of the step.
    pub(crate) fn is_of(&self, pass: Pass) -> bool {
        self.operation.starts_with("Policy") == (pass == Pass::Policy)
    }

    fn is_success(&self) -> bool {
        self.outcome == Outcome::Succeeded.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(operation: &str, outcome: &str, second: i64) -> Attempt {
        let at = Timestamp::from_second(second).unwrap();
        let step = "Step".to_owned();
        let operation = operation.to_owned();
        let outcome = outcome.to_owned();
        Attempt { step, operation, outcome, message: None, at, duration: "1ms".to_owned() }
    }

    #[test]
    fn the_same_success_again_is_one_line_and_failures_stay() {
        let mut status = Status::default();
        let lines = [
            attempt("Sync", "Succeeded", 1),
            attempt("Sync", "Failed", 2),
            attempt("Sync", "Failed", 3),
            attempt("PolicyUpdate", "Succeeded", 4),
            attempt("Sync", "Succeeded", 5),
            attempt("PolicyUpdate", "Succeeded", 6),
            attempt("Sync", "Succeeded", 7),
        ];
        lines.iter().cloned().for_each(|line| status.remember(line));
        let kept: Vec<_> = status.history.iter().map(|line| line.at.as_second()).collect();
        assert_eq!(kept, [7, 6, 3, 2, 1]);
    }
}
