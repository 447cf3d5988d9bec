//! The owner of an object whose model says of which class it is: option `owner_class_name` (XOS 4.0.4,
//! `ServiceInstance.set_owner`). Where it is left out, it is the only object of that class in the namespace.

use std::sync::Arc;

use xos_xproto::{Link, Model};

use super::Refusal;
use crate::index::Index;
use crate::object::Object;
use crate::query::Query;
use crate::reference::Reference;

/// The most names that a message lists.
const MOST: usize = 5;

/// Returns the owner to set on an object that has none, if there is one that it can only be.
pub(super) fn to_set(index: &Index, model: &Model, object: &Object) -> Option<(String, Reference)> {
    let (link, class) = model.filled_owner()?;
    if given(object, link).is_some() {
        return None;
    }
    let [only] = &candidates(index, class, object)[..] else { return None };
    let kind = (*only.model != *link.peer).then(|| only.model.to_string());
    Some((link.name.clone(), Reference { kind, ..Reference::to(&only.meta.name) }))
}

/// Returns why the owner is none that the object can have: none or several that it could be, or one of another class.
pub(super) fn refusal(index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
    let (link, class) = model.filled_owner()?;
    match given(object, link) {
        Some(reference) => of_another_class(index, (link, class), object, &reference),
        None => missing(index, (link, class), object),
    }
}

fn given(object: &Object, link: &Link) -> Option<Reference> {
    serde_json::from_value(object.fields.get(&link.name)?.clone()).ok()
}

fn candidates(index: &Index, class: &str, object: &Object) -> Vec<Arc<Object>> {
    index.query(&Query::of(class, Some(&object.meta.namespace))).unwrap_or_default()
}

fn missing(index: &Index, (link, class): (&Link, &str), object: &Object) -> Option<Refusal> {
    let place = format!("spec.{}", link.camel_name());
    let found = candidates(index, class, object);
    let (reason, message) = match found.as_slice() {
        [_] => return None,
        [] if index.models().get(class).is_none() => {
            ("NoOwner", format!("{place} is not given, and {class} is none of this synchronizer's models: give it"))
        }
        [] => {
            let namespace = &object.meta.namespace;
            (
                "NoOwner",
                format!("{place} is not given, and namespace {namespace} has no {class}: create one, or give it"),
            )
        }
        several => {
            let names: Vec<_> = several.iter().take(MOST).map(|one| one.meta.name.as_str()).collect();
            let more = if several.len() > MOST { " …" } else { "" };
            ("AmbiguousOwner", format!("{place} is not given, and can be {}{more}: give it", names.join(", ")))
        }
    };
    Some(Refusal { reason, message, because_of: [].into(), because_of_classes: [class.to_owned()].into() })
}

fn of_another_class(
    index: &Index,
    (link, class): (&Link, &str),
    object: &Object,
    reference: &Reference,
) -> Option<Refusal> {
    index.models().get(class)?;
    let is_of_class = |kind: &str| index.models().get(kind).is_some_and(|kind| kind.is_a(class));
    let meant = index.at(&link.peer, &object.meta.namespace, reference);
    let kind = match (&reference.kind, meant.as_slice()) {
        (Some(kind), _) => kind.as_str(),
        (None, [only]) => &*only.model,
        // It does not exist yet, or its name is that of several, which is refused as such.
        _ => return None,
    };
    // A kind that is no model is refused as such.
    if is_of_class(kind) || index.models().get(kind).is_none() {
        return None;
    }
    let message =
        format!("spec.{}: {} is a {kind}, and has to be a {class} to be the owner", link.camel_name(), reference.name,);
    let because_of = meant.iter().map(|one| one.key()).collect();
    Some(Refusal { reason: "WrongOwner", message, because_of, because_of_classes: [].into() })
}
