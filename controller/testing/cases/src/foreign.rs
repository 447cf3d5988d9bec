//! The kinds of Kubernetes that the steps of a service make and read.

use serde_json::Value as Json;
use xos_steps::{ForeignKind, Steps};
use xos_testing::Cluster;
use xos_xproto::ModelSet;

use crate::objects::NAMESPACE;

/// The kinds that a case may name beside models.
#[derive(Clone, Debug)]
pub(crate) struct Kinds(pub(crate) Vec<ForeignKind>);

/// An object of Kubernetes.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub(crate) kind: ForeignKind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl At {
    pub(crate) fn get(&self, cluster: &Cluster) -> Option<Json> {
        cluster.get(&self.kind, &self.namespace, &self.name)
    }

    /// Returns whether there was one to delete.
    pub(crate) fn delete(&self, cluster: &Cluster) -> bool {
        cluster.delete(&self.kind, &self.namespace, &self.name)
    }

    /// Returns its name for messages.
    pub(crate) fn told(&self) -> String {
        match (self.kind.is_namespaced, self.namespace.as_str()) {
            (false, _) | (true, NAMESPACE) => format!("{} {}", self.kind.kind, self.name),
            (true, namespace) => format!("{} {namespace}/{}", self.kind.kind, self.name),
        }
    }
}

/// The kind of Secrets, which every case may give.
pub(crate) fn secret_kind() -> ForeignKind {
    ForeignKind {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        plural: "secrets".to_owned(),
        is_namespaced: true,
    }
}

impl Kinds {
    pub(crate) fn of(steps: &Steps) -> Self {
        let mut all: Vec<_> = steps.uses.iter().map(|used| used.kind.clone()).chain([secret_kind()]).collect();
        all.sort();
        all.dedup();
        Self(all)
    }

    /// Returns the kind of an object with this `kind` and `apiVersion`; a model with this name comes first, if the version
    /// does not say otherwise.
    pub(crate) fn find(&self, models: &ModelSet, kind: &str, version: Option<&str>) -> Option<&ForeignKind> {
        let is_model = models.get(kind).is_some_and(|model| !model.is_abstract);
        let is_it =
            |one: &&ForeignKind| one.kind == kind && version.map_or(!is_model, |version| version == one.api_version());
        self.0.iter().find(is_it)
    }

    /// Returns the kind that a text names: `Deployment`, `Deployment.apps`, or `Service.v1` for one of the oldest kinds.
    pub(crate) fn named(&self, models: &ModelSet, text: &str) -> Option<&ForeignKind> {
        match text.split_once('.') {
            None => self.find(models, text, None),
            Some((kind, of)) => self
                .0
                .iter()
                .find(|one| one.kind == kind && (one.group == of || (one.group.is_empty() && one.version == of))),
        }
    }
}
