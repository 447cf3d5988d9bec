//! Uniqueness: `unique`, `unique_with`, and the natural key of `tosca_key`s. Within a namespace, among all that inherit
//! from the model that declares the field; a field without a value is never equal to another.

use std::sync::Arc;

use serde_json::Value;
use xos_xproto::Model;

use super::{Refusal, is_settled};
use crate::index::{Index, value};
use crate::object::Object;
use crate::query::{Criterion, Query};

/// The sets of fields that are unique together.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// The model that declares it.
    class: String,
    fields: Vec<String>,
}

impl Keys {
    pub(super) fn of(model: &Model) -> Self {
        let fields =
            model.fields.iter().map(|f| (&f.name, f.declared_in.as_str(), f.unique, &f.unique_with, f.tosca_key));
        let links =
            model.links.iter().map(|l| (&l.name, l.declared_in.as_str(), l.unique, &l.unique_with, l.tosca_key));
        let members: Vec<_> = fields.chain(links).collect();
        let mut keys = vec![];
        for (name, class, unique, with, _) in &members {
            if *unique {
                keys.push(Key { class: (*class).to_owned(), fields: vec![(*name).clone()] });
            }
            if !with.is_empty() {
                keys.push(Key {
                    class: (*class).to_owned(),
                    fields: std::iter::once(*name).chain(with.iter()).cloned().collect(),
                });
            }
        }
        let natural: Vec<_> = members.iter().filter(|member| member.4).collect();
        if let Some(first) = natural.first() {
            let fields = natural.iter().map(|member| member.0.clone()).collect();
            keys.push(Key { class: first.1.to_owned(), fields });
        }
        keys.dedup();
        Self(keys)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn queries(&self, model: &Model, object: &Object) -> Vec<Query> {
        self.0.iter().filter_map(|key| key.query(model, object)).collect()
    }

    pub(super) fn refusal(&self, index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
        self.0.iter().find_map(|key| {
            let same = index.query(&key.query(model, object)?).ok()?;
            let other = same.into_iter().find(|other| other.key() != object.key() && goes_first(other, object))?;
            Some(key.refused(model, object, &other))
        })
    }
}

impl Key {
    /// Returns the query for objects with the same values; `None` if the object lacks one of them.
    fn query(&self, model: &Model, object: &Object) -> Option<Query> {
        let mut query = Query { with_deleted: true, ..Query::of(&self.class, Some(&object.meta.namespace)) };
        for field in &self.fields {
            let value = value(model, object, field);
            if value.is_null() {
                return None;
            }
            query = query.and(Criterion::equal(field, value));
        }
        Some(query)
    }

    fn refused(&self, model: &Model, object: &Object, other: &Arc<Object>) -> Refusal {
        let said = |field: &String| match value(model, object, field) {
            Value::Object(link) => format!("{field} {}", link.get("name").unwrap_or(&Value::Null)),
            value => format!("{field} {value}"),
        };
        let values: Vec<_> = self.fields.iter().map(said).collect();
        let going = if other.meta.deleting.is_some() { ", which is being deleted" } else { "" };
        let message = format!("{} {} has {} already{going}", other.model, other.meta.name, values.join(", "));
        Refusal { reason: "NotUnique", message, because_of: [other.key()].into(), because_of_classes: [].into() }
    }
}

/// Returns whether the other object keeps the name: the one that is in use already, or else the older one.
fn goes_first(other: &Object, object: &Object) -> bool {
    match (is_settled(object), is_settled(other)) {
        (false, true) => true,
        (true, false) => false,
        _ => (other.meta.created, &other.meta.uid) < (object.meta.created, &object.meta.uid),
    }
}
