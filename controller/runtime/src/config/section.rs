//! Reading a map key by key. What is read is known; what is left over at the end is not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, Value as Json};
use xos_xproto::nearest;

use super::environment::variable;
use super::file::{File, Place};
use super::problem::Problem;
use super::yaml::{Entry, Node, Value};

/// Collects what is noticed on reading.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<(Problem, Place)>,
    /// Full names of all keys that are known.
    known: Vec<String>,
    /// Full names of keys that nothing was read from.
    unknown: Vec<(String, Place)>,
}

impl Report {
    pub(super) fn push(&mut self, problem: Problem, place: &Place) {
        self.problems.push((problem, place.clone()));
    }

    /// Reports the unknown keys, now that all known ones have been read.
    pub(super) fn finish(mut self) -> Vec<(Problem, Place)> {
        for (key, place) in std::mem::take(&mut self.unknown) {
            let problem = match &place {
                Place::Variable(name) => {
                    let suggestion = nearest(name, self.known.iter().map(|key| variable(key)));
                    Problem::UnknownVariable { name: name.clone(), suggestion }
                }
                Place::File { .. } | Place::Nowhere => {
                    let suggestion = nearest(&key, self.siblings(&key));
                    Problem::UnknownKey { key, suggestion }
                }
            };
            self.push(problem, &place);
        }
        self.problems
    }

    fn siblings(&self, key: &str) -> impl Iterator<Item = String> {
        let parent = |key: &str| key.rsplit_once('.').map(|(parent, _)| parent.to_owned());
        let mine = parent(key);
        self.known.iter().filter(move |known| parent(known) == mine).cloned()
    }
}

