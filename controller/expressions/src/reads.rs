//! What an evaluation has read of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use xos_model::{Object, ObjectKey, Reference, shared};
use xos_xproto::{Link, ModelSet};

/// What can be read of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// Whether there is an object of that name.
    Existence,
    /// The value of a field or link.
    Field(Arc<str>),
    /// A member of its metadata.
    Metadata(&'static str),
    /// Which objects link to it by a reverse port, but for one that is gone: that shows by its existence.
    Port(Arc<str>),
}

impl Aspect {
    /// Returns the value of what was read, if it stands in the object itself; null if it has none.
    pub fn value(&self, object: &Object) -> Option<serde_json::Value> {
        match self {
            Self::Field(name) => Some(object.fields.get(name).cloned().unwrap_or_default()),
            Self::Metadata(name) => Some(metadata(object, name)),
            Self::Existence | Self::Port(_) => None,
        }
    }
}

/// The members of metadata that expressions know.
pub(crate) const METADATA: [&str; 6] = ["name", "namespace", "uid", "generation", "creation_timestamp", "deleting"];

/// What an evaluation has read, by object. Those that it looked for and did not find are among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads(BTreeMap<ObjectKey, BTreeSet<Aspect>>);

impl Reads {
    /// Notes that something was read.
    pub(crate) fn add(&mut self, key: ObjectKey, aspect: Aspect) {
        self.0.entry(key).or_default().insert(aspect);
    }

    /// Notes that a link was followed: whether there is an object of any kind that it may mean.
    pub(crate) fn add_link(&mut self, models: &ModelSet, class: &str, namespace: &str, reference: &Reference) {
        for key in meant(models, class, namespace, reference) {
            self.add(key, Aspect::Existence);
        }
    }

    /// Returns all that was read.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Aspect)> {
        self.0.iter().flat_map(|(key, aspects)| aspects.iter().map(move |aspect| (key, aspect)))
    }

    /// Returns whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the keys of the objects that a link to a class may mean: one of each kind that it may be.
fn meant<'a>(
    models: &'a ModelSet,
    class: &'a str,
    namespace: &'a str,
    reference: &'a Reference,
) -> impl Iterator<Item = ObjectKey> + 'a {
    let namespace = shared(reference.namespace.as_deref().unwrap_or(namespace));
    let name: Arc<str> = reference.name.as_str().into();
    let kinds = models.of_class(class).filter(|model| reference.kind.as_deref().is_none_or(|kind| kind == model.name));
    kinds.map(move |model| ObjectKey {
        model: shared(&model.name),
        namespace: Arc::clone(&namespace),
        name: Arc::clone(&name),
    })
}

/// Returns what has changed when an object has become another: of the object itself, and of those to which its links lead
/// or led. None before: it is new; none after: it is gone. An object that has taken the place of another one of its name
/// is all new.
pub fn changes(models: &ModelSet, before: Option<&Object>, after: Option<&Object>) -> Vec<(ObjectKey, Aspect)> {
    let mut changes = vec![];
    let Some(object) = after.or(before) else { return changes };
    let key = object.key();
    let same = before.zip(after).filter(|(before, after)| before.meta.uid == after.meta.uid);
    let Some(model) = models.get(&object.model) else { return changes };
    let names: BTreeSet<&str> =
        [before, after].into_iter().flatten().flat_map(|one| one.fields.keys().map(|name| &**name)).collect();
    let differs = |name: &str| match (before, after) {
        (Some(before), Some(after)) => before.fields.get(name) != after.fields.get(name),
        _ => true,
    };
    let fields = names.into_iter().filter(|name| differs(name));
    changes.extend(fields.map(|name| (key.clone(), Aspect::Field(shared(name)))));
    for name in METADATA {
        let is_same = before.zip(after).is_some_and(|(before, after)| metadata(before, name) == metadata(after, name));
        if !is_same {
            changes.push((key.clone(), Aspect::Metadata(name)));
        }
    }
    if same.is_none() {
        // Links that lead to an object are found only where it is there.
        let ports = models.reverse_links(model).map(|port| Aspect::Port(shared(&port.name)));
        changes.extend(ports.map(|port| (key.clone(), port)));
        changes.push((key, Aspect::Existence));
    }
    let is_live = |object: Option<&Object>| object.is_some_and(|object| object.meta.deleting.is_none());
    let counts_alike = same.is_some() && is_live(before) == is_live(after);
    for link in &model.links {
        let Some(port) = link.reverse.port() else { continue };
        if !counts_alike || differs(&link.name) {
            let peers = [before, after].into_iter().flatten().flat_map(|one| peers(models, one, link));
            changes.extend(peers.map(|peer| (peer, Aspect::Port(shared(port)))));
        }
    }
    changes
}

fn peers(models: &ModelSet, object: &Object, link: &Link) -> Vec<ObjectKey> {
    let references = match object.fields.get(&link.name) {
        Some(serde_json::Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let references = references.iter().filter_map(|value| serde_json::from_value::<Reference>(value.clone()).ok());
    references
        .flat_map(|reference| meant(models, &link.peer, &object.meta.namespace, &reference).collect::<Vec<_>>())
        .collect()
}

/// Returns a member of an object's metadata.
pub(crate) fn metadata(object: &Object, name: &str) -> serde_json::Value {
    let meta = &object.meta;
    match name {
        "name" => meta.name.as_str().into(),
        "namespace" => meta.namespace.as_str().into(),
        "uid" => meta.uid.as_str().into(),
        "generation" => meta.generation.into(),
        "creation_timestamp" => meta.created.map(|at| at.to_string()).into(),
        "deleting" => meta.deleting.is_some().into(),
        _ => serde_json::Value::Null,
    }
}
