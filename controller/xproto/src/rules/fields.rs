//! Rules on a single field.

use std::ops::RangeInclusive;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, OptionError};
use crate::model::{ContentType, Field, FieldState, Literal, ScalarType, camel_case};
use crate::pattern::Pattern;
use crate::rules::{choices, links, options};
use crate::source::Span;
use crate::tree::Name;

/// The numbers that a field can have (XOS 4.0.4, xosgenx: each level of inheritance adds 100).
pub(crate) const NUMBERS: RangeInclusive<u32> = 1..=99;

/// Checks a field.
pub(crate) fn check(field: &Field, policy: Option<&Name<'_>>, sink: &mut Sink) {
    options::check(&owner(field), sink);
    name_in_status(&field.name, field.state, field.span, sink);
    bounded(field, sink);
    stored(field, sink);
    zero_length(field, sink);
    links::member_policy(policy, sink);
    choices::check(field, sink);
    range(field, sink);
    lengths(field, sink);
    secret(field, sink);
    default_refused(field, sink);
    default_length(field, sink);
    default_range(field, sink);
    default_null(field, sink);
}

fn owner(field: &Field) -> options::Owner<'_> {
    options::Owner {
        name: &field.name,
        span: field.span,
        options: &field.options,
        required: field.required,
        blank: field.blank,
        null: field.null,
        ty: Some(field.ty),
    }
}

/// Checks `X302`: the number of a field or link is between 1 and 99; returns 0 if it is not.
pub(crate) fn number(name: &Name<'_>, written: &Name<'_>, sink: &mut Sink) -> u32 {
    let number = written.text.parse().ok();
    if is_number(written) && !number.is_some_and(|number| NUMBERS.contains(&number)) {
        let name = name.text.to_owned();
        let number = written.text.chars().take(40).collect();
        sink.push(Diagnostic::new(FieldError::NumberOutOfRange { name, number }, written.span));
    }
    number.unwrap_or(0)
}

/// Returns whether it is a number; anything else has been reported already.
pub(super) fn is_number(written: &Name<'_>) -> bool {
    !written.text.contains(|c: char| c.is_alphabetic() || c == '_')
}

/// Checks `X309`: what a custom resource's status holds beside the model's fields keeps its name.
pub(super) fn name_in_status(name: &str, state: FieldState, span: Span, sink: &mut Sink) {
    const TAKEN: [&str; 6] =
        ["conditions", "history", "observedGeneration", "properties", "propertiesOf", "synchronizers"];
    if state != FieldState::Declarative && TAKEN.contains(&camel_case(name).as_str()) {
        let taken = "the status of every custom resource has it already";
        sink.push(Diagnostic::new(FieldError::NameTaken { name: name.to_owned(), taken }, span));
    }
}

/// Checks `X308`: a string says how long it can be (XOS 4.0.4, xosgenx's validator).
fn bounded(field: &Field, sink: &mut Sink) {
    const BOUNDS: [&str; 3] = ["max_length", "content_type", "text"];
    // A misspelt one is reported as that.
    let is_misspelt = |bound: &str| field.options.iter().any(|option| options::is_misspelt(option, bound));
    let is_bounded = |bound: &&str| field.option(bound).is_some() || is_misspelt(bound);
    if field.ty == ScalarType::String && !BOUNDS.iter().any(is_bounded) {
        sink.push(Diagnostic::new(FieldError::UnboundedString { name: field.name.clone() }, field.span));
    }
}

/// Checks `X311`: XOS has a column for the type (XOS 4.0.4, xosgenx's validator and its target for Django).
fn stored(field: &Field, sink: &mut Sink) {
    if matches!(field.ty, ScalarType::Double | ScalarType::Bytes) {
        let not_stored = FieldError::NotStored { name: field.name.clone(), ty: field.ty.keyword() };
        sink.push(Diagnostic::new(not_stored, field.span));
    }
}

/// Checks `X429`: some text fits (XOS 4.0.4, xosgenx's validator).
fn zero_length(field: &Field, sink: &mut Sink) {
    if let Some(option) = field.option("max_length").filter(|_| field.max_length == Some(0)) {
        sink.push(Diagnostic::new(OptionError::ZeroLength { field: field.name.clone() }, option.value_span));
    }
}

/// Checks `X411`: some value is within the limits.
fn range(field: &Field, sink: &mut Sink) {
    let empty = field.min_value.zip(field.max_value).is_some_and(|(min, max)| min > max);
    if let Some(option) = field.option("min_value").filter(|_| empty) {
        sink.push(Diagnostic::new(OptionError::EmptyRange { field: field.name.clone() }, option.span));
    }
}

/// Checks `X432`: some text is long enough and short enough; `X410`: a date has no length and no form of its own.
fn lengths(field: &Field, sink: &mut Sink) {
    let empty = field.min_length.zip(field.max_length).is_some_and(|(min, max)| min > max);
    if let Some(option) = field.option("min_length").filter(|_| empty) {
        sink.push(Diagnostic::new(OptionError::EmptyLengths { field: field.name.clone() }, option.span));
    }
    let is_date = field.content_type == Some(ContentType::Date);
    for option in ["min_length", "pattern", "secret"].iter().filter_map(|name| field.option(name)).filter(|_| is_date) {
        let name = option.name.to_string();
        let inapplicable = OptionError::DoesNotApply { name, field: field.name.clone(), ty: "date" };
        sink.push(Diagnostic::new(inapplicable, option.span));
    }
}

/// Checks `X435`: a secret is no part of what the object is known by.
fn secret(field: &Field, sink: &mut Sink) {
    let told = |name: &str| match name {
        "tosca_key" => field.tosca_key,
        "tosca_key_one_of" => !field.tosca_key_one_of.is_empty(),
        _ => field.choices.is_some(),
    };
    let Some(option) = field.option("secret").filter(|_| field.secret) else { return };
    if let Some(other) = ["tosca_key", "tosca_key_one_of", "choices"].into_iter().find(|name| told(name)) {
        let shown = OptionError::ShownSecret { field: field.name.clone(), option: other };
        sink.push(Diagnostic::new(shown, option.span));
    }
}

/// Checks `X433`: the default is long enough and of the right form.
fn default_refused(field: &Field, sink: &mut Sink) {
    let (Some(Literal::Str(text)), Some(written)) = (&field.default, field.option("default")) else {
        return;
    };
    let is_short = field.min_length.is_some_and(|min| text.chars().count() < min as usize);
    let pattern = field.pattern.as_ref().and_then(|pattern| Pattern::new(pattern).ok());
    let differs = pattern.is_some_and(|pattern| !pattern.matches(text));
    let refusing = if is_short { "min_length" } else { "pattern" };
    if is_short || differs {
        let refused = OptionError::DefaultRefused { field: field.name.clone(), value: text.clone(), option: refusing };
        sink.push(Diagnostic::new(refused, written.value_span));
    }
}

/// Checks `X406`: the default is not too long.
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

/// Checks `X407`: the default is within the limits.
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

/// Checks `X408`: a required field cannot fall back to nothing.
fn default_null(field: &Field, sink: &mut Sink) {
    let null = field.required && field.default == Some(Literal::Null);
    if let Some(option) = field.option("default").filter(|_| null) {
        let null = OptionError::NullDefaultOnRequired { field: field.name.clone() };
        sink.push(Diagnostic::new(null, option.value_span));
    }
}
