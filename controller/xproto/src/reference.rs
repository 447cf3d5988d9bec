//! The language as tables, for its reference page: each is made of what the compiler itself asks.

use crate::model::{ContentType, LinkKind, ScalarType};
use crate::rules::fields::NUMBERS;
use crate::rules::links::REVERSE_NUMBERS;
use crate::rules::options::{self, KnownOption};
use crate::{limits, model};

pub use crate::rules::options::Place;

/// A word of the language, and what it means.
pub type Word = (&'static str, &'static str);

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionEntry {
    /// The name.
    pub name: &'static str,
    /// Whether it is `True` or `False`.
    pub is_boolean: bool,
    /// Whether the original knows it too.
    pub is_of_xos: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// Returns the options that can stand in a place, in the order of their names.
#[must_use]
pub fn options(place: Place) -> Vec<OptionEntry> {
    let mut all: Vec<_> = options::of(place).collect();
    all.sort_unstable();
    let entry = |name| {
        let KnownOption { is_boolean, is_of_xos, meaning } = options::explained(name, place)?;
        Some(OptionEntry { name, is_boolean, is_of_xos, meaning })
    };
    all.into_iter().filter_map(entry).collect()
}

/// Returns the types of fields to which an option applies, by their keywords; `link` stands for links.
#[must_use]
pub fn applies_to(option: &str) -> Vec<&'static str> {
    let types = ScalarType::ALL.iter().filter(|(_, ty)| options::applies(option, Some(*ty))).map(|(word, _)| *word);
    types.chain(options::applies(option, None).then_some("link")).collect()
}

/// Returns the types of fields.
#[must_use]
pub fn types() -> Vec<Word> {
    let meaning = |ty| match ty {
        ScalarType::Int32 => "a whole number from -2,147,483,648 to 2,147,483,647",
        ScalarType::Uint32 => "a whole number from 0 to 4,294,967,295",
        ScalarType::String => "a text",
        ScalarType::Bool => "true or false",
        ScalarType::Float => "a number, of 32 bits",
        ScalarType::Double => "a number, of 64 bits",
        ScalarType::Bytes => "bytes; in custom resources as base64",
    };
    ScalarType::ALL.iter().map(|(word, ty)| (*word, meaning(*ty))).collect()
}

/// Returns the values of option `content_type`.
#[must_use]
pub fn content_types() -> Vec<Word> {
    let meaning = |ty| match ty {
        ContentType::Stripped => "without blanks at either end",
        ContentType::Date => "a moment, `2026-01-31T12:00:00Z`",
        ContentType::Url => "a URL with scheme and host",
        ContentType::Ip => "an IP address, of version 4 or 6",
    };
    ContentType::ALL.iter().map(|(word, ty)| (*word, meaning(*ty))).collect()
}

/// Returns the kinds of links.
#[must_use]
pub fn link_kinds() -> Vec<Word> {
    let meaning = |kind| match kind {
        LinkKind::ManyToOne => "many objects lead to one peer",
        LinkKind::OneToOne => "one object leads to one peer, and no other one leads there",
        LinkKind::OneToMany => "of XOS's documents: a warning; write a `manytoone` on the other model",
        LinkKind::ManyToMany => "many objects lead to many peers; `/Model` after the peer names a model of the pairs",
    };
    LinkKind::ALL.iter().map(|(word, kind)| (*word, meaning(*kind))).collect()
}

/// Returns the ranges and limits of the language: what, and how much.
#[must_use]
pub fn limits() -> Vec<(&'static str, String)> {
    let range = |range: std::ops::RangeInclusive<u32>| format!("{} to {}", range.start(), range.end());
    vec![
        ("the number of a field or link, of one model and its bases only once", range(NUMBERS)),
        ("the number of a link's port at its peer, of one peer only once", range(REVERSE_NUMBERS)),
        ("fields and links that one message declares", limits::MAX_MEMBERS.to_string()),
        ("models that one model inherits from", limits::MAX_ANCESTORS.to_string()),
        ("messages of a set", limits::MAX_MESSAGES.to_string()),
        ("names in a list such as `unique_with`", limits::MAX_NAMES.to_string()),
        ("policies and choices inside each other", limits::MAX_DEPTH.to_string()),
    ]
}

/// Returns the fields that all models have: name, type, and the help text of the compiler's own `XOSBase`.
#[must_use]
pub fn common_fields() -> Vec<(String, &'static str, &'static str, String)> {
    let mut sources = crate::Sources::new();
    sources.add("any.xproto", "option app_label = \"any\"; message Any (XOSBase) {}");
    let models = crate::compile(&sources).models;
    let fields = models.get("Any").into_iter().flat_map(|model| model.fields.iter()).filter(|field| field.is_common());
    let told = |field: &std::sync::Arc<model::Field>| {
        let help = field.help_text.clone().unwrap_or_default();
        (field.name.clone(), field.ty.keyword(), field.section().as_str(), help)
    };
    fields.map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_option_is_explained_in_each_of_its_places() {
        for place in [Place::FieldOrLink, Place::Message] {
            let unexplained: Vec<_> =
                options::of(place).filter(|name| options::explained(name, place).is_none()).collect();
            assert!(unexplained.is_empty(), "{place:?}: {unexplained:?}");
            assert_eq!(options(place).len(), options::of(place).count());
        }
        let all = [Place::FieldOrLink, Place::Message].into_iter().flat_map(options);
        assert!(all.into_iter().all(|option| option.meaning.len() > 5 && option.meaning.ends_with('.')));
    }

    #[test]
    fn what_an_option_applies_to_is_what_the_compiler_accepts() {
        for option in options(Place::FieldOrLink) {
            for (ty, _) in types() {
                let value = match option.name {
                    "choices" => "\"((1, 'A'), (2, 'B'))\"",
                    "content_type" => "\"ip\"",
                    _ if option.is_boolean => "True",
                    _ => "1",
                };
                let mut sources = crate::Sources::new();
                let text = format!("message M (XOSBase) {{ optional {ty} a = 1 [{} = {value}]; }}", option.name);
                sources.add("a.xproto", format!("option app_label = \"any\"; {text}"));
                let found = crate::compile(&sources).diagnostics;
                let is_refused = found.iter().any(|one| one.code().as_str() == "X410");
                let applies = applies_to(option.name);
                let is_said = !applies.is_empty() && !applies.contains(&ty) && !options::is_common(option.name);
                assert_eq!(is_refused, is_said, "{text}");
            }
        }
    }

    #[test]
    fn the_common_fields_are_those_of_the_base() {
        let fields = common_fields();
        assert!(fields.len() > 20 && fields.iter().all(|(.., help)| help.ends_with('.')), "{fields:?}");
        assert!(
            fields.iter().any(|(name, ty, section, _)| (name.as_str(), *ty, *section) == ("no_sync", "bool", "spec"))
        );
    }
}
