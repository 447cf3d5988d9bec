//! What a plan says.

use serde::Serialize;
use serde_json::Value;

/// What an apply would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The objects that change, and those that are applied and do not.
    pub objects: Vec<ObjectChange>,
    /// The calls of steps, in their order.
    pub steps: Vec<StepCall>,
    /// Policies that are compiled into the program, and would run: what they do is not known.
    pub unknown: Vec<StepCall>,
    /// Deletions that a brake would hold.
    pub held: Vec<Held>,
    /// Objects of the plan that would not become ready.
    pub unsettled: Vec<Unsettled>,
    /// How many objects have work that is due without the apply: it is done first, and no part of the plan.
    pub pending: usize,
}

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectChange {
    /// The object: `Team default/engines`.
    pub object: String,
    /// What.
    pub what: What,
    /// Why.
    pub because: Vec<Because>,
    /// The fields that change.
    pub fields: Vec<FieldChange>,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It is made.
    Create,
    /// Fields of it change.
    Change,
    /// Its policies and steps run again.
    Touch,
    /// It is deleted.
    Delete,
    /// Nothing: it is as it is applied.
    Unchanged,
}

/// Why something becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// It is applied.
    Applied,
    /// It is deleted by the operator.
    Deleted,
    /// A policy does it. Several policies of a model save at once: then it is the last of them.
    Policy(String),
    /// A policy touches it.
    Touched(String),
    /// It goes with an object that it leads to: the object, and the link.
    GoesWith(String, String),
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name, as kubectl shows it.
    pub field: String,
    /// Its value now; null if it has none.
    pub before: Value,
    /// Its value then.
    pub after: Value,
}

/// A call of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepCall {
    /// The step.
    pub step: String,
    /// `sync` or `delete`; of policies `policy`.
    pub operation: &'static str,
    /// The object.
    pub object: String,
    /// The objects whose steps come before, as this one waits for them: with the link that says so.
    pub after: Vec<(String, String)>,
}

/// A deletion that a brake holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// The object.
    pub object: String,
    /// How many would go along, and how to confirm it.
    pub message: String,
}

/// An object that does not become ready.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unsettled {
    /// The object.
    pub object: String,
    /// The reason of its condition `Ready`.
    pub reason: String,
    /// Its message.
    pub message: String,
}

impl Plan {
    /// Returns whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.objects.iter().all(|object| object.what == What::Unchanged)
            && self.steps.is_empty()
            && self.unknown.is_empty()
            && self.held.is_empty()
    }

    /// Returns how many objects become of a kind.
    pub(crate) fn count(&self, what: What) -> usize {
        self.objects.iter().filter(|object| object.what == what).count()
    }
}
