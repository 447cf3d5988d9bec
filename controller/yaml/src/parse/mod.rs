//! Reads YAML, with the place of every key and value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Localizer, Location, SnippetMode, Spanned, UserMessageFormatter};

use crate::file::{File, Place};
use crate::node::{Entry, Node, Value};

/// Why a text is not YAML.
#[derive(Debug)]
pub struct NotYaml {
    /// Why.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// Reads a file that has one document, and notes its secrets. `number` is its index in the list of files.
///
/// # Errors
/// When it is no YAML, has a key twice, or has several documents.
pub fn parse(file: &mut File, number: usize) -> Result<Node, NotYaml> {
    let read = from_str(&file.text).map(|raw| vec![raw]);
    let mut nodes = placed(read, file, number)?;
    Ok(nodes.pop().unwrap_or(Node { value: Value::Null, place: Place::File { file: number, bytes: 0..0 } }))
}

/// Reads a file that may have several documents, with `---` between them. Empty ones are left out.
///
/// # Errors
/// When it is no YAML, or has a key twice.
pub fn parse_all(file: &mut File, number: usize) -> Result<Vec<Node>, NotYaml> {
    let read = serde_saphyr::from_multiple_with_options::<Spanned<Raw>>(&file.text, options());
    let nodes = placed(read, file, number)?;
    Ok(nodes.into_iter().filter(|node| node.value != Value::Null).collect())
}

fn placed(
    read: Result<Vec<Spanned<Raw>>, serde_saphyr::Error>,
    file: &mut File,
    number: usize,
) -> Result<Vec<Node>, NotYaml> {
    match read {
        Ok(all) => {
            let nodes: Vec<_> = all.into_iter().map(|raw| place(raw, file, number)).collect();
            nodes.iter().for_each(|node| note_secrets(node, false, &mut file.secrets));
            Ok(nodes)
        }
        Err(error) => {
            note_secret_lines(file);
            let place = error.location().map_or(0..0, |location| bytes(location, file));
            Err(NotYaml { message: message(&error), place: Place::File { file: number, bytes: place } })
        }
    }
}

/// Reads the value of an environment variable: a scalar, or else the text unchanged.
pub fn parse_scalar(text: &str) -> Value {
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
    serde_saphyr::from_str_with_options(text, options())
}

fn options() -> serde_saphyr::Options {
    // As in YAML 1.2, `yes` and `on` are texts.
    serde_saphyr::options! { strict_booleans: true, with_snippet: false }
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

/// Returns whether a key is the name of a secret.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "secret", "token", "key.pem"].iter().any(|word| key.contains(word))
}

fn note_secrets(node: &Node, secret: bool, secrets: &mut Vec<std::ops::Range<usize>>) {
    match (&node.value, &node.place) {
        (Value::Map(entries), _) => {
            for entry in entries {
                // A password without quotes may begin with `{`.
                if let (true, Place::File { bytes, .. }) = (secret, &entry.place) {
                    secrets.push(bytes.clone());
                }
                note_secrets(&entry.node, secret || is_secret(&entry.key), secrets);
            }
        }
        (Value::List(nodes), _) => nodes.iter().for_each(|node| note_secrets(node, secret, secrets)),
        (_, Place::File { bytes, .. }) if secret => secrets.push(bytes.clone()),
        _ => {}
    }
}

/// Masks whole lines that may contain a secret, in a text that cannot be read.
fn note_secret_lines(file: &mut File) {
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        if is_secret(line) {
            file.secrets.push(start..start + line.len());
        }
        start += line.len();
    }
}

/// A value as serde delivers it.
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
