//! Rules on one field by itself.

use std::ops::RangeInclusive;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, OptionError};
use crate::model::{Field, FieldState, Literal, ScalarType};
use crate::resolve::invalid;
use crate::tree;

/// The numbers that a field can have (XOS 4.0.4, xosgenx: each level of inheritance adds 100).
pub(crate) const NUMBERS: RangeInclusive<u32> = 1..=99;

/// Options that are true or false (XOS 4.0.4, xosgenx, `BOOLEAN_OPTIONS`).
const BOOLEANS: [&str; 9] = [
    "auto_now_add",
    "blank",
    "bookkeeping_state",
    "db_index",
    "feedback_state",
    "gui_hidden",
    "null",
    "text",
    "tosca_key",
];

/// Checks a field.
pub(crate) fn check(field: &Field, written: &tree::Field, sink: &mut Sink) {
    booleans(field, sink);
    modifier_wins(field, sink);
    false_state(field, sink);
    conflicting_states(field, sink);
    name_in_status(field, sink);
    applicable(field, sink);
    bounded(field, written, sink);
    range(field, sink);
    default_length(field, sink);
    default_range(field, sink);
    default_null(field, sink);
}

/// `X302`: the number of a field is between 1 and 99; 0 stands for another one.
pub(crate) fn number(written: &tree::Field, sink: &mut Sink) -> u32 {
    let number = written.number.text.parse().ok();
    // What is no number has been reported already.
    let is_number = !written.number.text.contains(|c: char| c.is_alphabetic() || c == '_');
    if is_number && !number.is_some_and(|number| NUMBERS.contains(&number)) {
        let (name, number) = (written.name.text.clone(), written.number.text.chars().take(40).collect());
        sink.push(Diagnostic::new(FieldError::NumberOutOfRange { name, number }, written.number.span));
    }
    number.unwrap_or(0)
}

/// `X404`: boolean options are true or false.
fn booleans(field: &Field, sink: &mut Sink) {
    for option in &field.options {
        if BOOLEANS.contains(&option.name.as_str()) && option.as_bool().is_none() {
            invalid(option, "`True` or `False`", None, sink);
        }
    }
}

/// `X402`: the modifier says what `blank` and `null` are.
fn modifier_wins(field: &Field, sink: &mut Sink) {
    let modifier = if field.required { "required" } else { "optional" };
    for (name, implied) in [("blank", field.blank), ("null", field.null)] {
        let Some(option) = field.option(name) else {
            continue;
        };
        if option.as_bool().is_some_and(|written| written != implied) {
            let wins = OptionError::ModifierWins { name: name.to_owned(), value: option.value.clone(), modifier };
            sink.push(Diagnostic::new(wins, option.span));
        }
    }
}

/// `X403`: a state that is not the field's needs no option.
fn false_state(field: &Field, sink: &mut Sink) {
    for name in ["feedback_state", "bookkeeping_state"] {
        let Some(option) = field.option(name).filter(|option| option.as_bool() == Some(false)) else {
            continue;
        };
        sink.push(Diagnostic::new(OptionError::FalseState { name: name.to_owned() }, option.span));
    }
}

/// `X409`: a field has one state.
fn conflicting_states(field: &Field, sink: &mut Sink) {
    if field.flag("feedback_state") && field.flag("bookkeeping_state") {
        sink.push(Diagnostic::new(OptionError::ConflictingStates { field: field.name.clone() }, field.span));
    }
}

/// `X309`: what a custom resource's status holds beside the model's fields keeps its name.
fn name_in_status(field: &Field, sink: &mut Sink) {
    const TAKEN: [&str; 4] = ["conditions", "history", "observedGeneration", "properties"];
    if field.state != FieldState::Declarative && TAKEN.contains(&field.camel_name().as_str()) {
        let taken = "the status of every custom resource has it already";
        sink.push(Diagnostic::new(FieldError::NameTaken { name: field.name.clone(), taken }, field.span));
    }
}

/// `X410`: limits and content types stand on fields that have them.
fn applicable(field: &Field, sink: &mut Sink) {
    let text = matches!(field.ty, ScalarType::String | ScalarType::Bytes);
    let applies = |option: &str| match option {
        "max_length" | "content_type" | "text" => text,
        "min_value" | "max_value" => field.ty.is_number(),
        _ => true,
    };
    for option in field.options.iter().filter(|option| !applies(&option.name)) {
        let misplaced =
            OptionError::DoesNotApply { name: option.name.clone(), field: field.name.clone(), ty: field.ty.keyword() };
        sink.push(Diagnostic::new(misplaced, option.span));
    }
}

/// `X308`: a string says how long it can be (XOS 4.0.4, xosgenx's validator).
fn bounded(field: &Field, written: &tree::Field, sink: &mut Sink) {
    const BOUNDS: [&str; 3] = ["max_length", "content_type", "text"];
    if field.ty == ScalarType::String && !BOUNDS.iter().any(|bound| field.option(bound).is_some()) {
        sink.push(Diagnostic::new(FieldError::UnboundedString { name: field.name.clone() }, written.name.span));
    }
}

/// `X411`: some value is within the limits.
fn range(field: &Field, sink: &mut Sink) {
    let empty = field.min_value.zip(field.max_value).is_some_and(|(min, max)| min > max);
    if let Some(option) = field.option("min_value").filter(|_| empty) {
        sink.push(Diagnostic::new(OptionError::EmptyRange { field: field.name.clone() }, option.span));
    }
}

/// `X406`: the default is not too long.
fn default_length(field: &Field, sink: &mut Sink) {
    let (Some(Literal::Str(text)), Some(max)) = (&field.default, field.max_length) else {
        return;
    };
    let length = text.chars().count();
    let Some(option) = field.option("default").filter(|_| length > max as usize) else {
        return;
    };
    let long = OptionError::DefaultTooLong { field: field.name.clone(), length, max };
    sink.push(Diagnostic::new(long, option.value_span));
}

/// `X407`: the default is within the limits.
fn default_range(field: &Field, sink: &mut Sink) {
    #[expect(clippy::cast_precision_loss, reason = "limits of that size are none")]
    let outside = match field.default {
        Some(Literal::Int(value)) => {
            field.min_value.is_some_and(|min| value < min) || field.max_value.is_some_and(|max| value > max)
        }
        Some(Literal::Float(value)) => {
            field.min_value.is_some_and(|min| value < min as f64)
                || field.max_value.is_some_and(|max| value > max as f64)
        }
        _ => false,
    };
    let Some(option) = field.option("default").filter(|_| outside) else {
        return;
    };
    let out = OptionError::DefaultOutOfRange { field: field.name.clone(), value: option.value.clone() };
    sink.push(Diagnostic::new(out, option.value_span));
}

/// `X408`: a required field cannot fall back to nothing.
fn default_null(field: &Field, sink: &mut Sink) {
    let null = field.required && field.default == Some(Literal::Null);
    if let Some(option) = field.option("default").filter(|_| null) {
        let null = OptionError::NullDefaultOnRequired { field: field.name.clone() };
        sink.push(Diagnostic::new(null, option.value_span));
    }
}
