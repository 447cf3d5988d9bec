//! Rights on what documents read and make of Kubernetes' own objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use xos_steps::{Access, Use, Whereabouts};

use super::{OBJECTS, Rights, Rule};

/// What is done with objects that are only read.
const READ: &[&str] = &["get", "list", "watch"];

/// Uses of kinds of one group, with the same access in the same place.
struct Uses {
    group: String,
    resources: Vec<String>,
    names: Vec<String>,
    access: Access,
    at: Whereabouts,
}

/// Returns uses without what others cover, those of a group together.
fn together(uses: &[Use]) -> Vec<Uses> {
    type Key<'u> = (&'u Whereabouts, &'u str, Access, Option<&'u String>);
    let is_covered = |one: &Use| {
        let covers = |other: &Use| {
            let is_same =
                other.kind.group == one.kind.group && other.kind.plural == one.kind.plural && other.at == one.at;
            let is_more = other.access >= one.access && (other.name.is_none() || other.name == one.name);
            is_same && is_more && (other.access, &other.name) != (one.access, &one.name)
        };
        uses.iter().any(covers)
    };
    let mut all: BTreeMap<Key<'_>, BTreeSet<&String>> = BTreeMap::new();
    for one in uses.iter().filter(|one| !is_covered(one)) {
        let key = (&one.at, one.kind.group.as_str(), one.access, one.name.as_ref());
        all.entry(key).or_default().insert(&one.kind.plural);
    }
    let of = |((at, group, access, name), resources): (Key<'_>, BTreeSet<&String>)| Uses {
        group: group.to_owned(),
        resources: resources.into_iter().cloned().collect(),
        names: name.into_iter().cloned().collect(),
        access,
        at: at.clone(),
    };
    all.into_iter().map(of).collect()
}

impl Rights {
    /// Returns the same with those on what steps read and make of Kubernetes' own objects.
    pub(crate) fn with(mut self, uses: &[Use]) -> Self {
        for one in together(uses) {
            let (why, verbs) = match one.access {
                Access::Read => ("For what documents read.", READ),
                Access::Apply => ("For what documents apply.", OBJECTS),
            };
            let rule =
                Rule { why, group: one.group, resources: one.resources, names: one.names, verbs: verbs.to_vec() };
            match one.at {
                Whereabouts::Looked => self.objects.push(rule),
                Whereabouts::Home => self.home.push(rule),
                Whereabouts::Cluster => self.foreign_cluster.push(rule),
                Whereabouts::Namespace(namespace) => self.foreign.entry(namespace).or_default().push(rule),
            }
        }
        self
    }
}

/// Returns the uses as the value `uses` of the chart.
pub(crate) fn values(uses: &[Use]) -> Vec<Value> {
    let of = |one: Uses| {
        let access = if one.access == Access::Read { "read" } else { "apply" };
        let mut value = json!({"access": access, "group": one.group, "resources": one.resources});
        if !one.names.is_empty() {
            value["names"] = json!(one.names);
        }
        match one.at {
            Whereabouts::Looked => {}
            Whereabouts::Home => value["at"] = json!("home"),
            Whereabouts::Cluster => value["at"] = json!("cluster"),
            Whereabouts::Namespace(namespace) => value["namespace"] = json!(namespace),
        }
        value
    };
    together(uses).into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use xos_steps::ForeignKind;

    use super::*;

    fn of(text: &str, at: Whereabouts, access: Access, name: Option<&str>) -> Use {
        let (group, plural) = text.split_once('/').unwrap();
        let kind = ForeignKind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: plural.to_uppercase(),
            plural: plural.to_owned(),
            is_namespaced: at != Whereabouts::Cluster,
        };
        Use { kind, at, access, name: name.map(str::to_owned) }
    }

    #[test]
    fn what_is_covered_by_more_is_not_said_twice() {
        use Access::{Apply, Read};
        use Whereabouts::{Cluster, Home, Looked, Namespace};
        let uses = [
            of("apps/deployments", Looked, Apply, None),
            of("apps/deployments", Looked, Read, Some("web")),
            of("apps/daemonsets", Looked, Apply, None),
            of("apps/deployments", Looked, Apply, None),
            of("/secrets", Home, Read, Some("a")),
            of("/nodes", Cluster, Read, None),
            of("/configmaps", Namespace("kube-system".to_owned()), Read, Some("x")),
        ];
        let expected = json!([
            {"access": "apply", "group": "apps", "resources": ["daemonsets", "deployments"]},
            {"access": "read", "group": "", "resources": ["secrets"], "names": ["a"], "at": "home"},
            {"access": "read", "group": "", "resources": ["configmaps"], "names": ["x"], "namespace": "kube-system"},
            {"access": "read", "group": "", "resources": ["nodes"], "at": "cluster"},
        ]);
        assert_eq!(json!(values(&uses)), expected);
    }
}
