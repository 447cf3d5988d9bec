//! The kind `ModelSet`.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::{Accepted, Change, Condition, Finding};

/// The models of a service, as XOS's LoadModels takes them. Deleting it unloads them.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "xos.opencord.org",
    version = "v1",
    kind = "ModelSet",
    namespaced,
    category = "xos",
    status = "ModelSetStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct ModelSetSpec {
    /// The name of the service. It is only shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The version of the service. It is only shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// The models: texts of .xproto files, by the name of the file.
    pub xprotos: BTreeMap<String, String>,
    /// Computed properties: for each model, expressions in CEL by the name of the property.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub properties: BTreeMap<String, BTreeMap<String, String>>,
    /// Dependencies between models beside those by links, as in XOS's file: `{A: [[B, port, peer_port]]}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub dependency_graph: BTreeMap<String, Vec<Vec<String>>>,
    /// Other sets of the namespace whose models these name; `core` for all models of XOS's core. Those of them that are
    /// named need no mention.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub uses: Vec<String>,
    /// What becomes of stored objects when the set is deleted.
    #[serde(default)]
    pub cleanup: Cleanup,
}

/// What becomes of stored objects when a set is deleted. The words are XOS's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Cleanup {
    /// The deletion waits until there are none.
    #[default]
    RequireClean,
    /// They are deleted first, by their steps.
    AutomaticallyClean,
    /// They are removed without their steps: what they stand for stays.
    Purge,
}

/// What becomes of a set. Steps and policies have the same, without what is about definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelSetStatus {
    /// The generation that the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Accepted, Established, InUse; Reconciling and Stalled while true.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// All that is wrong with it, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Finding>,
    /// What applying the present generation would change in the definitions, or would have changed where it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What was accepted last: it works as long as a later generation is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}
