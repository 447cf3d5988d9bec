//! Rules on option `choices`.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{ChoiceError, Diagnostic};
use crate::model::{Choice, Field, Literal, ScalarType};
use crate::nearest::nearest;
use crate::source::Span;

/// Checks the choices of a field.
pub(crate) fn check(field: &Field, sink: &mut Sink) {
    let (Some(choices), Some(option)) = (&field.choices, field.option("choices")) else {
        return;
    };
    let span = option.value_span;
    types(field, choices, span, sink);
    duplicates(field, choices, span, sink);
    null(field, choices, span, sink);
    length(field, choices, span, sink);
    default(field, choices, sink);
}

/// Checks `X414`: each value is of the field's type.
fn types(field: &Field, choices: &[Choice], span: Span, sink: &mut Sink) {
    for choice in choices {
        let expected = match (&choice.value, field.ty) {
            (Literal::Null, _) | (Literal::Str(_), ScalarType::String) => continue,
            (Literal::Int(value), ScalarType::Int32) if i32::try_from(*value).is_ok() => continue,
            (Literal::Int(value), ScalarType::Uint32) if u32::try_from(*value).is_ok() => continue,
            (_, ScalarType::String) => "a string",
            (_, ScalarType::Int32 | ScalarType::Uint32) => "a whole number of its type",
            // An option that does not apply.
            _ => continue,
        };
        let mismatch = ChoiceError::ChoiceMismatch {
            field: field.name.clone(),
            value: shown(&choice.value).into_owned(),
            expected,
        };
        sink.push(Diagnostic::new(mismatch, span));
    }
}

/// Checks `X415`: no value is there twice.
fn duplicates(field: &Field, choices: &[Choice], span: Span, sink: &mut Sink) {
    let mut seen = HashSet::new();
    for value in choices.iter().map(|choice| shown(&choice.value)) {
        if !seen.insert(value.clone()) {
            let twice = ChoiceError::DuplicateChoice { field: field.name.clone(), value: value.into_owned() };
            sink.push(Diagnostic::new(twice, span));
        }
    }
}

/// Checks `X417`: a required field has a value.
fn null(field: &Field, choices: &[Choice], span: Span, sink: &mut Sink) {
    if field.required && choices.iter().any(|choice| choice.value == Literal::Null) {
        sink.push(Diagnostic::new(ChoiceError::NullChoice { field: field.name.clone() }, span));
    }
}

/// Checks `X418`: no value is too long.
fn length(field: &Field, choices: &[Choice], span: Span, sink: &mut Sink) {
    let Some(max) = field.max_length else {
        return;
    };
    for choice in choices {
        let Literal::Str(text) = &choice.value else {
            continue;
        };
        if text.chars().count() > max as usize {
            let long = ChoiceError::ChoiceTooLong { field: field.name.clone(), value: text.clone(), max };
            sink.push(Diagnostic::new(long, span));
        }
    }
}

/// Checks `X416`: the default is one of the choices.
fn default(field: &Field, choices: &[Choice], sink: &mut Sink) {
    let (Some(default @ (Literal::Str(_) | Literal::Int(_))), Some(option)) = (&field.default, field.option("default"))
    else {
        return;
    };
    if choices.iter().any(|choice| choice.value == *default) {
        return;
    }
    let value = shown(default).into_owned();
    let values: Vec<_> = choices.iter().map(|choice| shown(&choice.value)).collect();
    let suggestion = nearest(&value, values.iter().map(AsRef::as_ref));
    let none = ChoiceError::DefaultNoChoice { field: field.name.clone(), value, suggestion };
    sink.push(Diagnostic::new(none, option.value_span));
}

/// Returns a value as it is written.
fn shown(value: &Literal) -> Cow<'_, str> {
    match value {
        Literal::Str(text) => text.into(),
        Literal::Int(number) => number.to_string().into(),
        Literal::Bool(true) => "True".into(),
        Literal::Bool(false) => "False".into(),
        _ => "None".into(),
    }
}
