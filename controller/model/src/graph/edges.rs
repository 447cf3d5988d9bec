//! An object's links as edges.

use std::sync::Arc;

use serde_json::Value;

use super::Address;
use super::shape::Shape;
use crate::object::{Object, ObjectKey};
use crate::reference::Reference;

/// One peer of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The link's number in its shape.
    pub(super) link: usize,
    /// Where it leads.
    pub(super) address: Address,
    /// The peer's own model, if the reference names it.
    pub(super) kind: Option<Arc<str>>,
}

impl Edge {
    /// Returns whether the address means this object, as one of `class`.
    pub(super) fn means(&self, class: &Arc<str>, key: &ObjectKey) -> bool {
        let address = &self.address;
        (&address.class, &address.namespace, &address.name) == (class, &key.namespace, &key.name)
            && self.kind.as_ref().is_none_or(|kind| *kind == key.model)
    }
}

/// Returns the edges of an object. Values that are not references are ignored: the API server accepts none.
pub(super) fn of(shape: &Shape, object: &Object) -> Vec<Edge> {
    let mut edges = vec![];
    for (link, name, peer) in shape.links() {
        let references = match object.fields.get(name) {
            Some(Value::Array(all)) => all.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let references = references.iter().filter_map(|value| serde_json::from_value::<Reference>(value.clone()).ok());
        edges.extend(references.map(|reference| edge(link, peer, &reference, &object.meta.namespace)));
    }
    edges
}

fn edge(link: usize, peer: &Arc<str>, reference: &Reference, namespace: &str) -> Edge {
    Edge {
        link,
        address: Address {
            class: Arc::clone(peer),
            namespace: Arc::from(reference.namespace.as_deref().unwrap_or(namespace)),
            name: Arc::from(reference.name.as_str()),
        },
        kind: reference.kind.as_deref().map(Arc::from),
    }
}
