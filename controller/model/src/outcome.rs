//! The outcome of an attempt.

use std::time::Duration;

use jiff::Timestamp;

use crate::intent::Pass;

/// What was attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `sync_record`.
    Sync,
    /// `delete_record`.
    Delete,
    /// The policies' `handle_create`.
    PolicyCreate,
    /// The policies' `handle_update`.
    PolicyUpdate,
    /// The policies' `handle_delete`.
    PolicyDelete,
}

impl Operation {
    /// Returns the name: `Sync`, `Delete`, `PolicyCreate` …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "Sync",
            Self::Delete => "Delete",
            Self::PolicyCreate => "PolicyCreate",
            Self::PolicyUpdate => "PolicyUpdate",
            Self::PolicyDelete => "PolicyDelete",
        }
    }

    /// Returns the pass that it belongs to: [`Pass::Sync`] or [`Pass::Policy`].
    pub fn pass(self) -> Pass {
        match self {
            Self::Sync | Self::Delete => Pass::Sync,
            Self::PolicyCreate | Self::PolicyUpdate | Self::PolicyDelete => Pass::Policy,
        }
    }

    /// Returns whether the object is being deleted.
    pub fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::PolicyDelete)
    }
}

/// The outcome of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: code 1.
    Succeeded,
    /// An error, a panic or a time-out: code 2, tried again with growing delay.
    Failed(String),
    /// "Not yet" (XOS's `DeferredException`): code 0, tried again on a change, or else at a fixed interval.
    Deferred(String),
    /// "Not done, but no harm" (XOS's `InnocuousException`): code 1, tried again with growing delay.
    Innocuous(String),
    /// The target of the step is away: code 0, tried again when it is there.
    Unavailable(String),
}

impl Outcome {
    /// Returns the name: `Succeeded`, `Failed`, `Deferred`, `Innocuous` or `Unavailable`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed(_) => "Failed",
            Self::Deferred(_) => "Deferred",
            Self::Innocuous(_) => "Innocuous",
            Self::Unavailable(_) => "Unavailable",
        }
    }

    /// Returns what the step said, unless it succeeded.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Succeeded => None,
            Self::Failed(m) | Self::Deferred(m) | Self::Innocuous(m) | Self::Unavailable(m) => Some(m),
        }
    }

    /// Changes what the step said.
    #[must_use]
    pub fn map_message(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Succeeded => Self::Succeeded,
            Self::Failed(message) => Self::Failed(change(message)),
            Self::Deferred(message) => Self::Deferred(change(message)),
            Self::Innocuous(message) => Self::Innocuous(change(message)),
            Self::Unavailable(message) => Self::Unavailable(change(message)),
        }
    }

    /// Returns XOS's `backend_code`: 0 in progress, 1 done, 2 error.
    pub fn backend_code(&self) -> i64 {
        match self {
            Self::Deferred(_) | Self::Unavailable(_) => 0,
            Self::Succeeded | Self::Innocuous(_) => 1,
            Self::Failed(_) => 2,
        }
    }
}

/// A finished attempt of a step; only such attempts are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The step's name.
    pub step: String,
    /// What was attempted.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
}
