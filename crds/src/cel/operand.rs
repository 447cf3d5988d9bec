//! The values in a rule.

use xos_xproto::{ContentType, Field, Link, Literal, Model, ScalarType, Section};

use super::text;
use super::translate::Left;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Int,
    Double,
    Bool,
    /// A timestamp in CEL.
    Date,
    Bytes,
    /// A reference to another object.
    Link,
    /// A list of references.
    Links,
    /// `None`.
    Null,
}

/// A value as CEL text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operand {
    pub(super) kind: Kind,
    /// The expression; with `present` it may only be used where that holds.
    pub(super) text: String,
    /// The condition that there is a value; `None` if there always is one.
    pub(super) present: Option<String>,
    /// The most characters of a text.
    pub(super) longest: Option<u32>,
}

impl Operand {
    pub(super) fn literal(kind: Kind, text: String, longest: Option<u32>) -> Self {
        Self { kind, text, present: None, longest }
    }

    /// Makes the operand of a declarative field of `self` or `oldSelf`.
    pub(super) fn field(field: &Field, object: &str) -> Result<Self, Left> {
        if field.section() == Section::Status {
            return Err(Left::Status { field: field.name.clone() });
        }
        let kind = kind(field);
        let path = format!("{object}.{}", text::property(&field.camel_name()));
        let has = format!("has({path})");
        // The framework's own switches are absent where they have their default.
        let default = field.default.as_ref().filter(|_| field.is_common()).and_then(literal);
        let (text, present) = match default {
            Some(default) => (format!("({has} ? {path} : {default})"), None),
            None if is_always_there(field) => (path, None),
            None => (path, Some(has)),
        };
        Ok(Self { kind, text, present, longest: field.max_length.filter(|_| kind == Kind::String) })
    }

    /// Makes the operand of a declarative link of `self` or `oldSelf`.
    pub(super) fn link(model: &Model, link: &Link, object: &str) -> Result<Self, Left> {
        if link.section() == Section::Status {
            return Err(Left::Status { field: link.name.clone() });
        }
        let text = format!("{object}.{}", text::property(&link.camel_name()));
        let present = (!model.must_have(link)).then(|| format!("has({text})"));
        let kind = if link.is_to_many() { Kind::Links } else { Kind::Link };
        Ok(Self { kind, text, present, longest: None })
    }

    /// Returns the condition, and that there is a value.
    pub(super) fn guard(&self, condition: &str) -> String {
        match &self.present {
            Some(present) => format!("{present} && {condition}"),
            None => condition.to_owned(),
        }
    }

    /// Returns the condition that there is no value.
    pub(super) fn is_absent(&self) -> String {
        match (&self.present, self.kind) {
            (_, Kind::Null) => "true".to_owned(),
            (Some(present), _) => format!("!{present}"),
            (None, _) => "false".to_owned(),
        }
    }

    /// Returns the condition that the value holds: it is true, not empty, not zero and not null.
    pub(super) fn holds(&self) -> String {
        let text = &self.text;
        match self.kind {
            Kind::Null => "false".to_owned(),
            Kind::Bool => self.guard(text),
            Kind::String => self.guard(&format!("{text} != \"\"")),
            Kind::Int => self.guard(&format!("{text} != 0")),
            Kind::Double => self.guard(&format!("{text} != 0.0")),
            Kind::Bytes | Kind::Links => self.guard(&format!("size({text}) > 0")),
            Kind::Date | Kind::Link => self.present.clone().unwrap_or_else(|| "true".to_owned()),
        }
    }
}

/// Returns whether the API server ensures that there is a value: by a default, or because the field is required.
fn is_always_there(field: &Field) -> bool {
    // It may come from a Secret, which the API server does not look into.
    if field.secret {
        return false;
    }
    let has_default = field.default.as_ref().is_some_and(|default| literal(default).is_some());
    has_default || field.required && matches!(field.default, None | Some(Literal::Null))
}

fn kind(field: &Field) -> Kind {
    match (field.ty, field.content_type) {
        (ScalarType::String, Some(ContentType::Date)) => Kind::Date,
        (ScalarType::String, _) => Kind::String,
        (ScalarType::Bool, _) => Kind::Bool,
        (ScalarType::Int32 | ScalarType::Uint32, _) => Kind::Int,
        (ScalarType::Float | ScalarType::Double, _) => Kind::Double,
        (ScalarType::Bytes, _) => Kind::Bytes,
    }
}

/// Returns a default that is a constant, as CEL text.
fn literal(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Bool(value) => Some(value.to_string()),
        Literal::Int(value) => Some(value.to_string()),
        Literal::Float(value) => Some(text::double(*value)),
        Literal::Str(value) => Some(text::string(value)),
        Literal::Null | Literal::Now | Literal::Callable(_) => None,
    }
}

/// Makes the operand of the field or link of that name.
pub(super) fn member(model: &Model, name: &str, object: &str) -> Option<Result<Operand, Left>> {
    let field = model.field(name).map(|field| Operand::field(field, object));
    field.or_else(|| model.link(name).map(|link| Operand::link(model, link, object)))
}
