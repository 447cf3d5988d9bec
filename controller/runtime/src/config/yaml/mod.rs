//! YAML with the place of every key and value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value as Json};
use serde_saphyr::{Localizer, Location, SnippetMode, Spanned, UserMessageFormatter};

use super::file::{File, Place};

/// A value and where it was given.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// The kind of a value. The value itself is not shown, because it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "nothing",
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a map",
        })
    }
}

impl Value {
    /// Returns the kind of the value.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Flag,
            Self::Int(_) | Self::Float(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
        }
    }
}

impl Node {
    /// Returns whether it counts as not set: it is null, or a map without a key.
    pub(super) fn is_unset(&self) -> bool {
        matches!(&self.value, Value::Null) || matches!(&self.value, Value::Map(entries) if entries.is_empty())
    }

    /// Returns the node at a path of keys with dots between them.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| match &node.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        })
    }

    fn at_mut(&mut self, path: &str) -> Option<&mut Self> {
        path.split('.').try_fold(self, |node, key| match &mut node.value {
            Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node),
            _ => None,
        })
    }

    /// Returns the text at a path, with its place.
    pub(super) fn text(&self, path: &str) -> Option<(&str, &Place)> {
        match self.at(path) {
            Some(Self { value: Value::Text(text), place }) => Some((text, place)),
            _ => None,
        }
    }

    /// Replaces the value at a path, if there is one.
    pub(super) fn set(&mut self, path: &str, value: Value) {
        if let Some(node) = self.at_mut(path) {
            node.value = value;
        }
    }

    /// Returns the value without its place.
    pub(super) fn into_json(self) -> Json {
        match self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Int(value) => Json::Number(value.into()),
            Value::Float(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
            Value::Text(value) => Json::String(value),
            Value::List(nodes) => nodes.into_iter().map(Self::into_json).collect(),
            Value::Map(entries) => entries.into_iter().map(|entry| (entry.key, entry.node.into_json())).collect(),
        }
    }
}

/// Why a text is not YAML.
#[derive(Debug)]
pub(super) struct NotYaml {
    pub(super) message: String,
    pub(super) place: Place,
}

/// Reads a file, which is named by its place in the list of files, and notes its secrets.
pub(super) fn parse(file: &mut File, number: usize) -> Result<Node, NotYaml> {
    match from_str(&file.text) {
        Ok(raw) => {
            let node = place(raw, file, number);
            note_secrets(&node, false, &mut file.secrets);
            Ok(node)
        }
        Err(error) => {
            note_secret_lines(file);
            let place = error.location().map_or(0..0, |location| bytes(location, file));
            Err(NotYaml { message: message(&error), place: Place::File { file: number, bytes: place } })
        }
    }
}

/// Reads the value of a variable: a scalar, or else the text as it stands.
pub(super) fn parse_scalar(text: &str) -> Value {
    match from_str(text).map(|raw| raw.value) {
        Ok(Raw::Null) => Value::Null,
        Ok(Raw::Bool(value)) => Value::Bool(value),
        Ok(Raw::Int(value)) => Value::Int(value),
        Ok(Raw::Float(value)) => Value::Float(value),
        Ok(Raw::Text(value)) => Value::Text(value),
        Ok(Raw::List(_) | Raw::Map(_)) | Err(_) => Value::Text(text.to_owned()),
    }
}

fn from_str(text: &str) -> Result<Spanned<Raw>, serde_saphyr::Error> {
    // As in YAML 1.2, `yes` and `on` are texts.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
}

/// Leaves places out of messages: a diagnostic shows its place itself.
struct WithoutPlaces;

impl Localizer for WithoutPlaces {
    fn attach_location<'a>(&self, base: Cow<'a, str>, _: Location) -> Cow<'a, str> {
        base
    }

    fn alias_used_at(&self, _: Location) -> String {
        String::new()
    }

    fn alias_defined_at(&self, _: Location) -> String {
        String::new()
    }
}

/// Returns the message for users, without the place.
fn message(error: &serde_saphyr::Error) -> String {
    let formatter = UserMessageFormatter.with_localizer(&WithoutPlaces);
    let options = serde_saphyr::render_options! { formatter: &formatter, snippets: SnippetMode::Off };
    format!("this is not valid YAML: {}", error.render_with_options(options))
}

fn bytes(location: Location, file: &File) -> std::ops::Range<usize> {
    let span = location.span();
    let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok());
    let known =
        number(span.byte_offset()).zip(number(span.byte_len())).map(|(at, length)| at..at.saturating_add(length));
    known.filter(|bytes| file.text.get(bytes.clone()).is_some()).unwrap_or_else(|| {
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let at = file.offset(count(location.line()), count(location.column()));
        at..at
    })
}

fn place(raw: Spanned<Raw>, file: &File, number: usize) -> Node {
    let place_of = |location| Place::File { file: number, bytes: bytes(location, file) };
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Int(value) => Value::Int(value),
        Raw::Float(value) => Value::Float(value),
        Raw::Text(value) => Value::Text(value),
        Raw::List(nodes) => Value::List(nodes.into_iter().map(|raw| place(raw, file, number)).collect()),
        Raw::Map(entries) => {
            let entry = |(key, raw): (Spanned<String>, _)| Entry {
                place: place_of(key.referenced),
                key: key.value,
                node: place(raw, file, number),
            };
            Value::Map(entries.into_iter().map(entry).collect())
        }
    };
    Node { value, place: place_of(raw.referenced) }
}

/// Whether a key is the name of something that must not be shown.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "secret", "token", "key.pem"].iter().any(|word| key.contains(word))
}

fn note_secrets(node: &Node, secret: bool, secrets: &mut Vec<std::ops::Range<usize>>) {
    match (&node.value, &node.place) {
        (Value::Map(entries), _) => {
            for entry in entries {
                note_secrets(&entry.node, secret || is_secret(&entry.key), secrets);
            }
        }
        (Value::List(nodes), _) => nodes.iter().for_each(|node| note_secrets(node, secret, secrets)),
        (_, Place::File { bytes, .. }) if secret => secrets.push(bytes.clone()),
        _ => {}
    }
}

/// In a text that cannot be read, lines that may hold a secret are not shown at all.
fn note_secret_lines(file: &mut File) {
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        if is_secret(line) {
            file.secrets.push(start..start + line.len());
        }
        start += line.len();
    }
}

/// A value as serde gives it.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "a number this large is no setting that has to be exact")]
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Float(value as f64), Raw::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element()? {
            nodes.push(node);
        }
        Ok(Raw::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests;
