//! Enums for the values of fields with `choices`.

use std::collections::BTreeSet;

use xos_xproto::{Choice, ContentType, Field, Literal, ScalarType};

use crate::text::{ALLOW, camel, doc};

/// Returns whether a field's values become an enum: its type allows choices, and at least one choice is a value.
pub(crate) fn applies(field: &Field) -> bool {
    let is_date = field.content_type == Some(ContentType::Date);
    let has_type = field.ty.is_integer() || field.ty == ScalarType::String && !is_date;
    has_type && values(field).next().is_some()
}

/// Returns the choices other than `None`, which stands for no value.
fn values(field: &Field) -> impl Iterator<Item = &Choice> {
    let choices = field.choices.iter().flatten();
    choices.filter(|choice| matches!(choice.value, Literal::Str(_) | Literal::Int(_)))
}

/// Returns the choices with the names of their variants.
fn variants(field: &Field) -> Vec<(&Choice, String)> {
    // `ALL` is a constant of the enum, and `Self` cannot be a name.
    let mut taken: BTreeSet<_> = ["ALL", "Self"].map(str::to_owned).into();
    let mut variants = Vec::new();
    for choice in values(field) {
        let own = variant(choice);
        let mut count = 1;
        let mut name = own.clone();
        while !taken.insert(name.clone()) {
            count += 1;
            name = if own.ends_with(|c: char| c.is_ascii_digit()) {
                format!("{own}_{count}")
            } else {
                format!("{own}{count}")
            };
        }
        variants.push((choice, name));
    }
    variants
}

/// Returns the name of a value's variant, made of the value; if that gives no name, of the label.
fn variant(choice: &Choice) -> String {
    let name = match &choice.value {
        Literal::Int(number) if *number < 0 => format!("Minus{}", number.unsigned_abs()),
        Literal::Int(number) => format!("N{number}"),
        Literal::Str(text) if text.is_empty() => "Empty".to_owned(),
        Literal::Str(text) => Some(camel(text)).filter(|name| !name.is_empty()).unwrap_or_else(|| camel(&choice.label)),
        _ => String::new(),
    };
    match name.chars().next() {
        None => "Other".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("N{name}"),
        Some(_) => name,
    }
}

/// Returns the variant of a field's default.
pub(crate) fn default_variant(field: &Field) -> Option<String> {
    let default = field.default.as_ref()?;
    variants(field).into_iter().find(|(choice, _)| choice.value == *default).map(|(_, name)| name)
}

/// Returns the code of a field's enum and its implementations.
pub(crate) fn code(field: &Field, name: &str) -> String {
    let variants = variants(field);
    let full = format!("{}.{}", field.declared_in, field.name);
    let lines = |line: &dyn Fn(&Choice, &str) -> String| -> String {
        variants.iter().map(|(choice, name)| line(choice, name)).collect()
    };
    let declarations = lines(&|choice, variant| format!("{}    {variant},\n", doc(&description(choice), "    ")));
    let all: Vec<_> = variants.iter().map(|(_, variant)| format!("Self::{variant}")).collect();
    let labels = lines(&|choice, variant| format!("            Self::{variant} => {:?},\n", choice.label));
    let is_text = field.ty == ScalarType::String;
    let (getter, ty, what) = if is_text {
        ("as_str", "&'static ::std::primitive::str", "The value in custom resources and in XOS.")
    } else {
        ("number", "::std::primitive::i64", "The value in custom resources and in XOS.")
    };
    let values = lines(&|choice, variant| format!("            Self::{variant} => {},\n", literal(&choice.value)));
    let wrapped = if is_text { "Text(self.as_str())" } else { "Number(self.number())" };
    let head = doc(&format!("The values of `{}` of {}.", field.name, field.declared_in), "");
    let model = "::xos_controller::model";
    format!(
        "{head}{ALLOW}#[derive(::std::clone::Clone, ::std::marker::Copy, ::std::fmt::Debug, ::std::cmp::PartialEq, ::std::cmp::Eq, \
         ::std::cmp::PartialOrd, ::std::cmp::Ord, ::std::hash::Hash)]
pub enum {name} {{
{declarations}}}

{ALLOW}impl {name} {{
    /// All values in the order of the model.
    pub const ALL: &'static [Self] = &[{all}];

    /// {what}
    pub const fn {getter}(self) -> {ty} {{
        match self {{
{values}        }}
    }}
}}

{ALLOW}impl {model}::Choice for {name} {{
    const FIELD: &'static ::std::primitive::str = {full:?};
    const ALL: &'static [Self] = {name}::ALL;

    fn value(self) -> {model}::ChoiceValue {{
        {model}::ChoiceValue::{wrapped}
    }}

    fn label(self) -> &'static ::std::primitive::str {{
        match self {{
{labels}        }}
    }}
}}

{default}{ALLOW}impl ::std::fmt::Display for {name} {{
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{
        ::std::fmt::Display::fmt(&{model}::Choice::value(*self), f)
    }}
}}

{ALLOW}impl ::std::str::FromStr for {name} {{
    type Err = {model}::UnknownChoice;

    fn from_str(text: &::std::primitive::str) -> ::std::result::Result<Self, {model}::UnknownChoice> {{
        {model}::choice::parse(text)
    }}
}}

{ALLOW}impl {model}::serde::Serialize for {name} {{
    fn serialize<S: {model}::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {{
        {model}::choice::serialize(*self, serializer)
    }}
}}

{ALLOW}impl<'de> {model}::serde::Deserialize<'de> for {name} {{
    fn deserialize<D: {model}::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {{
        {model}::choice::deserialize(deserializer)
    }}
}}

",
        all = all.join(", "),
        default = default(field, name),
    )
}

fn default(field: &Field, name: &str) -> String {
    let Some(variant) = default_variant(field) else { return String::new() };
    format!(
        "{ALLOW}impl ::std::default::Default for {name} {{
    /// The model's default.
    fn default() -> Self {{
        Self::{variant}
    }}
}}

"
    )
}

fn description(choice: &Choice) -> String {
    let label = choice.label.split_whitespace().collect::<Vec<_>>().join(" ");
    match &choice.value {
        Literal::Str(text) if text.is_empty() => format!("The empty text: {label}."),
        Literal::Str(text) if text.contains('`') => format!("{text}: {label}."),
        Literal::Str(text) => format!("`{text}`: {label}."),
        Literal::Int(number) => format!("`{number}`: {label}."),
        _ => format!("{label}."),
    }
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Int(number) => number.to_string(),
        Literal::Str(text) => format!("{text:?}"),
        _ => String::new(),
    }
}
