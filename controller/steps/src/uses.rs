//! Objects of Kubernetes, other than those of models, that steps read or make: rights follow from this.

/// A kind of objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignKind {
    /// The group; empty for Kubernetes' oldest kinds.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural, as in requests.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
}

impl ForeignKind {
    /// Returns `apps/v1`, or `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// What is done with objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// They are read and watched.
    Read,
    /// They are made, changed, watched and deleted.
    Apply,
}

/// Where objects are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whereabouts {
    /// In the namespaces that the synchronizer looks after.
    Looked,
    /// In the namespace that it runs in.
    Home,
    /// In this namespace.
    Namespace(String),
    /// In none.
    Cluster,
}

/// Objects that steps read or make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Use {
    /// Their kind.
    pub kind: ForeignKind,
    /// Where they are.
    pub at: Whereabouts,
    /// What is done with them.
    pub access: Access,
    /// The name, if it is only one.
    pub name: Option<String>,
}
