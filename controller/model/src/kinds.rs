//! The registry of kinds: the models of a set, and which of them inherit from which.

use std::collections::HashMap;
use std::sync::Arc;

use xos_xproto::{Model, ModelSet};

/// All models of a set, by name, by resource and by class.
///
/// It returns, for example, all kinds whose objects are Services: for queries, links, and steps that observe a base
/// class.
///
/// ```
/// use xos_model::Kinds;
/// use xos_xproto::{Sources, compile};
///
/// let mut sources = Sources::new();
/// sources.add("core.xproto", "option app_label = \"core\"; message Service (XOSBase) {}");
/// sources.add("rcord.xproto", "option app_label = \"rcord\"; message RCORDService (Service) {}");
/// let kinds = Kinds::of(&compile(&sources).models);
/// let services: Vec<_> = kinds.of_class("Service").map(|kind| &*kind.model).collect();
/// assert_eq!(services, ["Service", "RCORDService"]);
/// assert!(kinds.is_a("RCORDService", "XOSBase"));
/// let kind = kinds.by_resource("rcord.xos.opencord.org", "rcordservices").map(|kind| &*kind.model);
/// assert_eq!(kind, Some("RCORDService"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    kinds: Vec<Kind>,
    by_name: HashMap<Arc<str>, usize>,
    /// By group label and plural.
    by_resource: HashMap<(String, String), usize>,
    /// The concrete models of each class, in the order of the set.
    members: HashMap<Arc<str>, Vec<usize>>,
}

/// One model of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The model's name, which is the kind of its custom resources.
    pub model: Arc<str>,
    /// The first part of its group: the app label, with `_` as `-`.
    pub group_label: String,
    /// XOS's plural in lower case.
    pub plural: String,
    /// Whether the set has objects of the model itself: it is neither abstract nor only referred to.
    pub has_objects: bool,
    /// The model and all it inherits from, leaf first (XOS's `class_names`).
    pub class_names: Vec<Arc<str>>,
}

impl Kind {
    fn of(model: &Model) -> Self {
        Self {
            model: model.name.as_str().into(),
            group_label: group_label(&model.app_label),
            plural: model.plural.to_lowercase(),
            has_objects: model.has_objects(),
            class_names: model.ancestry.iter().map(|name| name.as_str().into()).collect(),
        }
    }

    /// Returns whether its objects are of this class.
    pub fn is_a(&self, class: &str) -> bool {
        self.class_names.iter().any(|name| &**name == class)
    }

    /// Returns all models that it inherits from, nearest first.
    pub fn ancestors(&self) -> &[Arc<str>] {
        self.class_names.get(1..).unwrap_or_default()
    }
}

/// Returns the first label of a group's name, or an app label in that form.
fn group_label(group: &str) -> String {
    group.split('.').next().unwrap_or_default().replace('_', "-").to_lowercase()
}

impl Kinds {
    /// Makes the registry of a model set.
    pub fn of(models: &ModelSet) -> Self {
        let mut kinds = Self::default();
        for model in models {
            kinds.add(Kind::of(model));
        }
        kinds
    }

    fn add(&mut self, kind: Kind) {
        let at = self.kinds.len();
        self.by_name.insert(kind.model.clone(), at);
        if kind.has_objects {
            self.by_resource.insert((kind.group_label.clone(), kind.plural.clone()), at);
            for class in &kind.class_names {
                self.members.entry(class.clone()).or_default().push(at);
            }
        }
        self.kinds.push(kind);
    }

    /// Returns the model of that name, which is also the kind of its custom resources.
    pub fn get(&self, model: &str) -> Option<&Kind> {
        self.by_name.get(model).and_then(|&at| self.kinds.get(at))
    }

    /// Returns the model with this resource: the group's name or app label, and the plural.
    pub fn by_resource(&self, group: &str, plural: &str) -> Option<&Kind> {
        let at = self.by_resource.get(&(group_label(group), plural.to_lowercase()))?;
        self.kinds.get(*at)
    }

    /// Returns all models in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// Returns the models whose objects are of a class: the class itself unless it is abstract, and all concrete models
    /// that inherit from it. Empty for an unknown class.
    pub fn of_class(&self, class: &str) -> impl Iterator<Item = &Kind> {
        let members = self.members.get(class).map(Vec::as_slice).unwrap_or_default();
        members.iter().filter_map(|&at| self.kinds.get(at))
    }

    /// Returns whether objects of a model are of this class.
    pub fn is_a(&self, model: &str, class: &str) -> bool {
        self.get(model).is_some_and(|kind| kind.is_a(class))
    }

    /// Returns the model and all it inherits from, leaf first. Empty for an unknown model.
    pub fn class_names(&self, model: &str) -> &[Arc<str>] {
        self.get(model).map(|kind| kind.class_names.as_slice()).unwrap_or_default()
    }

    /// Returns all models that a model inherits from, nearest first.
    pub fn ancestors(&self, model: &str) -> &[Arc<str>] {
        self.get(model).map(Kind::ancestors).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xos_xproto::{Sources, compile};

    fn kinds() -> Kinds {
        let mut sources = Sources::new();
        sources.add(
            "m.xproto",
            "option app_label = \"my_core\";
             message Service (XOSBase) {}
             message Compute (Service) { option abstract = True; required int32 cores = 1; }
             message VM (Compute) {}
             message Site (XOSBase) { option app_label = \"other\"; option plural = \"Places\"; }",
        );
        let compiled = compile(&sources);
        assert!(!compiled.has_errors());
        Kinds::of(&compiled.models)
    }

    fn names<'a>(kinds: impl Iterator<Item = &'a Kind>) -> Vec<&'a str> {
        kinds.map(|kind| &*kind.model).collect()
    }

    #[test]
    fn the_kinds_of_a_class() {
        let kinds = kinds();
        assert_eq!(names(kinds.of_class("Service")), ["Service", "VM"]);
        assert_eq!(names(kinds.of_class("Compute")), ["VM"], "an abstract model has no objects");
        assert_eq!(names(kinds.of_class("XOSBase")), ["Service", "VM", "Site"]);
        assert_eq!(names(kinds.of_class("Nothing")), [""; 0]);
        assert_eq!(names(kinds.iter()).len(), 5);
    }

    #[test]
    fn what_is_what() {
        let kinds = kinds();
        assert!(kinds.is_a("VM", "VM") && kinds.is_a("VM", "Service") && !kinds.is_a("Service", "VM"));
        assert!(!kinds.is_a("Nothing", "Nothing"));
        let class_names: Vec<_> = kinds.class_names("VM").iter().map(|name| &**name).collect();
        assert_eq!(class_names, ["VM", "Compute", "Service", "XOSBase"]);
        assert_eq!(kinds.ancestors("VM"), &kinds.class_names("VM")[1..]);
        assert!(kinds.ancestors("Nothing").is_empty());
    }

    #[test]
    fn a_resource_names_its_kind() {
        let kinds = kinds();
        let kind = |group, plural| kinds.by_resource(group, plural).map(|kind| &*kind.model);
        assert_eq!(kind("my-core.xos.opencord.org", "vms"), Some("VM"));
        assert_eq!(kind("my_core", "VMs"), Some("VM"));
        assert_eq!(kind("other.example.org", "places"), Some("Site"));
        assert_eq!(kind("other", "services"), None);
        assert_eq!(kind("my-core", "computes"), None, "an abstract model has no resource");
    }
}
