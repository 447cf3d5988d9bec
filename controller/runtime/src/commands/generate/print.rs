//! A sample as YAML with comments.

use std::fmt::Write as _;

use serde_json::Value;
use xos_crds::names::Names;
use xos_xproto::Model;
use xos_yaml::parse_scalar;

use super::sample::{Item, Sample};
use super::values::object_name;

/// The widest line of a comment.
const WIDTH: usize = 100;
/// What YAML 1.1, which kubectl reads, does not take for texts.
const NO_TEXTS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];

/// Returns the sample as YAML. Fields that are not set are comments.
pub(super) fn yaml(model: &Model, sample: &Sample) -> String {
    let mut text = String::new();
    if let Some(refused) = &sample.refused {
        comment(&mut text, "", &format!("To be changed: {refused}"));
    }
    if let Some(doc) = &model.doc {
        comment(&mut text, "", doc);
    }
    let (version, kind) = (Names::of(model).api_version(), &model.name);
    let name = object_name(kind);
    let is_empty = sample.items.iter().all(|item| !item.is_set);
    let spec = if is_empty { "spec: {}" } else { "spec:" };
    let _ = writeln!(text, "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n{spec}");
    let (required, optional): (Vec<_>, Vec<_>) = sample.items.iter().partition(|item| item.required);
    required.into_iter().for_each(|item| write(&mut text, item));
    if !optional.is_empty() {
        text.push_str(if is_empty {
            "  # Optional, after `spec:` in place of `spec: {}`:\n"
        } else {
            "  # Optional:\n"
        });
    }
    optional.into_iter().for_each(|item| write(&mut text, item));
    text
}

fn write(text: &mut String, item: &Item) {
    comment(text, "  ", &item.help);
    let mark = if item.is_set { "" } else { "#" };
    let _ = writeln!(text, "  {mark}{}: {}", item.key, flow(&item.value));
}

/// Writes a comment, in lines that are not too long.
fn comment(text: &mut String, indent: &str, words: &str) {
    let mut line = String::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && indent.len() + 3 + line.chars().count() + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{indent}#{line}");
            line.clear();
        }
        let _ = write!(line, " {word}");
    }
    if !line.is_empty() {
        let _ = writeln!(text, "{indent}#{line}");
    }
}

/// Returns a value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(all) => format!("[{}]", all.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            // A reference is read from its name.
            let of = |key: &str| members.get(key).map(|value| format!("{key}: {}", flow(value)));
            let others = members.keys().filter(|key| *key != "name").filter_map(|key| of(key));
            format!("{{{}}}", of("name").into_iter().chain(others).collect::<Vec<_>>().join(", "))
        }
        // Texts of JSON are texts of YAML.
        other => other.to_string(),
    }
}

/// Returns whether a text needs no quotes, for any reader of YAML.
fn is_plain(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | '@');
    let rest = text.replace("://", "");
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && rest.chars().all(allowed)
        && !text.ends_with(' ')
        && !NO_TEXTS.contains(&text.to_lowercase().as_str())
        && parse_scalar(text) == xos_yaml::Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_stay_what_they_are() {
        for (value, written) in [
            (json!("a b"), "a b"),
            (json!("http://example.org/"), "http://example.org/"),
            (json!("No"), "\"No\""),
            (json!("1e3"), "\"1e3\""),
            (json!("a: b # c"), "\"a: b # c\""),
            (json!(""), "\"\""),
            (json!(1.0), "1.0"),
            (json!(false), "false"),
            (json!([{"namespace": "east", "name": "a"}]), "[{name: a, namespace: east}]"),
        ] {
            assert_eq!(flow(&value), written);
        }
    }
}
