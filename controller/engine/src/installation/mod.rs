//! Which synchronizers are installed in the cluster: each says so in an object of the kind `Synchronizer`, with one write
//! at its start and one at its end.
//!
//! The object is the parameter of the synchronizer's admission policy: without it no finalizer is set. It also tells
//! other synchronizers, `xos why` and `xos uninstall` whose finalizers are whose. It is no sign of life: a process that
//! was killed leaves it as it is.

mod abandoned;
mod api;
mod definition;
mod ensure;

use jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use xos_model::names::{DOMAIN, SYNCHRONIZER_LABEL};

use crate::registry::Registry;

pub use abandoned::{Abandoned, Holder, abandoned, foreign_finalizers, why_held};
pub use api::{InstallationError, announce, ended, list, uninstall, watch};
pub use definition::{DEFINITION, definition};
pub use ensure::ensure;

/// The kind of the objects.
pub const KIND: &str = "Synchronizer";
/// Its plural.
pub const PLURAL: &str = "synchronizers";
/// Its API version.
pub(crate) const VERSION: &str = "v1";

/// One synchronizer, in all namespaces or in some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Installation {
    /// What it does.
    pub spec: InstallationSpec,
    /// When it was started and stopped. Nothing of an object that somebody else made.
    pub run: Option<Run>,
}

/// `spec` of a `Synchronizer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSpec {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The namespaces that it looks after; none given: all.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// The kinds that it has steps or policies for, or whose deletion cascades to them.
    #[serde(default)]
    pub kinds: Vec<HandledKind>,
}

/// A kind that a synchronizer looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandledKind {
    /// The group.
    pub group: String,
    /// The plural.
    pub resource: String,
    /// The kind.
    pub kind: String,
    /// The finalizers that it sets on objects of the kind.
    #[serde(default)]
    pub finalizers: Vec<String>,
    /// Whether the admission policy is to set them at creation.
    #[serde(default)]
    pub finalizers_at_creation: bool,
    /// Whether it has neither a step nor policies for the kind: it only holds the objects for what cascades to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_links: bool,
}

/// `status` of a `Synchronizer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// When it was last started.
    pub started_at: Timestamp,
    /// The process: the host's name and the process id.
    pub instance: String,
    /// When that process ended, if it ended in good order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_at: Option<Timestamp>,
}

impl Installation {
    /// Returns the installation of a registry's synchronizer in these namespaces (none given: in all). `at_creation` says
    /// whether the admission policy is to set finalizers.
    pub fn of(registry: &Registry, namespaces: &[String], at_creation: bool, run: Run) -> Self {
        let handled = registry.entries().filter(|entry| {
            entry.step.is_some() || !entry.policies.is_empty() || entry.finalizers.all().next().is_some()
        });
        let kinds = handled.map(|entry| {
            let finalizers: Vec<_> = entry.finalizers.all().cloned().collect();
            HandledKind {
                group: entry.resource.group.clone(),
                resource: entry.resource.plural.clone(),
                kind: entry.resource.kind.clone(),
                finalizers_at_creation: at_creation && !finalizers.is_empty(),
                only_links: entry.step.is_none() && entry.policies.is_empty(),
                finalizers,
            }
        });
        let mut namespaces = namespaces.to_vec();
        namespaces.sort();
        namespaces.dedup();
        let spec = InstallationSpec { synchronizer: registry.synchronizer.clone(), namespaces, kinds: kinds.collect() };
        Self { spec, run: Some(run) }
    }

    /// Returns the same without finalizers at creation.
    #[must_use]
    pub fn without_finalizers_at_creation(mut self) -> Self {
        for kind in &mut self.spec.kinds {
            kind.finalizers_at_creation = false;
        }
        self
    }

    /// Whether the admission policy sets finalizers for it.
    pub fn sets_finalizers_at_creation(&self) -> bool {
        self.spec.kinds.iter().any(|kind| kind.finalizers_at_creation)
    }

    /// Returns the name of the object: that of the synchronizer, and for some namespaces a hash of these. Processes of one
    /// name may look after different namespaces.
    pub fn object_name(&self) -> String {
        let name = object_name(&self.spec.synchronizer);
        if self.spec.namespaces.is_empty() {
            return name;
        }
        format!("{name}-in-{}", hash(&self.spec.namespaces.join(",")))
    }

    /// Whether it looks after a namespace.
    pub fn covers(&self, namespace: &str) -> bool {
        self.spec.namespaces.is_empty() || self.spec.namespaces.iter().any(|one| one == namespace)
    }

