//! Fits a tree to a JSON schema: says what does not fit, with its place, and leaves it out.

mod expected;

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde_json::Value as Json;
use xos_xproto::nearest;

use crate::file::Place;
use crate::node::{Entry, Kind, Node, Value};
use expected::allows;

pub use expected::{Expected, choice, expected, expected_number, words};

/// `format` of durations.
pub const DURATION: &str = "time-span";

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A value of another type.
    WrongType {
        /// The key with those above it, `a.b[0]`; empty for the whole.
        key: String,
        /// What is expected.
        expected: Expected,
        /// What is there.
        found: Kind,
    },
    /// A value of the right type that the key cannot have.
    InvalidValue {
        /// The key with those above it.
        key: String,
        /// The value.
        value: String,
        /// What is expected.
        expected: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// A required key is not set.
    Missing {
        /// The key with those above it.
        key: String,
    },
    /// There is no such key.
    UnknownKey {
        /// The key with those above it.
        key: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
}

/// How a tree is fitted.
#[derive(Clone, Debug)]
pub struct Fit<'a> {
    /// The schema.
    pub schema: &'a Json,
    /// Whether a text has a `format` of the schema.
    pub has_format: fn(&str, &str) -> bool,
    /// The place of missing keys; none: that of the map which lacks them.
    pub missing_in: Option<&'a Place>,
    /// Whether missing keys are told even if there is something else to tell.
    pub tells_missing: bool,
    /// Whether null counts as a value where any value is allowed.
    pub keeps_null: bool,
}

/// Returns the tree as far as it fits the schema, and what does not fit. Values that are null count as not set.
pub fn fit(tree: Node, how: &Fit<'_>) -> (Node, Vec<(Misfit, Place)>) {
    let place = tree.place.clone();
    let mut fitting = Fitting { how, misfits: vec![] };
    let fitted = fitting.node(tree, how.schema, "");
    (fitted.unwrap_or(Node { value: Value::Map(Vec::new()), place }), fitting.misfits)
}

/// Returns a help text for what was probably meant.
pub fn did_you_mean(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("did you mean `{name}`?"))
}

/// Returns a help text for a value of another type.
pub fn type_help(expected: Expected, found: Kind) -> Option<String> {
    let help = match (expected, found) {
        (Expected::Text, Kind::Number | Kind::Flag) => "put it in quotes",
        (Expected::Duration, Kind::Number) => "write it with its unit: `30s`, `5m`, `1h 30m`",
        (Expected::Texts, Kind::Text) => "write `[…]`, or one item a line after `-`",
        _ => return None,
    };
    Some(help.to_owned())
}

struct Fitting<'a> {
    how: &'a Fit<'a>,
    misfits: Vec<(Misfit, Place)>,
}

impl Fitting<'_> {
    fn tell(&mut self, misfit: Misfit, place: &Place) {
        self.misfits.push((misfit, place.clone()));
    }

    fn node(&mut self, node: Node, schema: &Json, key: &str) -> Option<Node> {
        let value = whole(node.value, schema);
        let node = Node { value: from_variable(value, schema, &node.place), place: node.place };
        let Some(schema) = alternatives(schema).find(|schema| allows(schema, &node.value)) else {
            let wrong = Misfit::WrongType { key: key.to_owned(), expected: expected(schema), found: node.value.kind() };
            self.tell(wrong, &node.place);
            return None;
        };
        let place = node.place;
        let value = match node.value {
            Value::Map(entries) => Value::Map(self.entries(entries, schema, key, &place)),
            Value::List(nodes) => {
                if let Some(expected) = wrong_length(nodes.len(), schema, ["minItems", "maxItems"], "a list", "item") {
                    let (key, value) = (key.to_owned(), format!("a list of {}", nodes.len()));
                    self.tell(Misfit::InvalidValue { key, value, expected, suggestion: None }, &place);
                }
                Value::List(self.items(nodes, &schema["items"], key))
            }
            value => {
                if let Some(wrong) = wrong_value(&value, schema, key, self.how.has_format) {
                    self.tell(wrong, &place);
                    return None;
                }
                value
            }
        };
        Some(Node { value, place })
    }

    fn items(&mut self, nodes: Vec<Node>, schema: &Json, key: &str) -> Vec<Node> {
        let item = |(at, node)| self.node(node, schema, &format!("{key}[{at}]"));
        nodes.into_iter().enumerate().filter_map(item).collect()
    }

    fn entries(&mut self, entries: Vec<Entry>, schema: &Json, key: &str, place: &Place) -> Vec<Entry> {
        self.require(&entries, schema, key, place);
        let mut fitted = Vec::new();
        for entry in entries {
            let full = joined(key, &entry.key);
            let known = schema["properties"].get(&entry.key).or_else(|| free(schema));
            let Some(property) = known else {
                let suggestion = nearest(&full, keys(schema, key));
                self.tell(Misfit::UnknownKey { key: full, suggestion }, &entry.place);
                continue;
            };
            let is_value = self.how.keeps_null && is_free(property);
            if entry.node.is_unset() && !is_value {
                continue;
            }
            if let Some(node) = self.node(entry.node, property, &full) {
                fitted.push(Entry { node, ..entry });
            }
        }
        fitted
    }

    fn require(&mut self, entries: &[Entry], schema: &Json, parent: &str, place: &Place) {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
        for key in required {
            let is_set = entries.iter().any(|entry| entry.key == key && !entry.node.is_unset());
            if !is_set && (self.how.tells_missing || self.misfits.is_empty()) {
                let place = self.how.missing_in.unwrap_or(place).clone();
                self.tell(Misfit::Missing { key: joined(parent, key) }, &place);
            }
        }
    }
}

