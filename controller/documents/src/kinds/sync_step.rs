//! Sync steps.

use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AnsibleSync, ExecSync, GrpcStep, HttpSync, KubernetesSync, period};

/// Pushes the state of a model's objects to a backend.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncStepSpec {
    /// The model whose objects the step handles. With a base: those of all models derived from it. No expression.
    pub model: String,
    /// Which objects it handles, as `${self.kind == 'switch'}`. Others are left alone. It cannot follow links.
    pub when: Option<String>,
    /// How often an object is synchronized again although it has not changed: a duration, or `off`.
    #[serde(default)]
    #[schemars(schema_with = "period")]
    pub resync: Option<String>,
    /// How many objects are handled at the same time.
    pub concurrency: Option<NonZeroUsize>,
    /// Models of other synchronizers whose objects are waited for.
    #[serde(default)]
    pub external_dependencies: Vec<String>,
    /// By an HTTP request. A step has exactly one of these.
    pub http: Option<HttpSync>,
    /// By a command.
    pub exec: Option<ExecSync>,
    /// By a step server.
    pub grpc: Option<GrpcStep>,
    /// By objects of Kubernetes.
    pub kubernetes: Option<KubernetesSync>,
    /// By a playbook of Ansible.
    pub ansible: Option<AnsibleSync>,
}
