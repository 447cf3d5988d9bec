//! The default of a field, read after its type.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::{ContentType, Literal, RawOption, ScalarType, ValueForm};

/// Reads a default; one that is no value of the field's type is reported.
pub(crate) fn read(
    option: &RawOption,
    field: &str,
    ty: ScalarType,
    content_type: Option<ContentType>,
    sink: &mut Sink,
) -> Option<Literal> {
    let is_date = content_type == Some(ContentType::Date);
    if ty == ScalarType::String && !is_date && option.form == ValueForm::Number {
        let number = OptionError::NumberAsText { field: field.to_owned(), value: option.value.clone() };
        sink.push(Diagnostic::new(number, option.value_span));
        return Some(Literal::Str(option.value.clone()));
    }
    let literal = if is_date { date(option) } else { scalar(option, ty) };
    if literal.is_none() {
        let expected = if is_date { "`\"now()\"` or `None`" } else { description(ty) };
        let mismatch = OptionError::DefaultMismatch { field: field.to_owned(), value: option.value.clone(), expected };
        sink.push(Diagnostic::new(mismatch, option.value_span));
    }
    literal
}

fn date(option: &RawOption) -> Option<Literal> {
    match (option.form, option.value.as_str()) {
        (ValueForm::Number, _) | (ValueForm::Word, "True" | "true" | "False" | "false") => None,
        (_, "None") => Some(Literal::Null),
        (_, "now()") => Some(Literal::Now),
        (ValueForm::Quoted, text) => callable(text),
        (ValueForm::Word, name) => Some(Literal::Callable(name.to_owned())),
    }
}

fn scalar(option: &RawOption, ty: ScalarType) -> Option<Literal> {
    let value = option.value.as_str();
    match (option.form, value, ty) {
        (ValueForm::Word, "None", _) => Some(Literal::Null),
        (_, _, ScalarType::Bool) if option.as_bool().is_some() => option.as_bool().map(Literal::Bool),
        (ValueForm::Word, "True" | "true" | "False" | "false", _) => None,
        (ValueForm::Word, name, _) => Some(Literal::Callable(name.to_owned())),
        // Only dates can have a moment as value.
        (ValueForm::Quoted, "now()", _) => None,
        (ValueForm::Quoted, text, _) if callable(text).is_some() => callable(text),
        (ValueForm::Quoted, text, ScalarType::String | ScalarType::Bytes) => Some(Literal::Str(text.to_owned())),
        (ValueForm::Number, _, ScalarType::String | ScalarType::Bytes) => None,
        (ValueForm::Quoted, "None", _) => Some(Literal::Null),
        (_, number, ty) => self::number(number, ty),
    }
}

fn number(text: &str, ty: ScalarType) -> Option<Literal> {
    match ty {
        ScalarType::Int32 => text.parse::<i32>().ok().map(|number| Literal::Int(number.into())),
        ScalarType::Uint32 => text.parse::<u32>().ok().map(|number| Literal::Int(number.into())),
        ScalarType::Float | ScalarType::Double => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Float)
        }
        ScalarType::String | ScalarType::Bool | ScalarType::Bytes => None,
    }
}

/// Reads a call: XOS 4.0.4 takes a quoted text that ends in `()` for one (xosgenx, `format_options_string`).
fn callable(text: &str) -> Option<Literal> {
    let name = text.strip_suffix("()")?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
    is_name.then(|| Literal::Callable(name.to_owned()))
}

fn description(ty: ScalarType) -> &'static str {
    match ty {
        ScalarType::Int32 => "a whole number of 32 bits",
        ScalarType::Uint32 => "a whole number of 32 bits that is not negative",
        ScalarType::String | ScalarType::Bytes => "a string in quotes",
        ScalarType::Bool => "`True` or `False`",
        ScalarType::Float | ScalarType::Double => "a number",
    }
}
