//! What a message asks to be written to an object.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use xos_grpc::wire::{Value, read};
use xos_grpc::{Field, FieldKind, Message};
use xos_model::Object;
use xos_model::client::WRITTEN;
use xos_xproto::{ContentType, FieldState, Member, Model, ModelSet, Section};

use super::{Core, led_to, reply};
use crate::error::ApiError;

/// The fields of an object that a message sets.
#[derive(Debug, Default)]
pub(super) struct Edit {
    /// The id of the object; 0 for a new one.
    pub(super) id: i32,
    /// The members with their values, as objects have them; null for none.
    pub(super) given: Vec<Given>,
}

/// A member that a message sets.
#[derive(Debug)]
pub(super) struct Given {
    /// The name of the member.
    pub(super) name: String,
    /// The name of the message's field.
    pub(super) field: String,
    pub(super) state: FieldState,
    pub(super) section: Section,
    pub(super) value: Json,
    /// Whether it says what everybody sees of an object for which nobody has set the field.
    pub(super) is_default: bool,
    /// Whether it is a list that is named, and not given.
    pub(super) is_emptied: bool,
}

impl Given {
    /// Returns whether a request may write it at all. Of the bookkeeping there is some that synchronizers write.
    pub(super) fn is_writable(&self, by_synchronizer: bool) -> bool {
        let is_own = self.state != FieldState::Bookkeeping || self.section == Section::Spec;
        is_own || (by_synchronizer && WRITTEN.contains(&self.name.as_str()))
    }
}

impl Edit {
    /// Reads a message. Fields that the API makes itself are passed over.
    pub(super) fn read(
        core: &Core,
        models: &ModelSet,
        (model, message): (&Model, &Message),
        bytes: &[u8],
    ) -> Result<Self, ApiError> {
        let mut edit = Self::default();
        for (field, value) in read(message, bytes)? {
            if let ("id", Value::Int(id)) = (field.name.as_str(), &value) {
                edit.id = i32::try_from(*id).unwrap_or_default();
            }
            let name = member_name(field);
            let is_own = matches!(field.kind, FieldKind::Reverse { .. } | FieldKind::Derived)
                || ["id", "created", "updated", "deleted", "leaf_model_name"].contains(&name);
            let Some(member) = model.member(name).filter(|_| !is_own) else { continue };
            let is_default = reply::default(model, name, &field.kind).as_ref() == Some(&value);
            let given = Given {
                name: name.to_owned(),
                field: field.name.clone(),
                state: member.state(),
                section: member.section(),
                value: json_of(core, models, field, member, value)?,
                is_default,
                is_emptied: false,
            };
            edit.given.push(given);
        }
        Ok(edit)
    }

    /// Adds the lists that are to be emptied: they are named, and not given.
    pub(super) fn empty(&mut self, model: &Model, message: &Message, names: &[String]) -> Result<(), ApiError> {
        for name in names {
            let field = message.fields.iter().find(|field| field.name == *name || member_name(field) == name);
            let Some(field) = field else {
                return Err(ApiError::field(name, format!("update_fields: {} has no such field", model.name)));
            };
            let is_given = self.given.iter().any(|given| given.field == field.name);
            if let (FieldKind::ToMany { .. }, false, Some(member)) =
                (&field.kind, is_given, model.member(member_name(field)))
            {
                self.given.push(Given {
                    name: member.name().to_owned(),
                    field: field.name.clone(),
                    state: member.state(),
                    section: member.section(),
                    value: json!([]),
                    is_default: false,
                    is_emptied: true,
                });
            }
        }
        Ok(())
    }

