//! Steps and policies in the cluster as texts, so that what is wrong with one can be told by the path in the object.

use serde_json::{Value, json};
use xos_documents::kinds::API_VERSION;
use xos_xproto::DiagnosticJson;
use xos_yaml::{File, Node, Place, Value as YamlValue, parse};

use crate::id::{Id, ObjectKind};
use crate::status::Finding;

/// A step or policy as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The name of the text: `SyncStep/person`.
    pub file: String,
    /// The text.
    pub text: String,
}

/// Returns a step or policy of the cluster as a text.
pub fn written(id: &Id, spec: &Value) -> Written {
    let ObjectKind::Document(kind) = id.kind else { return Written { file: String::new(), text: String::new() } };
    let object = json!({
        "apiVersion": API_VERSION, "kind": kind.name(), "metadata": {"name": id.name}, "spec": spec,
    });
    // JSON is YAML, and has one way to write a text.
    Written { file: format!("{}/{}", kind.name(), id.name), text: format!("{object:#}") }
}

impl Written {
    /// Returns a diagnostic of the text with its path in the object.
    pub fn finding(&self, diagnostic: &DiagnosticJson) -> Finding {
        let mut finding = Finding::of(diagnostic, "");
        (finding.file, finding.line, finding.column) = (None, None, None);
        let mut file = File { path: self.file.clone().into(), text: self.text.clone(), secrets: vec![] };
        let start = diagnostic.range.start;
        let at = file.offset(start.line, start.column);
        if let Ok(root) = parse(&mut file, 0) {
            let (path, value) = path_to(&root, at);
            finding.path = Some(path).filter(|path| !path.is_empty());
            // In a text, behind its quote.
            if let Some(before) = value.filter(|value| at > value + 1).and_then(|value| self.text.get(value + 1..at)) {
                finding.line = Some(1);
                finding.column = u32::try_from(before.chars().count() + 1).ok();
            }
        }
        finding
    }
}

fn start(place: &Place) -> Option<usize> {
    match place {
        Place::File { bytes, .. } => Some(bytes.start),
        Place::Variable(_) | Place::Nowhere => None,
    }
}

fn is_at_or_before(place: &Place, at: usize) -> bool {
    start(place).is_some_and(|start| start <= at)
}

/// Returns the path to what is at a byte, and where its value begins if that is a text. What begins last before it is
/// what it is in.
fn path_to(root: &Node, at: usize) -> (String, Option<usize>) {
    let mut path = String::new();
    let mut node = root;
    loop {
        match &node.value {
            // The map itself is meant, or what is before its first key.
            _ if start(&node.place) == Some(at) && !matches!(node.value, YamlValue::Text(_)) => return (path, None),
            YamlValue::Map(entries) => {
                let found = entries.iter().rev().find(|entry| is_at_or_before(&entry.place, at));
                let Some(entry) = found else { return (path, None) };
                let dot = if path.is_empty() { "" } else { "." };
                path = format!("{path}{dot}{}", entry.key);
                if !is_at_or_before(&entry.node.place, at) {
                    return (path, None);
                }
                node = &entry.node;
            }
            YamlValue::List(items) => {
                let found = items.iter().enumerate().rev().find(|(_, item)| is_at_or_before(&item.place, at));
                let Some((number, item)) = found else { return (path, None) };
                path = format!("{path}[{number}]");
                node = item;
            }
            YamlValue::Text(_) => return (path, start(&node.place)),
            _ => return (path, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use xos_documents::Documents;
    use xos_documents::kinds::Kind;
    use xos_xproto::{Sources, compile};

    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_its_path() {
        let mut sources = Sources::new();
        sources.add(
            "a.xproto",
            "option app_label = \"a\"; message A (XOSBase) { required string x = 1 [max_length = 9]; }",
        );
        let models = compile(&sources).models;
        let table = [
            (json!({"model": "A", "http": {"url": "http://b/${self.y}"}}), "spec.http.url:1:17: D009 "),
            (json!({"model": "B", "http": {"url": "http://b"}}), "spec.model: D010 "),
            (
                json!({"model": "A", "http": {"url": "u", "body": {"l": ["${1}", "${self.y}"]}}}),
                "spec.http.body.l[1]:1:8: D009 ",
            ),
            (json!({"model": "A", "http": {"url": "u", "boddy": 1}}), "spec.http.boddy: D008 "),
            (json!({"model": "A"}), "spec: D013 "),
        ];
        for (spec, expected) in table {
            let id = Id { kind: ObjectKind::Document(Kind::SyncStep), name: "s".to_owned() };
            let written = written(&id, &spec);
            let found = Documents::of(&[(&written.file, &written.text)]).compile(&models).err().unwrap();
            let lines: Vec<_> = found.iter().map(|one| written.finding(&one.to_json()).line()).collect();
            assert!(lines.iter().any(|line| line.starts_with(expected)), "{expected}: {lines:?}");
        }
    }
}
