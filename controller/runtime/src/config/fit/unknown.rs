//! Keys that the schema does not know.

use serde_json::Value as Json;
use xos_xproto::nearest;

use super::super::environment::variable;
use super::super::file::Place;
use super::super::problem::Problem;
use super::alternatives;

/// Returns the problem of an unknown key, with the nearest known one: beside it in a file, anywhere for a variable.
pub(super) fn problem(key: String, parent: &str, place: &Place, siblings: &Json, schema: &Json) -> Problem {
    match place {
        Place::Variable(name) => {
            let suggestion = nearest(name, all_keys(schema, "").iter().map(|key| variable(key)));
            Problem::UnknownVariable { name: name.clone(), suggestion }
        }
        Place::File { .. } | Place::Nowhere => {
            let suggestion = nearest(&key, keys(siblings, parent));
            Problem::UnknownKey { key, suggestion }
        }
    }
}

/// Returns the full names of the keys of a schema.
fn keys(schema: &Json, parent: &str) -> impl Iterator<Item = String> {
    let names = schema["properties"].as_object().into_iter().flat_map(|properties| properties.keys());
    names.map(move |name| if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") })
}

/// Returns the full names of the keys of a schema and of the maps in it.
fn all_keys(schema: &Json, parent: &str) -> Vec<String> {
    let mut all = Vec::new();
    for schema in alternatives(schema) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let full = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            all.extend(all_keys(property, &full));
            all.push(full);
        }
    }
    all
}
