//! Whether a value is one that a field can have.

use serde_json::Value;
use xos_xproto::{ContentType, Field, ScalarType};

use crate::choice::UnknownChoice;
use crate::typed::constant;

/// Returns what the value should be, if it does not have the field's type.
pub(super) fn mismatch(field: &Field, value: &Value) -> Option<&'static str> {
    let is_date = |value: &Value| value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok());
    let (fits, expected) = match field.ty {
        ScalarType::String if field.content_type == Some(ContentType::Date) => {
            (is_date(value), "a moment such as \"2026-01-02T03:04:05Z\"")
        }
        ScalarType::String => (value.is_string(), "a text"),
        ScalarType::Bytes => (value.is_string(), "a text in base64"),
        ScalarType::Bool => (value.is_boolean(), "true or false"),
        ScalarType::Int32 => (value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()), "a whole number of 32 bits"),
        ScalarType::Uint32 => {
            (value.as_u64().is_some_and(|n| u32::try_from(n).is_ok()), "a whole number of 32 bits that is not negative")
        }
        ScalarType::Float | ScalarType::Double => (value.is_number(), "a number"),
    };
    (!fits).then_some(expected)
}

/// Checks that the value is one of the field's choices; on other types than texts and whole numbers these do not apply.
pub(super) fn choice(field: &Field, value: &Value) -> Result<(), UnknownChoice> {
    let applies = field.ty == ScalarType::String || field.ty.is_integer();
    let choices = field.choices.iter().flatten().filter(|_| applies);
    let known: Vec<_> = choices.filter_map(|choice| constant(&choice.value)).collect();
    if known.is_empty() || known.contains(value) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(shown).collect();
    Err(UnknownChoice::new(&format!("{}.{}", field.declared_in, field.name), &shown(value), &known))
}

/// Returns a value as text, a text without its quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
