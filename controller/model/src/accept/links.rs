//! Links to a base: the kind in a link has to inherit from the base, and a name without a kind has to mean one object.

use serde_json::Value;
use xos_xproto::{Link, Model, ModelSet};

use super::Refusal;
use crate::index::Index;
use crate::object::Object;
use crate::reference::Reference;

/// Returns whether any link leads to a model that others inherit from.
pub(super) fn lead_to_bases(models: &ModelSet, model: &Model) -> bool {
    model.links.iter().any(|link| models.of_class(&link.peer).any(|kind| kind.name != link.peer))
}

pub(super) fn refusal(index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
    model.links.iter().find_map(|link| {
        let value = object.fields.get(&link.name)?;
        let references = match value {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut references = references.iter().filter_map(|one| serde_json::from_value(one.clone()).ok());
        references.find_map(|reference: Reference| {
            wrong_kind(index, link, &reference).or_else(|| ambiguous(index, link, &reference, object))
        })
    })
}

fn wrong_kind(index: &Index, link: &Link, reference: &Reference) -> Option<Refusal> {
    let kind = reference.kind.as_deref()?;
    let models = index.models();
    let known = models.get(kind);
    if known.is_some_and(|model| model.is_a(&link.peer) && model.has_objects()) {
        return None;
    }
    // Of a class that is only referred to, this synchronizer knows no kind.
    if models.get(&link.peer).is_some_and(|peer| peer.is_referred) {
        return None;
    }
    let what = match known {
        Some(_) => format!("{kind} is not a {}", link.peer),
        None => format!("there is no kind {kind}"),
    };
    let possible: Vec<_> = models.of_class(&link.peer).map(|model| model.name.as_str()).collect();
    let message = format!("spec.{}.kind: {what}; it can be {}", link.camel_name(), possible.join(", "));
    Some(Refusal { reason: "NoSuchKind", message, because_of: [].into(), because_of_classes: [].into() })
}

fn ambiguous(index: &Index, link: &Link, reference: &Reference, object: &Object) -> Option<Refusal> {
    let meant = index.at(&link.peer, &object.meta.namespace, reference);
    if meant.len() < 2 {
        return None;
    }
    let kinds: Vec<_> = meant.iter().map(|one| one.model.to_string()).collect();
    let message = format!(
        "spec.{}: {} is the name of several objects: add `kind` ({})",
        link.camel_name(),
        reference.name,
        kinds.join(" or ")
    );
    let because_of = meant.iter().map(|one| one.key()).collect();
    Some(Refusal { reason: "AmbiguousLink", message, because_of, because_of_classes: [].into() })
}
