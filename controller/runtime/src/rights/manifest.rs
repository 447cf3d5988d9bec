//! Rights as manifests for `kubectl apply`.

use std::fmt::{self, Write as _};

use super::{Rights, Rule};

/// The ServiceAccount that gets rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// Returns the ServiceAccount, the roles, and the bindings of these to it. The name of all roles begins with `name`.
///
/// `namespaces` are those whose objects are looked after; none given: all. If `namespaced`, nothing is for the whole
/// cluster.
pub(crate) fn manifest(
    name: &str,
    rights: &Rights,
    account: &Account,
    namespaces: &[String],
    namespaced: bool,
) -> String {
    let mut documents = vec![format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {}\n  namespace: {}\n",
        account.name, account.namespace
    )];
    let mut grant = |name: &str, namespace: Option<&str>, rules: &[Rule]| {
        if !rules.is_empty() {
            documents.push(role(name, namespace, rules));
            documents.push(binding(name, namespace, account));
        }
    };
    if !namespaced {
        grant(&format!("{name}-definitions"), None, &rights.cluster);
    }
    // What a document names is needed wherever the objects are: it is left out with the rest of the cluster only.
    if !namespaced {
        grant(&format!("{name}-foreign"), None, &rights.foreign_cluster);
    }
    for (namespace, rules) in &rights.foreign {
        grant(&format!("{name}-foreign"), Some(namespace), rules);
    }
    let mut at_home = rights.home.clone();
    if namespaces.is_empty() {
        grant(name, None, &rights.objects);
    }
    for namespace in namespaces {
        let mut rules = rights.objects.clone();
        if *namespace == account.namespace {
            let is_new = |rule: &Rule| !rules.iter().any(|known| known.is_same(rule));
            let new: Vec<_> = at_home.drain(..).filter(is_new).collect();
            rules.extend(new);
        }
        grant(name, Some(namespace), &rules);
    }
    // Where it runs it may look after nothing.
    let home = if namespaces.is_empty() { name.to_owned() } else { format!("{name}-home") };
    grant(&home, Some(&account.namespace), &at_home);
    let of_documents = rights.documents_in.as_ref().unwrap_or(&account.namespace);
    grant(&format!("{name}-documents"), Some(of_documents), &rights.documents);
    documents.join("---\n")
}

fn role(name: &str, namespace: Option<&str>, rules: &[Rule]) -> String {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let mut text = head(kind, name, namespace);
    text.push_str("rules:\n");
    for rule in rules {
        // Writing into a String does not fail.
        let _written = write!(text, "{rule}");
    }
    text
}

fn binding(name: &str, namespace: Option<&str>, account: &Account) -> String {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let head = head(&format!("{kind}Binding"), name, namespace);
    format!(
        "{head}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {kind}
  name: {name}
subjects:
  - kind: ServiceAccount
    name: {}
    namespace: {}
",
        account.name, account.namespace
    )
}

fn head(kind: &str, name: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{namespace}")
}

impl fmt::Display for Rule {
    /// Writes the rule as an item of `rules`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.why.is_empty() {
            writeln!(f, "  # {}", self.why)?;
        }
        // That of Kubernetes' oldest kinds has no name.
        let group = if self.group.is_empty() { "\"\"" } else { &self.group };
        writeln!(f, "  - apiGroups: [{group}]")?;
        // Without quotes it would be a reference.
        let resources =
            self.resources.iter().map(|one| if one.contains('*') { format!("\"{one}\"") } else { one.clone() });
        writeln!(f, "    resources: [{}]", resources.collect::<Vec<_>>().join(", "))?;
        if !self.names.is_empty() {
            writeln!(f, "    resourceNames: [{}]", self.names.join(", "))?;
        }
        writeln!(f, "    verbs: [{}]", self.verbs.join(", "))
    }
}
