//! Compares values with what is expected of them.

use serde_json::Value as Json;
use xos_xproto::nearest;
use xos_yaml::{Node, Place, Value};

use crate::problem::CaseProblem;

/// Stands for any text in an expected one.
const ANY: char = '*';

/// How much of a value is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// All of it.
    Whole,
    /// Of maps only the keys that are named.
    Part,
}

/// What is not as expected, with its place.
pub(crate) type Differences = Vec<(CaseProblem, Place)>;

/// Notes where a value is not as expected. `what` is what the value is called.
pub(crate) fn compare(expected: &Node, found: &Json, what: &str, of: Of, differences: &mut Differences) {
    match (&expected.value, found) {
        (Value::Map(entries), Json::Object(members)) => {
            for entry in entries {
                let what = inner(what, &entry.key);
                match members.get(&entry.key) {
                    Some(found) => compare(&entry.node, found, &what, of, differences),
                    None if entry.node.value == Value::Null && of == Of::Part => {}
                    None => {
                        let suggestion = nearest(&entry.key, members.keys());
                        let suggestion = suggestion.filter(|near| !entries.iter().any(|entry| entry.key == *near));
                        differences
                            .push((CaseProblem::NotThere { what: quoted(&what), suggestion }, entry.place.clone()));
                    }
                }
            }
            let more = members.iter().filter(|(key, _)| of == Of::Whole && !entries.iter().any(|one| one.key == **key));
            for (key, found) in more {
                let what = quoted(&inner(what, key));
                differences.push((CaseProblem::TooMuch { what, found: shown(found) }, expected.place.clone()));
            }
        }
        (Value::List(nodes), Json::Array(items)) => {
            for (at, node) in nodes.iter().enumerate() {
                let what = format!("{what}[{at}]");
                match items.get(at) {
                    Some(found) => compare(node, found, &what, Of::Whole, differences),
                    None => {
                        let missing = CaseProblem::NotThere { what: quoted(&what), suggestion: None };
                        differences.push((missing, node.place.clone()));
                    }
                }
            }
            for (at, found) in items.iter().enumerate().skip(nodes.len()) {
                let what = quoted(&format!("{what}[{at}]"));
                differences.push((CaseProblem::TooMuch { what, found: shown(found) }, expected.place.clone()));
            }
        }
        (Value::Text(text), Json::String(found)) if matches(text, found) => {}
        (Value::Text(text), found) if text.chars().eq([ANY]) && !found.is_null() => {}
        (_, found) if is_same(&expected.value, found) => {}
        (_, found) => {
            let wanted = shown(&expected.clone().into_json());
            let differs = CaseProblem::Differs { what: quoted(what), expected: wanted, found: shown(found) };
            differences.push((differs, expected.place.clone()));
        }
    }
}

fn inner(what: &str, key: &str) -> String {
    if what.is_empty() { key.to_owned() } else { format!("{what}.{key}") }
}

fn quoted(what: &str) -> String {
    if what.is_empty() { "the value".to_owned() } else { format!("`{what}`") }
}

fn is_same(expected: &Value, found: &Json) -> bool {
    match (expected, found) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(one), Json::Bool(other)) => one == other,
        (Value::Text(one), Json::String(other)) => one == other,
        (Value::Int(one), Json::Number(other)) if other.is_i64() => other.as_i64() == Some(*one),
        #[expect(clippy::cast_precision_loss, reason = "as JSON has numbers")]
        (Value::Int(one), Json::Number(other)) => other.as_f64() == Some(*one as f64),
        (Value::Float(one), Json::Number(other)) => other.as_f64() == Some(*one),
        _ => false,
    }
}

/// Returns a value for a message, no longer than a line.
pub(crate) fn shown(value: &Json) -> String {
    const LONGEST: usize = 200;
    let text = match value {
        Json::Null => return "nothing".to_owned(),
        Json::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    };
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…`", &text[..at]),
        None => text,
    }
}

/// Returns whether a text is an expected one, in which `*` stands for any text.
pub(crate) fn matches(expected: &str, found: &str) -> bool {
    let Some((start, rest)) = expected.split_once(ANY) else { return expected == found };
    let Some(mut left) = found.strip_prefix(start) else { return false };
    let parts: Vec<_> = rest.split(ANY).collect();
    let Some((end, middle)) = parts.split_last() else { return true };
    for part in middle {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;
    use xos_yaml::{File, parse};

    use super::*;

    fn differences(expected: &str, found: &Json, of: Of) -> Vec<String> {
        let mut file = File { path: PathBuf::from("a"), text: expected.to_owned(), secrets: vec![] };
        let node = parse(&mut file, 0).unwrap();
        let mut all = vec![];
        compare(&node, found, "body", of, &mut all);
        let told = |(problem, place): (CaseProblem, Place)| match place {
            Place::File { bytes, .. } => format!("{}: {problem}", file.line_column(bytes.start).0),
            _ => problem.to_string(),
        };
        all.into_iter().map(told).collect()
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (expected, found, is_match) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "ab", true),
            ("*a", "ba", true),
            ("a*c", "abbc", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("PUT http://d/*", "PUT http://d/x/y", true),
        ] {
            assert_eq!(matches(expected, found), is_match, "{expected} {found}");
        }
    }

    #[test]
    fn what_differs_is_told_with_its_line() {
        let found = json!({"name": "Ada", "age": 36, "tags": ["a", "b"], "team": {"name": "x"}});
        let same = "name: A*\nage: 36\ntags: [a, '*']\nteam: '*'\n";
        assert_eq!(differences(same, &found, Of::Whole), Vec::<String>::new());
        assert_eq!(differences("name: Ada\nnone: null\n", &found, Of::Part), Vec::<String>::new());
        assert_eq!(
            differences("name: Bob\nage: 36.5\ntags: [a, b, c]\nteam: {nmae: x}\n", &found, Of::Whole),
            [
                "1: `body.name` should be `Bob`, and is `Ada`",
                "2: `body.age` should be `36.5`, and is `36`",
                "3: `body.tags[2]` is not there",
                "4: `body.team.nmae` is not there",
                "4: `body.team.name` is `x`, which is not expected",
            ]
        );
        assert_eq!(differences("tags: [a]", &json!({"tags": ["a", "b"]}), Of::Part).len(), 1, "lists are whole");
        assert_eq!(differences("name: 1", &json!({"name": "1"}), Of::Part).len(), 1);
        assert_eq!(differences("name: '*'", &json!({"name": null}), Of::Part).len(), 1);
    }
}