/// A map that is read.
#[derive(Debug)]
pub(super) struct Section<'a> {
    prefix: String,
    entries: Vec<Entry>,
    files: &'a [File],
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(super) fn top(node: Node, files: &'a [File], report: &mut Report) -> Self {
        let entries = entries(node, "the configuration", report);
        Self { prefix: String::new(), entries, files }
    }

    /// A map in this one, empty when it is not there.
    pub(super) fn section(&mut self, key: &str, report: &mut Report) -> Self {
        let prefix = format!("{}{key}.", self.prefix);
        let entries = self.take(key, report).map(|node| entries(node, &format!("`{}{key}`", self.prefix), report));
        Self { prefix, entries: entries.unwrap_or_default(), files: self.files }
    }

    /// Whether anything is left to read.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reports what has not been read.
    pub(super) fn finish(self, report: &mut Report) {
        let unknown = self.entries.into_iter().map(|entry| (format!("{}{}", self.prefix, entry.key), entry.place));
        report.unknown.extend(unknown);
    }

    /// Takes a value; one that is null is as good as none.
    pub(super) fn take(&mut self, key: &str, report: &mut Report) -> Option<Node> {
        report.known.push(format!("{}{key}", self.prefix));
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        let node = self.entries.remove(at).node;
        (node.value != Value::Null).then_some(node)
    }

    fn wrong(&self, key: &str, expected: &'static str, node: &Node, report: &mut Report) {
        let wrong = Problem::WrongType { key: format!("`{}{key}`", self.prefix), expected, found: node.value.kind() };
        report.push(wrong, &node.place);
    }

    pub(super) fn invalid(&self, key: &str, value: &str, expected: &'static str, place: &Place, report: &mut Report) {
        let key = format!("{}{key}", self.prefix);
        report.push(Problem::InvalidValue { key, value: value.to_owned(), expected, suggestion: None }, place);
    }

    /// A text and its place.
    pub(super) fn text(&mut self, key: &str, report: &mut Report) -> Option<(String, Place)> {
        let node = self.take(key, report)?;
        match (node.value, node.place) {
            (Value::Text(text), place) => Some((text, place)),
            // A variable has no quotes to tell a text from a number.
            (Value::Int(value), place @ Place::Variable(_)) => Some((value.to_string(), place)),
            (Value::Float(value), place @ Place::Variable(_)) => Some((value.to_string(), place)),
            (Value::Bool(value), place @ Place::Variable(_)) => Some((value.to_string(), place)),
            (value, place) => {
                self.wrong(key, "a text", &Node { value, place }, report);
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        words: &[(&str, T)],
        expected: &'static str,
        report: &mut Report,
    ) -> Option<(T, Place)> {
        let (text, place) = self.text(key, report)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some((*value, place));
        }
        let suggestion = nearest(&text, words.iter().map(|(word, _)| word));
        let key = format!("{}{key}", self.prefix);
        report.push(Problem::InvalidValue { key, value: text, expected, suggestion }, &place);
        None
    }

    /// Texts; in a variable they stand between commas.
    pub(super) fn texts(&mut self, key: &str, report: &mut Report) -> Vec<String> {
        const EXPECTED: &str = "a list of texts";
        let Some(node) = self.take(key, report) else { return Vec::new() };
        let nodes = match node {
            Node { value: Value::Text(text), place: Place::Variable(_) } => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                return items.map(str::to_owned).collect();
            }
            Node { value: Value::List(nodes), .. } => nodes,
            node => {
                self.wrong(key, EXPECTED, &node, report);
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for node in nodes {
            match node.value {
                Value::Text(text) => texts.push(text),
                _ => self.wrong(&format!("{key}[{}]", texts.len()), "a text", &node, report),
            }
        }
        texts
    }

    /// Texts, where a single one need not be a list.
    pub(super) fn texts_or_text(&mut self, key: &str, report: &mut Report) -> Vec<String> {
        let is_text = self.entries.iter().any(|entry| entry.key == key && matches!(entry.node.value, Value::Text(_)));
        if is_text {
            self.text(key, report).map(|(text, _)| text).into_iter().collect()
        } else {
            self.texts(key, report)
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str, report: &mut Report) -> Option<bool> {
        let node = self.take(key, report)?;
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                self.wrong(key, "true or false", &node, report);
                None
            }
        }
    }

    /// A whole number from 1 on.
    pub(super) fn count(&mut self, key: &str, report: &mut Report) -> Option<usize> {
        let node = self.take(key, report)?;
        let Value::Int(value) = node.value else {
            self.wrong(key, "a whole number", &node, report);
            return None;
        };
        let count = usize::try_from(value).ok().filter(|&count| count > 0);
        if count.is_none() {
            self.invalid(key, &value.to_string(), "a whole number from 1 on", &node.place, report);
        }
        count
    }

    /// A number from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "only 0 and 1 are valid")]
    pub(super) fn fraction(&mut self, key: &str, report: &mut Report) -> Option<f64> {
        let node = self.take(key, report)?;
        let value = match node.value {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
            _ => {
                self.wrong(key, "a number", &node, report);
                return None;
            }
        };
        let valid = (0.0..=1.0).contains(&value);
        if !valid {
            self.invalid(key, &value.to_string(), "a number from 0 to 1", &node.place, report);
        }
        valid.then_some(value)
    }

    /// A duration such as `30s`, not negative.
    pub(super) fn duration(&mut self, key: &str, report: &mut Report) -> Option<(Duration, Place)> {
        let node = self.take(key, report)?;
        let Value::Text(text) = &node.value else {
            self.wrong(key, "a duration", &node, report);
            return None;
        };
        let duration = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
        if duration.is_none() {
            self.invalid(key, text, "a duration such as `30s`, `5m` or `1h 30m`", &node.place, report);
        }
        duration.map(|duration| (duration, node.place))
    }

    /// A duration longer than nothing.
    pub(super) fn time(&mut self, key: &str, report: &mut Report) -> Option<(Duration, Place)> {
        let (duration, place) = self.duration(key, report)?;
        if duration.is_zero() {
            self.invalid(key, "0s", "a duration longer than nothing", &place, report);
            return None;
        }
        Some((duration, place))
    }

    /// An address of this machine, with its port.
    pub(super) fn address(&mut self, key: &str, report: &mut Report) -> Option<SocketAddr> {
        let (text, place) = self.text(key, report)?;
        let address = text.parse().ok();
        if address.is_none() {
            self.invalid(key, &text, "an IP address and a port, as `0.0.0.0:9100`", &place, report);
        }
        address
    }

    /// A path, relative to the file that names it.
    pub(super) fn path(&mut self, key: &str, report: &mut Report) -> Option<(PathBuf, Place)> {
        let (text, place) = self.text(key, report)?;
        Some((self.resolve(&text, &place), place))
    }

    /// A path that was named at a place.
    pub(super) fn resolve(&self, path: &str, place: &Place) -> PathBuf {
        match place {
            Place::File { file, .. } => self.files.get(*file).map_or_else(|| path.into(), |file| file.resolve(path)),
            Place::Variable(_) | Place::Nowhere => path.into(),
        }
    }

    /// A map of anything.
    pub(super) fn free(&mut self, key: &str, report: &mut Report) -> Map<String, Json> {
        let Some(node) = self.take(key, report) else { return Map::new() };
        let place = node.place.clone();
        match (node.value.kind(), node.into_json()) {
            (_, Json::Object(map)) => map,
            (found, _) => {
                let wrong = Problem::WrongType { key: format!("`{}{key}`", self.prefix), expected: "a map", found };
                report.push(wrong, &place);
                Map::new()
            }
        }
    }
}

fn entries(node: Node, name: &str, report: &mut Report) -> Vec<Entry> {
    match node.value {
        Value::Map(entries) => entries,
        Value::Null => Vec::new(),
        value => {
            let wrong = Problem::WrongType { key: name.to_owned(), expected: "a map", found: value.kind() };
            report.push(wrong, &node.place);
            Vec::new()
        }
    }
}
