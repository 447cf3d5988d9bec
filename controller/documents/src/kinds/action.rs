//! What policies do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldValues, fields};

/// One thing that a policy does: exactly one of `apply`, `touch` and `delete`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// It is done once for each item of a list.
    pub for_each: Option<ForEach>,
    /// It is done only if this is true.
    pub when: Option<String>,
    /// Makes an object, or changes it.
    pub apply: Option<Apply>,
    /// Objects whose policies and steps run again: `${self.slices}`.
    pub touch: Option<String>,
    /// Objects that are deleted: `${self.ports.filter(p, p.is_auto)}`.
    pub delete: Option<String>,
}

/// A list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ForEach {
    /// The list: `${self.slices}`.
    #[serde(rename = "in")]
    pub list: String,
    /// The name of an item in expressions; `item` by default.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// Makes an object, or changes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Apply {
    /// The model. No expression.
    pub model: String,
    /// `metadata.name`. Without it the object is found by `key`, and its name follows from that.
    pub name: Option<String>,
    /// The fields by which the object is found.
    #[serde(default)]
    pub key: Vec<String>,
    /// The values of its fields.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
}
