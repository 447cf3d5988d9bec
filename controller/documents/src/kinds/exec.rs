//! Commands.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldValues, Nothing, any, duration, fields};

/// A command that is run. It gets no environment but what is said here.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// The program, by its path, and its arguments. No shell is between.
    pub command: Vec<String>,
    /// What it reads from its standard input, as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub input: Option<Value>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How long it may take; 30 s by default. Then it is killed, with all that it has started.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub timeout: Option<String>,
    /// How much memory it may use, in MiB; 512 by default.
    pub memory: Option<u64>,
}

/// A command that makes something agree with an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecSync {
    /// The command.
    #[serde(flatten)]
    pub command: Command,
    /// Fields that are set from what it writes: `${result.value.id}`.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
    /// How it is undone when the object is deleted.
    pub delete: ExecDelete,
}

/// How something is undone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ExecDelete {
    /// Not at all: `nothing`.
    Word(Nothing),
    /// By a command.
    Command(Command),
}
