//! Pull steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Command, FieldValues, ForeignSource, GrpcStep, Request, duration, fields};

/// Reads a backend periodically, and makes objects agree with its list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullStepSpec {
    /// The model whose objects the list is about. No expression.
    pub model: String,
    /// The time from one start to the next; 5 s by default.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub every: Option<String>,
    /// The request for the list; GET by default. A step has exactly one of `http`, `exec`, `grpc` and `kubernetes`.
    pub http: Option<Request>,
    /// The command that writes the list.
    pub exec: Option<Command>,
    /// A step server reads the backend, and does all that the following keys say.
    pub grpc: Option<GrpcStep>,
    /// The objects of Kubernetes that are the list: `objects` in expressions.
    pub kubernetes: Option<ForeignSource>,
    /// The list in the answer, `${response.body.devices}`, or in what the command writes, `${result.value}`. Of objects of
    /// Kubernetes all, if it is left out.
    pub items: Option<String>,
    /// Only the items for which this is true: `${item.kind == 'onu'}`.
    pub when: Option<String>,
    /// The fields by which the object of an item is found.
    #[serde(default)]
    pub key: Vec<String>,
    /// The values of fields, from `item`. Those of `key` are among them.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
    /// The namespace of an item's object; by default the first that the synchronizer watches, or `default`.
    pub namespace: Option<String>,
    /// What becomes of objects whose items are not listed any more; `delete` by default, which the brakes may hold.
    #[serde(default)]
    pub vanished: Vanished,
    /// Whether values that an operator has set are kept.
    #[serde(default)]
    pub yielding: bool,
}

/// What becomes of objects whose items are not listed any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Vanished {
    /// They are deleted.
    #[default]
    Delete,
    /// They are kept.
    Keep,
}
