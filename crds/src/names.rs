//! How things are called on the Kubernetes side.

use xos_xproto::Model;

/// The API version of every model's custom resource.
pub const VERSION: &str = "v1";
/// What comes after the app label in a group's name.
pub const GROUP_SUFFIX: &str = "xos.opencord.org";
/// The category that all models' custom resources are in: `kubectl get xos`.
pub const CATEGORY: &str = "xos";
/// Another value of this annotation asks for another run, with no field changed.
pub const TOUCH_ANNOTATION: &str = "xos.opencord.org/touch";
/// The recent quiet saves, as JSON.
pub const QUIET_SAVES_ANNOTATION: &str = "xos.opencord.org/quiet-saves";

/// What the field manager of every write of a synchronizer begins with.
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
    /// `xosservice` and the like, for a kind whose name hides one that Kubernetes has.
    pub short_names: Vec<String>,
}

/// Kinds of Kubernetes' own that a model may be named like (`Image` is OpenShift's): kubectl prefers those.
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
    /// The names of a model.
    pub fn of(model: &Model) -> Self {
        let label = model.app_label.replace('_', "-").to_lowercase();
        let mut categories = vec![CATEGORY.to_owned()];
        if label != CATEGORY {
            categories.push(label.clone());
        }
        Self {
            group: format!("{label}.{GROUP_SUFFIX}"),
            kind: model.name.clone(),
            plural: model.plural.to_lowercase(),
            short_names: short_names(&model.name.to_lowercase()),
            singular: model.name.to_lowercase(),
            categories,
        }
    }

    /// The CustomResourceDefinition's name, `<plural>.<group>`.
    pub fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// `<group>/v1`.
    pub fn api_version(&self) -> String {
        format!("{}/{VERSION}", self.group)
    }
}

fn short_names(singular: &str) -> Vec<String> {
    if BUILT_IN.contains(&singular) { vec![format!("{CATEGORY}{singular}")] } else { vec![] }
}

/// The finalizer with which a synchronizer holds objects for its sync step's delete_record.
pub fn sync_finalizer(synchronizer: &str) -> String {
    format!("sync.xos.opencord.org/{}", qualified(synchronizer))
}

/// The finalizer with which a synchronizer holds objects for its policies' delete handlers.
pub fn policy_finalizer(synchronizer: &str) -> String {
    format!("policy.xos.opencord.org/{}", qualified(synchronizer))
}

/// The finalizer with which a synchronizer holds objects until those that cascade from them are gone.
pub fn links_finalizer(synchronizer: &str) -> String {
    format!("links.xos.opencord.org/{}", qualified(synchronizer))
}

/// A name that may stand in a qualified name: other characters become `-`.
pub fn qualified(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' })
        .take(63)
        .collect();
    plain.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_are_qualified_names() {
        assert_eq!(sync_finalizer("example"), "sync.xos.opencord.org/example");
        assert_eq!(sync_finalizer("my service_2"), "sync.xos.opencord.org/my-service-2");
        assert_eq!(policy_finalizer("a"), "policy.xos.opencord.org/a");
        assert_eq!(links_finalizer("a"), "links.xos.opencord.org/a");
    }
}
