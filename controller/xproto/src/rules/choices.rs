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
    let fits = |value: &Literal| match (value, field.ty) {
        (Literal::Null, _) | (Literal::Str(_), ScalarType::String) => true,
        (Literal::Int(value), ScalarType::Int32) => i32::try_from(*value).is_ok(),
        (Literal::Int(value), ScalarType::Uint32) => u32::try_from(*value).is_ok(),
        // An option that does not apply.
        (_, ty) => ty != ScalarType::String && !ty.is_integer(),
    };
    let wrong: Vec<_> = choices.iter().filter(|choice| !fits(&choice.value)).collect();
    let Some(first) = wrong.first() else {
        return;
    };
    let is_number = |choice: &&Choice| matches!(&choice.value, Literal::Str(text) if text.parse::<i64>().is_ok());
    let label = &first.label;
    let instead = if field.ty == ScalarType::String {
        wrong
            .iter()
            .all(|one| matches!(one.value, Literal::Int(_)))
            .then(|| format!("write the values in quotes: `('{}', '{label}')`", shown(&first.value)))
    } else {
        wrong
            .iter()
            .all(is_number)
            .then(|| format!("write the numbers without quotes: `({}, '{label}')`", shown(&first.value)))
    };
    let values = wrong.iter().map(|choice| shown(&choice.value).into_owned()).collect();
    let expected = if field.ty == ScalarType::String { "a string" } else { "a whole number of its type" };
    let mismatch = ChoiceError::ChoiceMismatch { field: field.name.clone(), values, expected, instead };
    sink.push(Diagnostic::new(mismatch, span));
}

/// Checks `X415`: no value is there twice.
fn duplicates(field: &Field, choices: &[Choice], span: Span, sink: &mut Sink) {
    let mut seen = HashSet::new();
    let twice = choices.iter().map(|choice| shown(&choice.value)).filter(|value| !seen.insert(value.clone()));
    let values: Vec<_> = twice.map(Cow::into_owned).collect();
    if !values.is_empty() {
        sink.push(Diagnostic::new(ChoiceError::DuplicateChoice { field: field.name.clone(), values }, span));
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
    let long = choices.iter().filter_map(|choice| match &choice.value {
        Literal::Str(text) if text.chars().count() > max as usize => Some(text.clone()),
        _ => None,
    });
    let values: Vec<_> = long.collect();
    if !values.is_empty() {
        sink.push(Diagnostic::new(ChoiceError::ChoiceTooLong { field: field.name.clone(), values, max }, span));
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
