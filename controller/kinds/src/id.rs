//! Which object is meant.

use std::fmt;

use kube::api::ApiResource;
use xos_documents::kinds::Kind;
use xos_model::names::DOMAIN;

/// The version of all these kinds.
const VERSION: &str = "v1";

/// One of the five kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The models of a service.
    ModelSet,
    /// A step or policy.
    Document(Kind),
}

impl ObjectKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::ModelSet,
        Self::Document(Kind::SyncStep),
        Self::Document(Kind::ModelPolicy),
        Self::Document(Kind::PullStep),
        Self::Document(Kind::EventStep),
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelSet => "ModelSet",
            Self::Document(kind) => kind.name(),
        }
    }

    /// Returns its plural, as in `kubectl get`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::ModelSet => "modelsets",
            Self::Document(Kind::SyncStep) => "syncsteps",
            Self::Document(Kind::ModelPolicy) => "modelpolicies",
            Self::Document(Kind::PullStep) => "pullsteps",
            Self::Document(Kind::EventStep) => "eventsteps",
        }
    }

    /// Returns the name of its definition.
    pub fn definition(self) -> String {
        format!("{}.{DOMAIN}", self.plural())
    }

    /// Returns what a client needs to address its objects.
    pub fn resource(self) -> ApiResource {
        ApiResource {
            group: DOMAIN.to_owned(),
            version: VERSION.to_owned(),
            api_version: format!("{DOMAIN}/{VERSION}"),
            kind: self.name().to_owned(),
            plural: self.plural().to_owned(),
        }
    }
}

/// An object in the namespace of documents: its kind and name. It is shown as `SyncStep person`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The kind.
    pub kind: ObjectKind,
    /// The name.
    pub name: String,
}

impl Id {
    /// Returns the id of a set of models.
    pub fn model_set(name: &str) -> Self {
        Self { kind: ObjectKind::ModelSet, name: name.to_owned() }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}
