//! The rights for models and documents that are objects in the cluster.

use std::collections::BTreeMap;

use xos_crds::names::Names;
use xos_engine::installation::DEFINITION;
use xos_kinds::ObjectKind;
use xos_model::names::DOMAIN;
use xos_xproto::{Model, ModelSet};

use super::{Extent, Rule, of_kinds, rule};

/// What is allowed of models and documents that are objects in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InCluster {
    /// The namespace that they are in; that of the ServiceAccount if nothing is said.
    pub(crate) namespace: Option<String>,
    /// The groups whose kinds they may define.
    pub(crate) groups: Vec<Group>,
}

/// A group whose kinds may be defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// `<app label>.xos.opencord.org`.
    pub(crate) name: String,
    /// The plurals of its kinds; none: they are not known.
    pub(crate) resources: Vec<String>,
}

/// The rights on models and documents that are objects.
pub(super) fn of_documents(serves_api: bool) -> Vec<Rule> {
    let plurals = ObjectKind::ALL.map(|kind| kind.plural().to_owned());
    let statuses = plurals.iter().map(|plural| format!("{plural}/status")).collect();
    let why = "Models and documents that are objects.";
    let verbs = vec!["get", "list", "watch", "patch"];
    let all = Rule { why, group: DOMAIN.to_owned(), resources: plurals.into(), names: vec![], verbs };
    let status = Rule { why: "", resources: statuses, verbs: vec!["patch"], ..all.clone() };
    let mut rules = vec![all, status];
    if serves_api {
        let why = "For models that clients of XOS's API load and unload.";
        rules.push(rule(why, DOMAIN, ObjectKind::ModelSet.plural(), &["create", "delete"]));
    }
    rules
}

impl Group {
    /// Returns the resources of its kinds.
    pub(super) fn resources(&self) -> Vec<String> {
        if self.resources.is_empty() { vec!["*".to_owned()] } else { self.resources.clone() }
    }

    /// Returns the names of its definitions.
    fn definitions(&self) -> impl Iterator<Item = String> {
        self.resources.iter().map(|plural| format!("{plural}.{}", self.name))
    }
}

/// Returns the rights for some models alone, each with whether it is one for the whole cluster.
pub(crate) fn of_models(models: &[&Model], applies: bool) -> Vec<(Rule, bool)> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for names in models.iter().map(|model| Names::of(model)) {
        groups.entry(names.group).or_default().push(names.plural);
    }
    let mut rules = vec![];
    if applies && !models.is_empty() {
        let names = models.iter().map(|model| Names::of(model).definition());
        rules.push((definitions_rule("", DEFINE).named(names), true));
    }
    let of_groups = groups.into_iter().flat_map(|(group, plurals)| of_kinds(&group, plurals));
    rules.extend(of_groups.map(|rule| (rule, false)));
    if models.iter().any(|model| model.secret_sources().next().is_some()) {
        rules.push((rule("", "", "secrets", &["get", "list", "watch"]), false));
    }
    rules
}

/// What is done with definitions.
const DEFINE: &[&str] = &["get", "list", "watch", "create", "patch"];

fn definitions_rule(why: &'static str, verbs: &[&'static str]) -> Rule {
    rule(why, "apiextensions.k8s.io", "customresourcedefinitions", verbs)
}

/// The rights on definitions: by name, as far as the names are known.
pub(super) fn of_definitions(models: &ModelSet, extent: &Extent) -> Vec<Rule> {
    let definitions = xos_crds::definitions(models).into_iter().filter_map(|definition| definition.metadata.name);
    let mut names: Vec<_> = definitions.chain([DEFINITION.to_owned()]).collect();
    let why = "Definitions of custom resources.";
    let Some(in_cluster) = &extent.in_cluster else { return vec![definitions_rule(why, DEFINE).named(names)] };
    names.extend(ObjectKind::ALL.map(ObjectKind::definition));
    let known: Vec<_> = in_cluster.groups.iter().flat_map(Group::definitions).collect();
    names.extend(known.iter().cloned());
    let mut rules = vec![definitions_rule(why, DEFINE).named(names)];
    if !known.is_empty() {
        let why = "To remove those of a ModelSet that is deleted.";
        rules.push(definitions_rule(why, &["delete"]).named(known));
    }
    if in_cluster.groups.iter().any(|group| group.resources.is_empty()) {
        let why = "Definitions of groups whose kinds are not known. That is much to give: name their resources.";
        let verbs = [DEFINE, &["delete"]].concat();
        rules.push(definitions_rule(why, &verbs));
    }
    rules
}
