//! The keys of `cluster_documents`: models and documents that are objects in the cluster.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `cluster_documents`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct ClusterDocumentsKeys {
    /// Whether they are taken.
    pub(in crate::config) enabled: bool,
    /// The namespace that they are in. Default: that of the pod; outside of a pod that of the kubeconfig.
    pub(in crate::config) namespace: Option<String>,
    /// A selector of labels, such as `service=voip`: only those that have them are taken. Default: all of the namespace.
    pub(in crate::config) selector: Option<String>,
}

impl Default for ClusterDocumentsKeys {
    fn default() -> Self {
        Self { enabled: true, namespace: None, selector: None }
    }
}
