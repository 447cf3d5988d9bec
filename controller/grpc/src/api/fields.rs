//! The fields of a message: the object's id, inherited and own members, reverse links, and the fields that every object
//! has.

use std::collections::HashSet;

use xos_xproto::model::Member;
use xos_xproto::{ContentType, Model, ModelSet, ScalarType};

use super::options::FieldOptions;
use super::reverse;

/// The distance between the numbers of a class that adds fields and those of the class before it.
pub(super) const STEP: u32 = 100;

/// The numbers of the fields that every object has.
const ID: u32 = 1;
pub(super) const CLASS_NAMES: u32 = 2046;
pub(super) const SELF_CONTENT_TYPE_ID: u32 = 2047;

/// A field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The number on the wire.
    pub number: u32,
    /// The name: that of the model's field, with `_id` or `_ids` appended for links.
    pub name: String,
    /// The kind of value.
    pub kind: FieldKind,
    /// The options.
    pub options: FieldOptions,
}

/// The kind of value in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A value of the model. It may be unset.
    Scalar(ScalarType),
    /// A time of the model, in seconds since 1970. It may be unset.
    Date,
    /// The id of the object that a link leads to; 0 if it leads nowhere. It may be unset.
    ToOne {
        /// The model of that object.
        peer: String,
        /// The peer's port, if the link names one.
        reverse: Option<String>,
    },
    /// The ids of the objects that a link leads to.
    ToMany {
        /// The model of those objects.
        peer: String,
    },
    /// The ids of the objects that lead here.
    Reverse {
        /// The model of those objects.
        peer: String,
    },
    /// A value that the core adds.
    Derived,
}

impl Field {
    /// Returns the type in the language of .proto files, without `repeated`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            FieldKind::Scalar(ty) => ty.keyword(),
            FieldKind::Date => "double",
            FieldKind::ToOne { .. } | FieldKind::ToMany { .. } | FieldKind::Reverse { .. } => "int32",
            FieldKind::Derived => "string",
        }
    }

    /// Returns whether the field is a list.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        matches!(self.kind, FieldKind::ToMany { .. } | FieldKind::Reverse { .. })
    }

    /// Returns the name of the oneof that has only this field, so that it can be unset.
    #[must_use]
    pub fn presence(&self) -> Option<String> {
        match self.kind {
            FieldKind::Scalar(_) | FieldKind::Date => Some(format!("{}_present", self.name)),
            FieldKind::ToOne { .. } => Some(format!("{}_present", self.name.strip_suffix("_id").unwrap_or(&self.name))),
            FieldKind::ToMany { .. } | FieldKind::Reverse { .. } | FieldKind::Derived => None,
        }
    }
}

/// Returns all fields of a model's message, by number.
pub(super) fn of(models: &ModelSet, model: &Model) -> Vec<Field> {
    let mut fields = vec![id()];
    fields.extend(numbered(&flat(models, model, &mut HashSet::new())));
    fields.sort_by_key(|field| field.number);
    let mut reverse = reverse::of(models, model);
    reverse.sort_by_key(|field| field.number);
    fields.extend(reverse);
    fields.extend([derived(CLASS_NAMES, "class_names"), derived(SELF_CONTENT_TYPE_ID, "self_content_type_id")]);
    fields
}

fn id() -> Field {
    let kind = FieldKind::Scalar(ScalarType::Int32);
    Field { number: ID, name: "id".to_owned(), kind, options: FieldOptions::default() }
}

fn derived(number: u32, name: &str) -> Field {
    let options = FieldOptions { bookkeeping_state: true, ..FieldOptions::default() };
    Field { number, name: name.to_owned(), kind: FieldKind::Derived, options }
}

/// Returns the members of a model, those of its bases first, depth first; without the inherited ones that `no_sync` and
/// `no_policy` remove.
fn flat<'a>(models: &'a ModelSet, model: &'a Model, seen: &mut HashSet<&'a str>) -> Vec<&'a Member> {
    let mut members = Vec::new();
    for base in model.bases.iter().filter_map(|base| models.get(base)) {
        if seen.insert(&base.name) {
            members.extend(flat(models, base, seen));
        }
    }
    members.retain(|member| !is_dropped(model, member.name()));
    members.extend(model.members().filter(|member| member.declared_in() == model.name));
    members
}

/// Returns whether a model's own `no_sync` or `no_policy` removes an inherited field. XOS only looks whether they are
/// there.
fn is_dropped(model: &Model, name: &str) -> bool {
    let option = match name {
        "backend_status" | "backend_code" => "no_sync",
        "policy_status" | "policy_code" => "no_policy",
        _ => return false,
    };
    model.option(option).is_some()
}

/// Numbers the members: [`STEP`] more with each change of the class that they come from.
fn numbered(members: &[&Member]) -> Vec<Field> {
    let mut offset = 0;
    let mut class = members.first().map(|member| member.declared_in());
    let mut fields = Vec::with_capacity(members.len());
    for member in members {
        if class != Some(member.declared_in()) {
            class = Some(member.declared_in());
            offset += STEP;
        }
        fields.push(field(member, member.number() + offset));
    }
    fields
}

fn field(member: &Member, number: u32) -> Field {
    match member {
        Member::Field(field) => {
            let is_date = field.content_type == Some(ContentType::Date);
            let kind = if is_date { FieldKind::Date } else { FieldKind::Scalar(field.ty) };
            Field { number, name: field.name.clone(), kind, options: FieldOptions::of_field(field) }
        }
        Member::Link(link) if link.is_to_many() => Field {
            number,
            name: format!("{}_ids", link.name),
            kind: FieldKind::ToMany { peer: link.peer.clone() },
            options: FieldOptions::default(),
        },
        Member::Link(link) => Field {
            number,
            name: format!("{}_id", link.name),
            kind: FieldKind::ToOne { peer: link.peer.clone(), reverse: reverse::name(link) },
            options: FieldOptions::of_link(link),
        },
    }
}
