//! What does not fit the schema, as problems of a configuration.

use serde_json::Value as Json;
use xos_xproto::nearest;
use xos_yaml::{Misfit, Place};

use super::environment::variable;
use super::problem::Problem;

/// Returns the problem. Of a variable that names no key, the nearest one is looked for among all keys.
pub(super) fn problem(misfit: Misfit, place: &Place, schema: &Json) -> Problem {
    match misfit {
        Misfit::WrongType { key, expected, found } => {
            let key = if key.is_empty() { "the configuration".to_owned() } else { format!("`{key}`") };
            Problem::WrongType { key, expected, found }
        }
        Misfit::InvalidValue { key, value, expected, suggestion } => {
            Problem::InvalidValue { key, value, expected, suggestion }
        }
        Misfit::Missing { key } => Problem::Missing { key },
        Misfit::UnknownKey { key, suggestion } => match place {
            Place::Variable(name) => {
                let suggestion = nearest(name, all_keys(schema, "").iter().map(|key| variable(key)));
                Problem::UnknownVariable { name: name.clone(), suggestion }
            }
            Place::File { .. } | Place::Nowhere => Problem::UnknownKey { key, suggestion },
        },
    }
}

/// Returns the full names of the keys of a schema and of the maps in it.
fn all_keys(schema: &Json, parent: &str) -> Vec<String> {
    let mut all = Vec::new();
    let several = schema["anyOf"].as_array();
    for schema in several.into_iter().flatten().chain(several.is_none().then_some(schema)) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let full = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            all.extend(all_keys(property, &full));
            all.push(full);
        }
    }
    all
}
