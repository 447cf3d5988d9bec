//! Event steps.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldValues, GrpcStep, fields};

/// Receives messages, and finds, creates and changes objects.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStepSpec {
    /// The topics. No expressions.
    #[serde(default)]
    pub topics: Vec<String>,
    /// A regular expression for the names of topics, in place of `topics`.
    pub pattern: Option<String>,
    /// The consumer group; by default `<synchronizer>.<name>`.
    pub group: Option<String>,
    /// How many messages are handled at the same time; 16 by default.
    pub concurrency: Option<NonZeroUsize>,
    /// Only messages for which this is true: `${event.value.state == 'up'}`. Others are done.
    pub when: Option<String>,
    /// A step server handles the message, and does all that the following keys say.
    pub grpc: Option<GrpcStep>,
    /// The model of the object that a message is about. No expression.
    pub model: Option<String>,
    /// The fields by which the object is found.
    #[serde(default)]
    pub key: Vec<String>,
    /// The values of fields, from `event`. Those of `key` are among them.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
    /// Whether an object is made where none is found; else the message waits until there is one.
    #[serde(default = "yes")]
    pub create: bool,
    /// How the object is saved.
    #[serde(default)]
    pub save: SaveMode,
}

fn yes() -> bool {
    true
}

/// How an object is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SaveMode {
    /// So that its policies and steps do not run for it.
    #[default]
    Quietly,
    /// So that they run, whether something has changed or not.
    Touch,
}
