//! Pass 3: the fields that a message declares itself.

use std::str::FromStr;

use super::defaults;
use super::names::Declaration;
use super::options::first_of_each;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, OptionError, nearest};
use crate::model::{ContentType, Field, FieldState, RawOption, ScalarType};
use crate::{rules, tree};

/// The fields of a message that could be read, each checked by itself and against those before it.
pub(crate) fn own(declaration: &Declaration, sink: &mut Sink) -> Vec<Field> {
    let model = &declaration.message.name.text;
    let mut fields = Vec::new();
    for written in &declaration.message.fields {
        rules::words::field_name(&written.name, sink);
        let Some(field) = field(written, model, sink) else {
            continue;
        };
        rules::fields::check(&field, written, sink);
        fields.push(field);
    }
    rules::siblings::check(model, fields, sink)
}

fn field(written: &tree::Field, model: &str, sink: &mut Sink) -> Option<Field> {
    let ty = scalar_type(written, sink)?;
    let options = first_of_each(&written.options, sink);
    let option = |name: &str| options.iter().find(|option| option.name == name);
    let content_type = content_type(option("content_type"), sink);
    let default = option("default");
    Some(Field {
        name: written.name.text.clone(),
        ty,
        required: written.required,
        blank: !written.required,
        null: !written.required && ty != ScalarType::Bool,
        number: rules::fields::number(written, sink),
        declared_in: model.to_owned(),
        state: state(&options),
        default: default.and_then(|option| defaults::read(option, &written.name.text, ty, content_type, sink)),
        max_length: number(option("max_length"), "a whole number that is not negative", sink),
        min_value: number(option("min_value"), "a whole number", sink),
        max_value: number(option("max_value"), "a whole number", sink),
        content_type,
        help_text: help_text(&options, written.doc.as_ref()),
        options,
        span: written.name.span,
    })
}

fn scalar_type(written: &tree::Field, sink: &mut Sink) -> Option<ScalarType> {
    let keyword = &written.ty.text;
    let ty = ScalarType::from_keyword(keyword);
    if ty.is_none() {
        let suggestion = like_type(keyword);
        let unknown = FieldError::UnknownType { name: written.name.text.clone(), ty: keyword.clone(), suggestion };
        sink.push(Diagnostic::new(unknown, written.ty.span));
    }
    ty
}

/// The type that stands for one of protobuf's, or whose name is like the one given.
fn like_type(keyword: &str) -> Option<String> {
    match keyword {
        "int64" | "sint32" | "sint64" | "sfixed32" | "sfixed64" | "int" => Some("int32".to_owned()),
        "uint64" | "fixed32" | "fixed64" => Some("uint32".to_owned()),
        "str" | "text" => Some("string".to_owned()),
        _ => nearest(keyword, ScalarType::ALL.iter().map(|(keyword, _)| *keyword)),
    }
}

fn state(options: &[RawOption]) -> FieldState {
    let is = |name: &str| options.iter().any(|option| option.name == name && option.as_bool() == Some(true));
    if is("bookkeeping_state") {
        FieldState::Bookkeeping
    } else if is("feedback_state") {
        FieldState::Feedback
    } else {
        FieldState::Declarative
    }
}

fn content_type(option: Option<&RawOption>, sink: &mut Sink) -> Option<ContentType> {
    let option = option?;
    let content_type = ContentType::from_name(&option.value);
    if content_type.is_none() {
        let suggestion = nearest(&option.value, ContentType::ALL.iter().map(|(name, _)| *name));
        invalid(option, "`stripped`, `date`, `url` or `ip`", suggestion, sink);
    }
    content_type
}

fn number<N: FromStr>(option: Option<&RawOption>, expected: &'static str, sink: &mut Sink) -> Option<N> {
    let option = option?;
    let number = option.value.parse().ok();
    if number.is_none() {
        invalid(option, expected, None, sink);
    }
    number
}

/// Reports an option whose value it cannot have.
pub(crate) fn invalid(option: &RawOption, expected: &'static str, suggestion: Option<String>, sink: &mut Sink) {
    let (name, value) = (option.name.clone(), option.value.clone());
    let invalid = OptionError::InvalidValue { name, value, expected, suggestion };
    sink.push(Diagnostic::new(invalid, option.value_span));
}

fn help_text(options: &[RawOption], comment: Option<&String>) -> Option<String> {
    let option = |name: &str| options.iter().find(|option| option.name == name);
    let text = option("help_text").or_else(|| option("description"));
    text.map(|option| &option.value).or(comment).filter(|text| !text.is_empty()).cloned()
}
