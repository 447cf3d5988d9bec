//! What a message says of an object.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::Value as Json;
use xos_grpc::wire::{Value, put};
use xos_grpc::{Field, FieldKind, Message};
use xos_model::Object;
use xos_model::client::{CLIENTS, is_policy_held, updated};
use xos_model::names::sync_finalizer;
use xos_steps::Store;
use xos_xproto::{Literal, Member, Model, ModelSet, ScalarType};

use super::{led_to, links};

/// Makes messages of the objects of a class.
pub(super) struct Replies<'a> {
    store: &'a dyn Store,
    models: &'a ModelSet,
    /// Each field, and where its value comes from.
    fields: Vec<(&'a Field, Source<'a>)>,
}

/// Where the value of a field comes from.
enum Source<'a> {
    Id,
    Created,
    Updated,
    Deleted,
    LeafModel,
    /// Always the same.
    Constant(Value),
    Member(&'a str, Option<Value>),
    ToOne(&'a str, &'a str),
    ToMany(&'a str, &'a str),
    Reverse(&'a str),
    /// It is shown to nobody.
    Hidden,
}

impl<'a> Replies<'a> {
    pub(super) fn of(store: &'a dyn Store, models: &'a ModelSet, model: &'a Model, message: &'a Message) -> Self {
        let fields = message.fields.iter().map(|field| (field, Source::of(model, message, field))).collect();
        Self { store, models, fields }
    }

    /// Returns the message of an object.
    pub(super) fn one(&self, object: &Object) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        for (field, source) in &self.fields {
            match source {
                Source::Constant(value) => put(field, value, &mut out),
                source => {
                    if let Some(value) = self.value(source, field, object) {
                        put(field, &value, &mut out);
                    }
                }
            }
        }
        out
    }

    fn value(&self, source: &Source<'_>, field: &Field, object: &Object) -> Option<Value> {
        match source {
            Source::Id => object.status.id.map(|id| Value::Int(id.into())),
            Source::Created => object.meta.created.map(seconds),
            Source::Updated => updated(object).map(seconds),
            Source::Deleted => Some(Value::Bool(object.meta.deleting.is_some())),
            Source::LeafModel => Some(Value::Text(object.meta.model.to_string())),
            // As the original does: what is to be deleted has still to be handled.
            Source::Member("enacted" | "policed", _) if is_leaving(object) => None,
            Source::Member(name, default) => {
                object.fields.get(name).and_then(|value| of_json(&field.kind, value)).or_else(|| default.clone())
            }
            Source::ToOne(port, peer) => {
                let id = self.ids(object, object.fields.get(port)?, peer).first().copied()?;
                Some(Value::Int(id.into()))
            }
            Source::ToMany(port, peer) => Some(Value::Ids(self.ids(object, object.fields.get(port)?, peer))),
            Source::Reverse(port) => {
                let back = self.store.linked_back(&object.key(), port).unwrap_or_default();
                let live = back.iter().filter(|one| one.meta.deleting.is_none());
                let mut ids: Vec<_> = live.filter_map(|one| one.status.id).collect();
                ids.sort_unstable();
                (!ids.is_empty()).then_some(Value::Ids(ids))
            }
            Source::Constant(value) => Some(value.clone()),
            Source::Hidden => None,
        }
    }

    /// Returns the ids of the objects that a link leads to; those that are being deleted only of a link to one.
    fn ids(&self, object: &Object, link: &Json, peer: &str) -> Vec<i32> {
        let is_list = link.is_array();
        let mut ids = vec![];
        for link in links(link) {
            let found = led_to(self.store, self.models, object, peer, link);
            let live = found.iter().filter(|one| !is_list || one.meta.deleting.is_none());
            ids.extend(live.filter_map(|one| one.status.id).take(1));
        }
        ids
    }
}

impl<'a> Source<'a> {
    fn of(model: &'a Model, message: &'a Message, field: &'a Field) -> Self {
        match (&field.kind, field.name.as_str()) {
            (FieldKind::Derived, "class_names") => Self::Constant(Value::Text(model.ancestry.join(","))),
            (FieldKind::Derived, _) => Self::Constant(Value::Text(message.content_type.clone())),
            (FieldKind::ToOne { peer, .. }, name) => Self::ToOne(name.strip_suffix("_id").unwrap_or(name), peer),
            (FieldKind::ToMany { peer }, name) => Self::ToMany(name.strip_suffix("_ids").unwrap_or(name), peer),
            (FieldKind::Reverse { .. }, name) => Self::Reverse(name.strip_suffix("_ids").unwrap_or(name)),
            (_, "id") => Self::Id,
            (_, "created") => Self::Created,
            (_, "updated") => Self::Updated,
            (_, "deleted") => Self::Deleted,
            (_, "leaf_model_name") => Self::LeafModel,
            (_, name) if model.is_secret(name) => Self::Hidden,
            (kind, name) => Self::Member(name, default(model, name, kind)),
        }
    }
}

/// Returns the value that a field has as long as nobody has set one.
pub(super) fn default(model: &Model, name: &str, kind: &FieldKind) -> Option<Value> {
    let Some(Member::Field(field)) = model.member(name) else { return None };
    let constant = match field.default.as_ref()? {
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Float(value) => Value::Float(*value),
        Literal::Str(text) => Value::Text(text.clone()),
        Literal::Null | Literal::Now | Literal::Callable(_) => return None,
    };
    matches!(kind, FieldKind::Scalar(_)).then_some(constant)
}

/// Returns whether an object waits until clients have handled its deletion.
fn is_leaving(object: &Object) -> bool {
    object.meta.deleting.is_some() && (is_policy_held(object) || object.has_finalizer(&sync_finalizer(CLIENTS)))
}

/// Returns a time as messages have it.
#[expect(clippy::cast_precision_loss, reason = "times of this millennium have no more digits in microseconds")]
fn seconds(time: Timestamp) -> Value {
    Value::Float(time.as_microsecond() as f64 / 1e6)
}

/// Returns the value of a field as messages have it; none if it is null, or does not fit.
pub(super) fn of_json(kind: &FieldKind, value: &Json) -> Option<Value> {
    match kind {
        FieldKind::Date => value.as_str()?.parse().ok().map(seconds),
        FieldKind::Scalar(ScalarType::Int32 | ScalarType::Uint32) => value.as_i64().map(Value::Int),
        FieldKind::Scalar(ScalarType::Float | ScalarType::Double) => value.as_f64().map(Value::Float),
        FieldKind::Scalar(ScalarType::Bool) => value.as_bool().map(Value::Bool),
        FieldKind::Scalar(ScalarType::String) => value.as_str().map(|text| Value::Text(text.to_owned())),
        FieldKind::Scalar(ScalarType::Bytes) => BASE64_STANDARD.decode(value.as_str()?).ok().map(Value::Bytes),
        FieldKind::ToOne { .. } | FieldKind::ToMany { .. } | FieldKind::Reverse { .. } | FieldKind::Derived => None,
    }
}
