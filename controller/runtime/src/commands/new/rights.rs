//! The rights that a service needs for the kinds of its models.

use std::collections::BTreeMap;

use xos_xproto::ModelSet;

/// Returns the names of the definitions, and the rules of the Role for the objects, as YAML.
pub(crate) fn of(models: &ModelSet) -> (String, String) {
    let definitions = xos_crds::definitions(models);
    let mut names = Vec::new();
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for definition in definitions {
        names.extend(definition.metadata.name);
        groups.entry(definition.spec.group).or_default().push(definition.spec.names.plural);
    }
    let rules: Vec<_> = groups.iter().map(|(group, plurals)| rules(group, plurals)).collect();
    (names.join(", "), rules.join("\n"))
}

fn rules(group: &str, plurals: &[String]) -> String {
    let status: Vec<_> = plurals.iter().map(|plural| format!("{plural}/status")).collect();
    format!(
        "  - apiGroups: [{group}]
    resources: [{}]
    verbs: [get, list, watch, create, patch, delete]
  - apiGroups: [{group}]
    resources: [{}]
    verbs: [update]",
        plurals.join(", "),
        status.join(", "),
    )
}
