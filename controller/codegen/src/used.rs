//! The models of a set that are used: a set may have a whole copy of the core's file.

use std::collections::HashSet;

use xos_xproto::{Model, ModelSet};

/// The group of the core's models.
const CORE: &str = "core";

/// Names of models.
pub(crate) type Used<'m> = HashSet<&'m str>;

/// Returns the models that do not belong to the core, their bases, and the peers of their links, transitively. If all
/// models belong to the core, returns all.
pub(crate) fn used(models: &ModelSet) -> Used<'_> {
    let own = |model: &&Model| model.app_label != CORE && !model.app_label.is_empty();
    let mut wanted: Vec<_> = models.iter().filter(own).map(|model| model.name.as_str()).collect();
    if wanted.is_empty() {
        return models.iter().map(|model| model.name.as_str()).collect();
    }
    let mut used = HashSet::new();
    while let Some(model) = wanted.pop().and_then(|name| models.get(name)) {
        if used.insert(model.name.as_str()) {
            wanted.extend(model.ancestry.iter().map(String::as_str));
            wanted.extend(model.links.iter().map(|link| link.peer.as_str()));
        }
    }
    used
}
