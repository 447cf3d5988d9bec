//! Environment variables as an overlay.

use std::collections::BTreeMap;
use std::env;

use super::merge::merge;
use xos_yaml::{Entry, Node, Place, Value, parse_scalar};

/// The prefix of variables that belong to the configuration.
const PREFIX: &str = "XOS_";

/// Returns the environment variables of the process whose values are texts. Keys of the configuration have no other
/// values.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Returns the tree of the variables. Of two that set the same key, the last one in alphabetical order wins.
pub(super) fn overlay(variables: &BTreeMap<String, String>) -> Node {
    let empty = Node { value: Value::Map(Vec::new()), place: Place::Nowhere };
    variables.iter().filter(|(name, value)| is_ours(name, value)).fold(empty, |tree, (name, value)| {
        let path = name[PREFIX.len()..].to_lowercase();
        let place = Place::Variable(name.clone());
        let leaf = Node { value: parse_scalar(value), place: place.clone() };
        let nest = |node, key: &str| {
            let entry = Entry { key: key.to_owned(), place: place.clone(), node };
            Node { value: Value::Map(vec![entry]), place: place.clone() }
        };
        merge(tree, path.rsplit("__").fold(leaf, nest))
    })
}

/// Returns the variable that sets a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// Returns whether a variable belongs to the configuration. Kubernetes sets variables for the services of a namespace:
/// for one called `xos-core` `XOS_CORE_SERVICE_HOST`, `XOS_CORE_PORT=tcp://…` and others, which do not.
fn is_ours(name: &str, value: &str) -> bool {
    let of_service = name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.contains("_PORT") && (value.contains("://") || name.contains("_TCP") || name.contains("_UDP")));
    name.len() > PREFIX.len() && name.starts_with(PREFIX) && !of_service
}

#[cfg(test)]
mod tests;
