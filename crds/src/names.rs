//! The names of models in Kubernetes: group, kind, plural, categories.

use xos_model::names::DOMAIN;
use xos_xproto::Model;

/// The API version of every model's custom resource.
pub const VERSION: &str = "v1";
/// The category that all models' custom resources are in: `kubectl get xos`.
pub const CATEGORY: &str = "xos";
/// The prefix of the field managers of all writes of synchronizers.
pub const MANAGER_PREFIX: &str = "xos/";

/// The names of a model's custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// `<app label>.xos.opencord.org`, with `_` as `-`.
    pub group: String,
    /// The model's name.
    pub kind: String,
    /// XOS's plural in lower case.
    pub plural: String,
    /// The kind in lower case.
    pub singular: String,
    /// The categories: `xos` and the app label.
    pub categories: Vec<String>,
    /// A name such as `xosservice`, if Kubernetes has a kind of the same name itself.
    pub short_names: Vec<String>,
}

/// Kinds of Kubernetes itself whose names models may have (`Image` is OpenShift's): kubectl prefers these.
const BUILT_IN: [&str; 22] = [
    "binding",
    "configmap",
    "controllerrevision",
    "cronjob",
    "daemonset",
    "deployment",
    "endpoints",
    "event",
    "image",
    "ingress",
    "job",
    "lease",
    "limitrange",
    "namespace",
    "networkpolicy",
    "node",
    "pod",
    "role",
    "secret",
    "service",
    "serviceaccount",
    "statefulset",
];

impl Names {
    /// Returns the names of a model.
    pub fn of(model: &Model) -> Self {
        let label = model.app_label.replace('_', "-").to_lowercase();
        let mut categories = vec![CATEGORY.to_owned()];
        if label != CATEGORY {
            categories.push(label.clone());
        }
        Self {
            group: format!("{label}.{DOMAIN}"),
            kind: model.name.clone(),
            plural: model.plural.to_lowercase(),
            short_names: short_names(&model.name.to_lowercase()),
            singular: model.name.to_lowercase(),
            categories,
        }
    }

    /// Returns the CustomResourceDefinition's name, `<plural>.<group>`.
    pub fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// Returns `<group>/v1`.
    pub fn api_version(&self) -> String {
        format!("{}/{VERSION}", self.group)
    }
}

fn short_names(singular: &str) -> Vec<String> {
    if BUILT_IN.contains(&singular) { vec![format!("{CATEGORY}{singular}")] } else { vec![] }
}
