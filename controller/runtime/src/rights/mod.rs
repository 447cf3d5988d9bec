//! The rights that a synchronizer needs, and no more: one source for `rbac`, `new`, the example and the Helm chart.

mod foreign;
mod in_cluster;
mod manifest;

use std::collections::BTreeMap;

use xos_engine::installation::{PLURAL as SYNCHRONIZERS, object_name};
use xos_engine::leader::Place;
use xos_model::names::DOMAIN;
use xos_xproto::ModelSet;

pub(crate) use foreign::values as foreign_values;
pub(crate) use in_cluster::{Group, InCluster, of_models};
pub(crate) use manifest::{Account, manifest};

/// What a controller does with the objects of its kinds.
const OBJECTS: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];

/// Some rights on resources of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What they are for; nothing if that is plain.
    why: &'static str,
    group: String,
    resources: Vec<String>,
    /// The only objects that they are for; none given: all.
    names: Vec<String>,
    verbs: Vec<&'static str>,
}

/// The rights of a synchronizer, by the place where they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// On things of the whole cluster: definitions, `Synchronizer` objects, admission policies.
    pub(crate) cluster: Vec<Rule>,
    /// In each namespace whose objects it looks after.
    pub(crate) objects: Vec<Rule>,
    /// In the namespace that it runs in.
    pub(crate) home: Vec<Rule>,
    /// In the namespace of models and documents that are objects.
    pub(crate) documents: Vec<Rule>,
    /// That namespace, if it is not the one that it runs in.
    pub(crate) documents_in: Option<String>,
    /// On Kubernetes' own objects that are in no namespace.
    pub(crate) foreign_cluster: Vec<Rule>,
    /// On Kubernetes' own objects, in namespaces that documents name.
    pub(crate) foreign: BTreeMap<String, Vec<Rule>>,
}

/// What a synchronizer may do beside its work on objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Whether it looks after all namespaces.
    pub(crate) everywhere: bool,
    /// Whether finalizers are asked for at creation.
    pub(crate) finalizers_at_creation: bool,
    /// Whether it makes the admission policy for that itself.
    pub(crate) admission: bool,
    /// Whether its processes elect the one that works.
    pub(crate) elects: bool,
    /// Models and documents in the cluster; nothing if none are taken.
    pub(crate) in_cluster: Option<InCluster>,
    /// Whether it serves XOS's API.
    pub(crate) serves_api: bool,
}

impl Rights {
    /// Returns the rights of a synchronizer of this name with these models.
    pub(crate) fn of(synchronizer: &str, models: &ModelSet, extent: &Extent) -> Self {
        let mut objects: Vec<_> =
            kinds(models).into_iter().flat_map(|(group, kinds)| of_kinds(&group, kinds)).collect();
        let groups = extent.in_cluster.iter().flat_map(|in_cluster| &in_cluster.groups);
        objects.extend(groups.flat_map(|group| of_kinds(&group.name, group.resources())));
        objects.push(rule("", "events.k8s.io", "events", &["create", "patch"]));
        if models.concrete().any(|model| model.secret_sources().next().is_some()) {
            objects.push(rule(
                "For fields that take their values from Secrets.",
                "",
                "secrets",
                &["get", "list", "watch"],
            ));
        }
        // Each starts with a look at the Lease, wherever it looks after objects.
        let create = rule("To notice another process of the same name.", "coordination.k8s.io", "leases", &["create"]);
        let lease = format!("xos-{}", object_name(synchronizer));
        let seen = rule("", "coordination.k8s.io", "leases", &["list", "watch", "patch"]).named([lease]);
        let mut home = vec![];
        if extent.everywhere || extent.elects {
            home.push(create.clone());
        }
        if extent.everywhere {
            objects.push(Rule { why: "To notice another process of the same name.", ..seen });
        } else {
            objects.extend([create, seen]);
        }
        if extent.serves_api {
            let why = "For the ids of objects in XOS's API.";
            home.push(rule(why, "", "configmaps", &["create"]));
            home.push(rule("", "", "configmaps", &["get", "update"]).named([xos_api::ids::NAME.to_owned()]));
        }
        if extent.elects {
            let why = "To elect the process that works.";
            let verbs = &["list", "watch", "patch"];
            home.push(rule(why, "coordination.k8s.io", "leases", verbs).named([Place::name_of(synchronizer)]));
            // Everywhere it has that right already.
            let events = rule("", "events.k8s.io", "events", &["create", "patch"]);
            home.extend((!extent.everywhere).then_some(events));
        }
        let documents =
            extent.in_cluster.as_ref().map(|_| in_cluster::of_documents(extent.serves_api)).unwrap_or_default();
        let documents_in = extent.in_cluster.as_ref().and_then(|in_cluster| in_cluster.namespace.clone());
        Self {
            cluster: cluster(synchronizer, models, extent),
            objects,
            home,
            documents,
            documents_in,
            foreign_cluster: vec![],
            foreign: BTreeMap::new(),
        }
    }
}

