//! Objects of Kubernetes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldValues, ForEach, any, fields};

/// Objects of Kubernetes that belong to an object of a model. They are applied (server-side) in the order of the list, and
/// deleted in reverse order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesSync {
    /// Objects of others that are read and watched, by the name that they have in expressions: `read.defaults`.
    #[serde(default)]
    pub read: BTreeMap<String, ReadObject>,
    /// The objects.
    #[serde(default)]
    pub apply: Vec<ApplyObject>,
    /// Fields that are set from them: `${applied.web.status.?readyReplicas.orValue(0)}`.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
}

/// Which objects of Kubernetes. No expression in `apiVersion`, `kind`, `plural` and `scope`: rights follow from them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForeignSource {
    /// The group and version: `apps/v1`.
    pub api_version: String,
    /// The kind: `Deployment`.
    pub kind: String,
    /// The plural of the kind in requests, where it is not the usual one.
    pub plural: Option<String>,
    /// Whether objects of the kind are in namespaces; by default they are, but for Kubernetes' own that are not.
    pub scope: Option<Scope>,
    /// The namespace.
    pub namespace: Option<String>,
    /// A label selector: `app=web,tier in (a, b)`.
    pub selector: Option<String>,
}

/// An object of somebody else, or all that a label selector selects.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadObject {
    /// Which kind, in which namespace (by default that of the object that is synchronized).
    #[serde(flatten)]
    pub source: ForeignSource,
    /// The name of the one object. There is either this or `selector`.
    pub name: Option<String>,
    /// Whether it may be missing: it is null then. Else the step waits for it.
    #[serde(default)]
    pub optional: bool,
}

/// An object, or one for each item of a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyObject {
    /// Its name in expressions: `applied.web`.
    pub id: String,
    /// It is there once for each item of a list; `applied.web` is a list then.
    pub for_each: Option<ForEach>,
    /// It is there only if this is true.
    pub when: Option<String>,
    /// The object. `apiVersion` and `kind` have no expressions; a member that is null is left out.
    #[schemars(schema_with = "any")]
    pub object: Value,
    /// When it is ready: `${object.status.phase == 'Active'}`. By default as kstatus says, which `kubectl wait` uses, too.
    pub ready_when: Option<String>,
    /// Whether it is taken over if it is there already and belongs to somebody else.
    #[serde(default)]
    pub adopt: bool,
    /// The plural of the kind in requests, where it is not the usual one. No expression.
    pub plural: Option<String>,
    /// Whether objects of the kind are in namespaces; by default they are, but for Kubernetes' own that are not.
    pub scope: Option<Scope>,
}

/// Whether objects of a kind are in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// They are.
    Namespaced,
    /// They are not.
    Cluster,
}
