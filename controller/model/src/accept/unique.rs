//! Uniqueness: `unique`, `unique_with`, and the natural key of `tosca_key`s. Within a namespace, among all that inherit
//! from the model that declares the field; a field without a value is never equal to another.
//!
//! One order decides between objects of one key: by how far they have been handled with it, then by creation time, then
//! by uid. It is the same for all who know their statuses.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use xos_xproto::Model;

use super::{NOT_UNIQUE, Refusal, Rivalry, is_lost};
use crate::index::{Index, value};
use crate::intent::{Pass, is_handled};
use crate::object::Object;
use crate::query::{Criterion, Query};
use crate::status::PassState;

/// The sets of fields that are unique together.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
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

    /// Returns the other objects that have a key of this one, with the key; an object may be there twice.
    pub(super) fn rivals(&self, index: &Index, model: &Model, object: &Object) -> Vec<(&Key, Arc<Object>)> {
        let of_key = |key: &'_ Key| index.query(&key.query(model, object)?).ok();
        let all =
            self.0.iter().flat_map(|key| of_key(key).unwrap_or_default().into_iter().map(move |same| (key, same)));
        all.filter(|(_, other)| other.meta.uid != object.meta.uid || other.key() != object.key()).collect()
    }

    /// Returns whether two objects of a namespace have a key in common.
    pub(super) fn are_shared(
        &self,
        (model, object): (&Model, &Object),
        (other_model, other): (&Model, &Object),
    ) -> bool {
        let is_same = |key: &Key| {
            let Some(query) = key.query(model, object) else { return false };
            let namespace = &other.meta.namespace;
            let accepts = |one: &Criterion| one.accepts(&value(other_model, other, one.field()), namespace);
            other_model.ancestry.contains(&key.class) && query.criteria.iter().all(accepts)
        };
        object.meta.namespace == other.meta.namespace && self.0.iter().any(is_same)
    }

    pub(super) fn rivalry(
        &self,
        index: &Index,
        model: &Model,
        object: &Object,
        has_begun: &dyn Fn(&Object) -> bool,
    ) -> Rivalry {
        let rivals = self.rivals(index, model, object);
        if rivals.is_empty() {
            return Rivalry::default();
        }
        let first = rivals.iter().min_by(|(_, one), (_, other)| place(one, has_begun).cmp(&place(other, has_begun)));
        let own = place(object, has_begun);
        if let Some((key, other)) = first.filter(|(_, other)| place(other, has_begun) < own) {
            let lost = Some((key.refused(model, object, other), Arc::clone(other)));
            return Rivalry { lost, losers: vec![] };
        }
        Rivalry { lost: None, losers: rivals.into_iter().map(|(_, other)| other).collect() }
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
            _ if model.is_secret(field) => format!("this {field}"),
            Value::Object(link) => format!("{field} {}", link.get("name").unwrap_or(&Value::Null)),
            value => format!("{field} {value}"),
        };
        let values: Vec<_> = self.fields.iter().map(said).collect();
        let remedy = match other.meta.deleting {
            Some(_) => ", and is being deleted; wait until it is gone",
            None => "; change or delete one of them",
        };
        let message = format!("{} {} has {} already{remedy}", other.model, other.meta.name, values.join(", "));
        Refusal { reason: NOT_UNIQUE, message, because_of: [other.key()].into(), because_of_classes: [].into() }
    }
}

/// The place of an object in the order of those with its key: the first one keeps it.
fn place<'a>(object: &'a Object, has_begun: &dyn Fn(&Object) -> bool) -> (Hold, Option<Timestamp>, &'a str) {
    let hold = Hold::of(object);
    let hold = if hold != Hold::InUse && has_begun(object) { Hold::InUse } else { hold };
    (hold, object.meta.created, &object.meta.uid)
}

/// How firmly an object has its key, by its status; the firmest is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// A synchronizer has tried it as it is now.
    InUse,
    /// A synchronizer has tried it as it was before, maybe with another key.
    Tried,
    /// None has, or it has lost the key.
    None,
}

impl Hold {
    /// Returns how firmly an object has its key.
    pub fn of(object: &Object) -> Self {
        if is_lost(object) {
            return Self::None;
        }
        let own = &object.status.synchronizers;
        let mut passes = own.iter().flat_map(|own| [(&own.sync, Pass::Sync), (&own.policy, Pass::Policy)]);
        if passes.clone().any(|(state, pass)| is_tried_as_it_is(object, state, pass)) {
            return Self::InUse;
        }
        if passes.any(|(state, _)| !state.is_untried()) { Self::Tried } else { Self::None }
    }
}

/// Returns whether a pass was tried with the present intent of an object.
pub fn is_tried_as_it_is(object: &Object, state: &PassState, pass: Pass) -> bool {
    state.attempted.as_ref().is_some_and(|then| is_handled(then, &object.intent, &object.quiet_saves, pass))
}