fn cluster(synchronizer: &str, models: &ModelSet, extent: &Extent) -> Vec<Rule> {
    let policies = format!("xos-{}", object_name(synchronizer));
    let admission = "admissionregistration.k8s.io";
    // It applies them (server-side), so that `create` can be limited to names as well.
    let mut rules = in_cluster::of_definitions(models, extent);
    rules.extend([
        rule(
            "To say in the cluster that this synchronizer is installed, and to know which others are.",
            DOMAIN,
            SYNCHRONIZERS,
            OBJECTS,
        ),
        rule("To see which admission policies are there.", admission, "mutatingadmissionpolicies", &["list"])
            .and("mutatingadmissionpolicybindings"),
    ]);
    let verbs: &[&str] = match (extent.finalizers_at_creation, extent.admission) {
        (false, false) => return rules,
        (true, false) => &["get"],
        (_, true) => &["get", "create", "patch", "delete"],
    };
    let why =
        if extent.admission { "To make them. That is much to give: such a policy may change any request." } else { "" };
    rules.push(
        rule(why, admission, "mutatingadmissionpolicies", verbs)
            .and("mutatingadmissionpolicybindings")
            .named([policies]),
    );
    rules
}

fn rule(why: &'static str, group: &str, resource: &str, verbs: &[&'static str]) -> Rule {
    let (group, resources) = (group.to_owned(), vec![resource.to_owned()]);
    Rule { why, group, resources, names: vec![], verbs: verbs.to_vec() }
}

impl Rule {
    /// Returns whether it gives the same rights, whatever for.
    fn is_same(&self, other: &Self) -> bool {
        Self { why: "", ..self.clone() } == Self { why: "", ..other.clone() }
    }

    fn and(mut self, resource: &str) -> Self {
        self.resources.push(resource.to_owned());
        self
    }

    /// Returns the part of it with only these verbs.
    pub(crate) fn only(mut self, verbs: &[String]) -> Self {
        self.verbs.retain(|verb| verbs.iter().any(|one| one == verb));
        self
    }

    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    pub(crate) fn resources(&self) -> &[String] {
        &self.resources
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn verbs(&self) -> &[&'static str] {
        &self.verbs
    }

    /// Returns it as YAML on one line.
    pub(crate) fn on_one_line(&self) -> String {
        let names =
            if self.names.is_empty() { String::new() } else { format!(", resourceNames: [{}]", self.names.join(", ")) };
        format!(
            "{{apiGroups: [{}], resources: [{}]{names}, verbs: [{}]}}",
            self.group,
            self.resources.join(", "),
            self.verbs.join(", ")
        )
    }

    fn named(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }
}

fn of_kinds(group: &str, plurals: Vec<String>) -> [Rule; 2] {
    let status = plurals.iter().map(|plural| format!("{plural}/status")).collect();
    let of = |resources, verbs: &[&'static str]| Rule {
        why: "",
        group: group.to_owned(),
        resources,
        names: vec![],
        verbs: verbs.to_vec(),
    };
    [of(plurals, OBJECTS), of(status, &["update"])]
}

/// Returns the plurals of all kinds of a model set, by group.
pub(crate) fn kinds(models: &ModelSet) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for definition in xos_crds::definitions(models) {
        groups.entry(definition.spec.group).or_default().push(definition.spec.names.plural);
    }
    groups
}

#[cfg(test)]
mod tests;
