//! What an object's status holds beside the model's own fields.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::intent::Intent;

/// How many attempts the history shows.
pub const HISTORY_KEPT: usize = 5;

/// The framework's part of status.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The generation that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions after kstatus.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The last attempts, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Attempt>,
    /// One entry a synchronizer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub synchronizers: Vec<Bookkeeping>,
}

impl Status {
    /// The entry of a synchronizer.
    pub fn of(&self, synchronizer: &str) -> Option<&Bookkeeping> {
        self.synchronizers.iter().find(|b| b.name == synchronizer)
    }

    /// The entry of a synchronizer, made if it is missing.
    pub fn of_mut(&mut self, synchronizer: &str) -> &mut Bookkeeping {
        let at = self.synchronizers.iter().position(|b| b.name == synchronizer);
        let at = at.unwrap_or_else(|| {
            self.synchronizers.push(Bookkeeping { name: synchronizer.to_owned(), ..Bookkeeping::default() });
            self.synchronizers.len() - 1
        });
        &mut self.synchronizers[at]
    }

    /// Puts an attempt at the head of the history.
    pub fn remember(&mut self, attempt: Attempt) {
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
    /// The sync pass.
    pub sync: PassState,
    /// The delete step, once it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<PassState>,
}

/// How far a pass is.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PassState {
    /// The intent that was last handled with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<Intent>,
    /// The intent that was last tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempted: Option<Intent>,
    /// Failures of the tried intent in a row.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Not tried again before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Timestamp>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The step's name.
    pub step: String,
    /// `Sync` or `Delete`.
    pub operation: String,
    /// `Succeeded`, `Failed`, `Deferred` or `Innocuous`.
    pub outcome: String,
    /// What it said, unless it succeeded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, `12ms`.
    pub duration: String,
}