    /// Whether it looks after a kind.
    pub fn handles(&self, resource: &ApiResource) -> bool {
        self.spec.kinds.iter().any(|kind| kind.group == resource.group && kind.resource == resource.plural)
    }

    /// Whether it has a step or policies for a kind.
    pub fn works_on(&self, resource: &ApiResource) -> bool {
        let mut kinds = self.spec.kinds.iter().filter(|kind| !kind.only_links);
        kinds.any(|kind| kind.group == resource.group && kind.resource == resource.plural)
    }

    /// Whether both look after a namespace.
    fn overlaps(&self, other: &Self) -> bool {
        let mine = &self.spec.namespaces;
        mine.is_empty() || other.spec.namespaces.is_empty() || mine.iter().any(|one| other.covers(one))
    }

    /// Returns the kinds on whose objects both set finalizers, in the same namespaces.
    pub fn shared_kinds<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a HandledKind> {
        let held = |kind: &&HandledKind| !kind.finalizers.is_empty();
        let same = move |kind: &&HandledKind| {
            let mut others = other.spec.kinds.iter().filter(held);
            others.any(|one| (&one.group, &one.resource) == (&kind.group, &kind.resource))
        };
        self.spec.kinds.iter().filter(held).filter(same).filter(move |_| self.overlaps(other))
    }

    /// Returns the object to apply.
    pub fn object(&self) -> DynamicObject {
        let labels = [(SYNCHRONIZER_LABEL.to_owned(), self.spec.synchronizer.clone())];
        let mut object = DynamicObject::new(&self.object_name(), &resource());
        object.metadata = ObjectMeta { labels: Some(labels.into()), ..object.metadata };
        object.data = json!({"spec": self.spec, "status": self.run});
        object
    }

    /// Reads an object; nothing if it has no name of a synchronizer.
    pub fn read(object: &DynamicObject) -> Option<Self> {
        let spec = serde_json::from_value(object.data.get("spec")?.clone()).ok()?;
        let run = object.data.get("status").and_then(|status| serde_json::from_value(status.clone()).ok());
        Some(Self { spec, run })
    }
}

/// Returns the resource of the kind.
pub fn resource() -> ApiResource {
    ApiResource {
        group: DOMAIN.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{DOMAIN}/{VERSION}"),
        kind: KIND.to_owned(),
        plural: PLURAL.to_owned(),
    }
}

/// Returns the name of what a synchronizer applies for itself. Names of objects have no capitals: a hash tells such names
/// from the same in lower case.
pub fn object_name(synchronizer: &str) -> String {
    let lower = synchronizer.to_lowercase();
    if lower == synchronizer { lower } else { format!("{lower}-{}", hash(synchronizer)) }
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// All installations that are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Installations(pub Vec<Installation>);

impl Installations {
    /// Returns those of the same synchronizer whose place another one takes: its namespaces were widened, narrowed or
    /// changed in part. One for other namespaces is another process's.
    pub fn replaced_by<'a>(&'a self, own: &'a Installation) -> impl Iterator<Item = &'a Installation> {
        let same = |other: &&Installation| other.spec.synchronizer == own.spec.synchronizer;
        let is_own = |other: &&Installation| other.spec.namespaces == own.spec.namespaces;
        self.0.iter().filter(same).filter(move |other| !is_own(other) && own.overlaps(other))
    }

    /// Returns those of the same synchronizer for other namespaces only.
    pub fn beside_in_name<'a>(&'a self, own: &'a Installation) -> impl Iterator<Item = &'a Installation> {
        self.of(&own.spec.synchronizer).filter(move |other| !own.overlaps(other))
    }

    /// Returns those of other names that set finalizers on the same kinds in the same namespaces, with these kinds.
    pub fn beside<'a>(
        &'a self,
        own: &'a Installation,
    ) -> impl Iterator<Item = (&'a Installation, Vec<&'a HandledKind>)> {
        let others = self.0.iter().filter(|other| other.spec.synchronizer != own.spec.synchronizer);
        others.map(|other| (other, own.shared_kinds(other).collect::<Vec<_>>())).filter(|(_, kinds)| !kinds.is_empty())
    }

    /// Returns those of a synchronizer.
    pub fn of<'a>(&'a self, synchronizer: &'a str) -> impl Iterator<Item = &'a Installation> {
        self.0.iter().filter(move |one| one.spec.synchronizer == synchronizer)
    }
}

#[cfg(test)]
mod tests;
