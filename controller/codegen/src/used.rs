//! Which models of a set are used: a set may have all of the core's models beside the few that it builds on.

use std::collections::HashSet;

use xos_xproto::{Model, ModelSet};

/// The group of the core's models.
const CORE: &str = "core";

/// Names of models.
pub(crate) type Used<'m> = HashSet<&'m str>;

/// Returns the models of other groups than the core's, their bases, and the peers of their links, transitively; all models, if all are
/// the core's.
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
