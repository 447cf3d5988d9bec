//! The values of a field with `choices`, as Rust enums.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};
use xos_xproto::nearest;

/// An enum that is generated for a field with `choices`.
///
/// It is serialized as its value, a text or a number; `Display` and `FromStr` use that value as text.
pub trait Choice:
    Copy + fmt::Debug + fmt::Display + Eq + Hash + FromStr<Err = UnknownChoice> + Send + Sync + 'static
{
    /// The field, `Service.kind`.
    const FIELD: &'static str;
    /// All values in the order of the model.
    const ALL: &'static [Self];

    /// Returns the value in custom resources and in XOS.
    fn value(self) -> ChoiceValue;

    /// Returns the text that is shown to people.
    fn label(self) -> &'static str;
}

/// A value of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChoiceValue {
    /// Of a string field.
    Text(&'static str),
    /// Of an integer field.
    Number(i64),
}

impl fmt::Display for ChoiceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A value that is not one of a field's choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} cannot be `{value}`: it is one of {known}{}", hint(suggestion.as_deref()))]
pub struct UnknownChoice {
    /// The field, `Service.kind`.
    pub field: String,
    /// The value as text.
    pub value: String,
    /// The known values.
    pub known: String,
    /// The nearest known value.
    pub suggestion: Option<String>,
}

pub(crate) fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

impl UnknownChoice {
    /// Makes the error for a value of a field that can only have the known values.
    pub fn new(field: &str, value: &str, known: &[String]) -> Self {
        let shown: Vec<_> = known.iter().map(|value| format!("`{value}`")).collect();
        Self {
            field: field.to_owned(),
            value: value.to_owned(),
            known: shown.join(", "),
            suggestion: nearest(value, known.iter().map(String::as_str)),
        }
    }

    fn of<C: Choice>(value: &str) -> Self {
        Self::new(C::FIELD, value, &C::ALL.iter().map(|choice| choice.value().to_string()).collect::<Vec<_>>())
    }
}

/// Returns the choice with this value as text.
///
/// # Errors
/// When there is none; the error lists those that are.
pub fn parse<C: Choice>(text: &str) -> Result<C, UnknownChoice> {
    let found = C::ALL.iter().find(|choice| choice.value().to_string() == text);
    found.copied().ok_or_else(|| UnknownChoice::of::<C>(text))
}

/// Writes the value.
///
/// # Errors
/// The serializer's.
pub fn serialize<C: Choice, S: Serializer>(choice: C, serializer: S) -> Result<S::Ok, S::Error> {
    match choice.value() {
        ChoiceValue::Text(text) => serializer.serialize_str(text),
        ChoiceValue::Number(number) => serializer.serialize_i64(number),
    }
}

/// Reads a value.
///
/// # Errors
/// When it is none of the choices; the error lists them.
pub fn deserialize<'de, C: Choice, D: Deserializer<'de>>(deserializer: D) -> Result<C, D::Error> {
    deserializer.deserialize_any(Known(PhantomData))
}

struct Known<C>(PhantomData<C>);

impl<C: Choice> Known<C> {
    fn find<E: Error>(wanted: ChoiceValue, shown: impl fmt::Display) -> Result<C, E> {
        let found = C::ALL.iter().find(|choice| choice.value() == wanted);
        found.copied().ok_or_else(|| E::custom(UnknownChoice::of::<C>(&shown.to_string())))
    }
}

impl<C: Choice> Visitor<'_> for Known<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of the choices of {}", C::FIELD)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<C, E> {
        let found = C::ALL.iter().find(|choice| matches!(choice.value(), ChoiceValue::Text(known) if known == text));
        found.copied().ok_or_else(|| E::custom(UnknownChoice::of::<C>(text)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<C, E> {
        Self::find(ChoiceValue::Number(number), number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<C, E> {
        // No choice is greater than an i64 can be.
        Self::find(ChoiceValue::Number(i64::try_from(number).unwrap_or(i64::MAX)), number)
    }
}