    /// Keeps the links of an object that a client cannot see, because what they lead to has no id yet, or is not
    /// there: a list that leaves them out does not remove them. A link to one is removed only by a request that `names`
    /// it.
    pub(super) fn keep_unseen(&mut self, core: &Core, models: &ModelSet, object: &Object, names: Option<&[String]>) {
        let Some(model) = models.get(&object.model) else { return };
        for given in &mut self.given {
            let Some(Member::Link(link)) = model.member(&given.name) else { continue };
            let is_unseen = |one: &Json| {
                let found = led_to(core.store.as_ref(), models, object, &link.peer, one);
                found.first().is_none_or(|peer| peer.status.id.is_none())
            };
            match (object.fields.get(&given.name), &mut given.value) {
                (Some(Json::Array(there)), Json::Array(all)) if !given.is_emptied => {
                    all.extend(there.iter().filter(|one| is_unseen(one)).cloned());
                }
                (Some(there), value @ Json::Null) if is_unseen(there) => {
                    let is_named = |name: &String| [&given.name, &given.field].contains(&name);
                    if !names.is_some_and(|names| names.iter().any(is_named)) {
                        *value = there.clone();
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns what it changes of an object; null for what is unset. That the deletion of one was handled is told by
    /// the same times as what was before.
    pub(super) fn changes<'e>(&'e self, object: &'e Object) -> impl Iterator<Item = &'e Given> {
        let is_deleting = object.meta.deleting.is_some();
        self.given.iter().filter(move |given| match object.fields.get(&given.name) {
            Some(_) if is_deleting && ["enacted", "policed"].contains(&given.name.as_str()) => true,
            None => !given.value.is_null() && !given.is_default && given.value != json!([]),
            Some(there) => !is_same(there, &given.value),
        })
    }
}

/// Returns whether two values are the same: numbers by their value, and times.
fn is_same(one: &Json, other: &Json) -> bool {
    let time = |value: &Json| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    one == other
        || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
        || time(one).zip(time(other)).is_some_and(|(one, other)| one.as_microsecond() == other.as_microsecond())
}

/// Returns the name of the member that a field of a message is about.
pub(super) fn member_name(field: &Field) -> &str {
    let suffix = match field.kind {
        FieldKind::ToOne { .. } => "_id",
        FieldKind::ToMany { .. } | FieldKind::Reverse { .. } => "_ids",
        _ => "",
    };
    field.name.strip_suffix(suffix).unwrap_or(&field.name)
}

/// Returns a value as objects have it.
fn json_of(core: &Core, models: &ModelSet, field: &Field, member: &Member, value: Value) -> Result<Json, ApiError> {
    Ok(match (&field.kind, value) {
        // No object: the link is taken away.
        (FieldKind::ToOne { .. }, Value::Int(0)) => Json::Null,
        (FieldKind::ToOne { peer, .. }, Value::Int(id)) => core.reference(models, field, peer, id)?,
        (FieldKind::ToMany { peer }, Value::Ids(ids)) => {
            let links = ids.into_iter().map(|id| core.reference(models, field, peer, id.into()));
            Json::Array(links.collect::<Result<_, _>>()?)
        }
        (FieldKind::Date, Value::Float(seconds)) => date(field, seconds)?,
        (_, Value::Text(text)) => match member {
            Member::Field(of) if of.content_type == Some(ContentType::Stripped) => json!(text.trim()),
            // An address that is empty is none.
            Member::Field(of) if of.content_type == Some(ContentType::Ip) && text.is_empty() => Json::Null,
            _ => json!(text),
        },
        (_, Value::Int(value)) => json!(value),
        (_, Value::Float(value)) => json!(value),
        (_, Value::Bool(value)) => json!(value),
        (_, Value::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        (_, Value::Ids(_)) => Json::Null,
    })
}

/// Returns a time as objects have it.
#[expect(clippy::cast_possible_truncation, reason = "what is out of range is refused")]
fn date(field: &Field, seconds: f64) -> Result<Json, ApiError> {
    let time = Timestamp::from_microsecond((seconds * 1e6).round() as i64);
    Ok(json!(time.map_err(|error| ApiError::field(&field.name, error.to_string()))?.to_string()))
}