/// Returns the name of a key with those above it.
fn joined(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// Returns the full names of the keys of a schema.
fn keys(schema: &Json, parent: &str) -> impl Iterator<Item = String> {
    let names = schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys());
    names.map(move |name| joined(parent, name))
}

/// Returns the schema of keys that have no schema of their own, if any key is allowed.
fn free(schema: &Json) -> Option<&Json> {
    match &schema["additionalProperties"] {
        Json::Bool(false) => None,
        schema => Some(schema),
    }
}

/// Returns whether a schema allows any value.
fn is_free(schema: &Json) -> bool {
    schema.is_null()
        || *schema == Json::Bool(true)
        || schema.as_object().is_some_and(|members| members.keys().all(|key| key == "description" || key == "default"))
}

/// Returns the alternatives of a schema; itself, if it has none.
pub(crate) fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    let several = schema["anyOf"].as_array();
    several.into_iter().flatten().chain(several.is_none().then_some(schema))
}

/// Returns a number such as `4.0` as a whole number if the schema wants one.
fn whole(value: Value, schema: &Json) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked: nothing is lost")]
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            let is_allowed = alternatives(schema).any(|schema| allows(schema, &value));
            if is_allowed { value } else { Value::Int(number as i64) }
        }
        value => value,
    }
}

/// Returns the value of a variable as the schema wants it: a variable has no quotes to tell a text from a number, and
/// no lists.
fn from_variable(value: Value, schema: &Json, place: &Place) -> Value {
    let is_allowed = alternatives(schema).any(|schema| allows(schema, &value));
    if is_allowed || !matches!(place, Place::Variable(_)) {
        return value;
    }
    let text = match &value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => return value,
    };
    let as_text = Value::Text(text.clone());
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let nodes = items.map(|item| Node { value: Value::Text(item.to_owned()), place: place.clone() });
    let as_list = Value::List(nodes.collect());
    let allowed = |value: &Value| alternatives(schema).any(|schema| allows(schema, value));
    [as_text, as_list].into_iter().find(allowed).unwrap_or(value)
}

/// Returns what is wrong with a value whose type is right.
fn wrong_value(value: &Value, schema: &Json, key: &str, has_format: fn(&str, &str) -> bool) -> Option<Misfit> {
    let invalid = |value: String, expected: String, suggestion| Misfit::InvalidValue {
        key: key.to_owned(),
        value,
        expected,
        suggestion,
    };
    match value {
        Value::Text(text) => {
            let words: Vec<_> = words(schema).collect();
            if !words.is_empty() {
                let wrong = !words.contains(&text.as_str());
                return wrong.then(|| invalid(text.clone(), choice(&words), nearest(text, words)));
            }
            let wrong = wrong_length(text.chars().count(), schema, ["minLength", "maxLength"], "a text", "character");
            let wrong = wrong.or_else(|| wrong_pattern(text, schema, has_format));
            wrong.map(|expected| invalid(text.clone(), expected, None))
        }
        Value::Int(number) => {
            #[expect(clippy::cast_precision_loss, reason = "limits are far from 2^52")]
            let out = is_out_of_range(*number as f64, schema);
            out.then(|| invalid(number.to_string(), expected_number(schema), None))
        }
        Value::Float(number) => {
            is_out_of_range(*number, schema).then(|| invalid(number.to_string(), expected_number(schema), None))
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// Returns what is expected of a text or a list that is too long or too short.
fn wrong_length(length: usize, schema: &Json, limits: [&str; 2], what: &str, part: &str) -> Option<String> {
    let counted = |count: u64| format!("{count} {part}{}", if count == 1 { "" } else { "s" });
    let [least, most] = limits.map(|name| schema[name].as_u64());
    let length = length as u64;
    match (least, most) {
        (Some(least), _) if length < least => Some(format!("{what} of at least {}", counted(least))),
        (_, Some(most)) if length > most => Some(format!("{what} of at most {}", counted(most))),
        _ => None,
    }
}

/// Returns whether a text matches a pattern. One that is none matches nothing.
///
/// A pattern is read once: a schema is for many files, and reading takes longer than all else.
fn is_match(pattern: &str, text: &str) -> bool {
    static READ: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if !read.contains_key(pattern) {
        read.insert(pattern.to_owned(), Regex::new(pattern).ok());
    }
    read.get(pattern).and_then(Option::as_ref).is_some_and(|pattern| pattern.is_match(text))
}

/// Returns what is expected of a text that does not match the patterns and the format of its schema.
fn wrong_pattern(text: &str, schema: &Json, has_format: fn(&str, &str) -> bool) -> Option<String> {
    let all = std::iter::once(schema).chain(schema["allOf"].as_array().into_iter().flatten());
    let wrong = |schema: &&Json| {
        let matches = |pattern| is_match(pattern, text);
        let format = schema["format"].as_str().unwrap_or_default();
        !schema["pattern"].as_str().is_none_or(matches) || !has_format(text, format)
    };
    all.into_iter()
        .find(wrong)
        .map(|schema| schema["patternErrorMessage"].as_str().unwrap_or("another text").to_owned())
}

fn is_out_of_range(number: f64, schema: &Json) -> bool {
    let limit = |name: &str| schema[name].as_f64();
    limit("minimum").is_some_and(|least| number < least) || limit("maximum").is_some_and(|most| number > most)
}
