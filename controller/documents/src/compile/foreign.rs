//! Kinds of Kubernetes' own objects.

use xos_steps::{Access, ForeignKind, Use, Whereabouts};
use xos_yaml::{Expected, Node, Value};

use super::Compiler;
use crate::kinds::Scope;
use crate::problem::Problem;

/// Kubernetes' own kinds whose objects are in no namespace, by group.
const CLUSTER: [(&str, &[&str]); 8] = [
    ("", &["Namespace", "Node", "PersistentVolume"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("storage.k8s.io", &["StorageClass", "CSIDriver", "CSINode", "VolumeAttachment"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("networking.k8s.io", &["IngressClass"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("apiregistration.k8s.io", &["APIService"]),
];

impl Compiler<'_> {
    /// Reads which kind a map is about: `apiVersion` and `kind`. Returns nothing if something is wrong with it.
    pub(super) fn foreign_kind(
        &mut self,
        node: &Node,
        key: &str,
        (plural, scope): (Option<&String>, Option<Scope>),
    ) -> Option<ForeignKind> {
        let [version, kind] = ["apiVersion", "kind"].map(|member| self.constant(node, key, member));
        let (version, kind) = (version?, kind?);
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version.as_str()));
        let is_in_none = CLUSTER.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind.as_str()));
        Some(ForeignKind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.cloned().unwrap_or_else(|| plural_of(&kind)),
            is_namespaced: scope.map_or(!is_in_none, |scope| scope == Scope::Namespaced),
            kind,
        })
    }

    /// Reads a text that cannot have an expression, and has to be there.
    pub(super) fn constant(&mut self, node: &Node, key: &str, member: &str) -> Option<String> {
        let key = if key.is_empty() { member.to_owned() } else { format!("{key}.{member}") };
        match node.at(member) {
            Some(Node { value: Value::Text(text), .. }) if !text.is_empty() && !text.contains("${") => {
                return Some(text.clone());
            }
            Some(Node { value: Value::Text(text), place }) if text.contains("${") => {
                self.report.push(Problem::NotConstant { key }, place);
            }
            Some(at) => {
                let (expected, found) = (Expected::Text, at.value.kind());
                let problem = Problem::WrongType { key: format!("`{key}`"), expected, found };
                self.report.push(problem, &at.place);
            }
            None => self.report.push(Problem::Missing { key }, &node.place),
        }
        None
    }

    /// Notes what is read or made.
    pub(super) fn note_use(&mut self, kind: &ForeignKind, access: Access, namespace: Option<&str>, name: Option<&str>) {
        let at = match namespace {
            _ if !kind.is_namespaced => Whereabouts::Cluster,
            Some(namespace) => Whereabouts::Namespace(namespace.to_owned()),
            None => Whereabouts::Looked,
        };
        self.uses.push(Use { kind: kind.clone(), at, access, name: name.map(str::to_owned) });
    }
}

/// Returns the usual plural of a kind in requests.
fn plural_of(kind: &str) -> String {
    let word = kind.to_lowercase();
    if word == "endpoints" {
        return word;
    }
    if let Some(stem) = word.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| word.ends_with(end));
    if hisses { format!("{word}es") } else { format!("{word}s") }
}

#[cfg(test)]
mod tests {
    use super::plural_of;

    #[test]
    fn plurals_are_those_of_kubernetes() {
        for (kind, plural) in [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("StorageClass", "storageclasses"),
            ("Gateway", "gateways"),
            ("Endpoints", "endpoints"),
            ("ServiceAccount", "serviceaccounts"),
        ] {
            assert_eq!(plural_of(kind), plural);
        }
    }
}
