//! Policies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, FieldValues, GrpcPolicy, fields};

/// Reacts to changes of a model's objects.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelPolicySpec {
    /// The model whose objects the policy handles, or a base. No expression.
    pub model: String,
    /// It does something only if this is true: `${self.is_enabled}`.
    pub when: Option<String>,
    /// Fields of the object itself that are set.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub set: FieldValues,
    /// What is done when an object is new or has changed, in this order.
    #[serde(default, rename = "do")]
    pub actions: Vec<Action>,
    /// What is done before an object is deleted.
    #[serde(default)]
    pub on_delete: Vec<Action>,
    /// A step server does all that, in place of `set`, `do` and `onDelete`.
    pub grpc: Option<GrpcPolicy>,
}
