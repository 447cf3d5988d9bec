//! Natural keys: what identifies an object in XOS, and the name that a custom resource gets from it.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use xos_xproto::Model;

/// The greatest length of the readable part of a name.
const READABLE: usize = 40;
/// A Kubernetes name that is also a DNS label has at most this many characters.
const LABEL: usize = 63;

/// Returns the fields and links that name an object of the model: its `tosca_key`s, or else `name`, or else none.
pub fn natural_key(model: &Model) -> Vec<&str> {
    let fields = model.fields.iter().filter(|field| field.tosca_key).map(|field| field.name.as_str());
    let links = model.links.iter().filter(|link| link.tosca_key).map(|link| link.name.as_str());
    let keys: Vec<_> = fields.chain(links).collect();
    if keys.is_empty() { model.field("name").map(|field| field.name.as_str()).into_iter().collect() } else { keys }
}

/// Returns the `metadata.name` of the object with these values of its natural key. It is the same for the same values
/// everywhere, so that two processes that create the object at once do not create it twice. A single value that may be
/// a name is the name; otherwise it is the readable part of the values, and a hash of all of them.
pub fn object_name(values: &[Value]) -> String {
    if let [Value::String(text)] = values
        && is_label(text)
    {
        return text.clone();
    }
    let digest = Sha256::digest(Value::Array(values.to_vec()).to_string().as_bytes());
    let hash = digest.iter().take(5).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let readable = readable(values);
    if readable.is_empty() { format!("x-{hash}") } else { format!("{readable}-{hash}") }
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c != '-');
    text.len() <= LABEL && text.chars().all(inner) && edge(text.chars().next()) && edge(text.chars().last())
}

fn readable(values: &[Value]) -> String {
    let mut text = String::new();
    for value in values {
        let word = match value {
            Value::String(word) => word.clone(),
            Value::Object(link) => link.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            other => other.to_string(),
        };
        for c in word.chars().chain(['-']) {
            let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
            if c != '-' || !(text.is_empty() || text.ends_with('-')) {
                text.push(c);
            }
        }
    }
    text.truncate(READABLE);
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use xos_xproto::{Sources, compile};

    #[test]
    fn names() {
        assert_eq!(object_name(&[json!("mysite")]), "mysite");
        assert_eq!(object_name(&[json!("John"), json!("Doe")]), "john-doe-85427bfa45");
        assert!(object_name(&[json!("AGG SWITCH")]).starts_with("agg-switch-"));
        assert!(object_name(&[json!("ü")]).starts_with("x-"));
        assert!(object_name(&[json!({"name": "olt"}), json!(3)]).starts_with("olt-3-"));
        assert_ne!(object_name(&[json!("a b"), json!("c")]), object_name(&[json!("a"), json!("b c")]));
    }

    #[test]
    fn keys() {
        let mut sources = Sources::new();
        let text = "option app_label = \"t\"; message A (XOSBase) { required string name = 1 [max_length = 9]; }
            message B (XOSBase) { required string name = 1 [max_length = 9];
              required string serial = 2 [max_length = 9, tosca_key = True];
              required manytoone olt->A:bs = 3:1001 [tosca_key = True]; }
            message C (XOSBase) { required string x = 1 [max_length = 9]; }";
        sources.add("t.xproto", text);
        let models = compile(&sources).models;
        let key = |model| natural_key(models.get(model).unwrap());
        assert_eq!((key("A"), key("B"), key("C")), (vec!["name"], vec!["serial", "olt"], vec![]));
    }

    proptest! {
        #[test]
        fn every_name_is_a_dns_label(texts in proptest::collection::vec(".{0,80}", 1..4)) {
            let values: Vec<_> = texts.into_iter().map(Value::from).collect();
            let name = object_name(&values);
            prop_assert!(is_label(&name), "{name}");
            prop_assert_eq!(object_name(&values), name);
        }
    }
}
