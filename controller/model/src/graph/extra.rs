//! Dependencies beside the links: XOS's `dependency_graph`.

use std::sync::Arc;

use xos_xproto::{Model, ModelSet};

use super::shape::Need;

/// One edge of XOS's `dependency_graph` file, `{"A": [["B", "port", "peer_port"]]}`: A's objects wait for B's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraDependency {
    /// The model that waits.
    pub model: String,
    /// The model that it waits for.
    pub on: String,
    /// The link of `model` that leads to the peers, or the reverse port by which theirs lead to it. Empty: any object
    /// of `on` in the namespace.
    pub port: String,
}

/// A dependency that is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum GraphError {
    /// No such model.
    #[error("dependency_graph: there is no model `{0}`")]
    UnknownModel(String),
    /// The model has no such port.
    #[error("dependency_graph: model {model} has neither a link nor a reverse link `{port}`; it has {known}")]
    UnknownPort {
        model: String,
        port: String,
        /// The ports that it has.
        known: String,
    },
}

/// Returns the models that a dependency holds for (the model and those that inherit from it), and what they need.
pub(super) fn need(models: &ModelSet, extra: &ExtraDependency) -> Result<(Vec<String>, Need), GraphError> {
    let find = |name: &str| models.get(name).ok_or_else(|| GraphError::UnknownModel(name.to_owned()));
    let model = find(&extra.model)?;
    let on = find(&extra.on)?;
    let need = match extra.port.as_str() {
        "" => Need::All(Arc::from(on.name.as_str())),
        port if model.link(port).is_some() => Need::Linked(Arc::from(port)),
        port if models.reverse_links(model).any(|reverse| reverse.name == port) => Need::LinkedBack(Arc::from(port)),
        _ => return Err(unknown_port(models, model, extra)),
    };
    Ok((models.of_class(&model.name).map(|model| model.name.clone()).collect(), need))
}

fn unknown_port(models: &ModelSet, model: &Model, extra: &ExtraDependency) -> GraphError {
    let links = model.links.iter().map(|link| link.name.as_str());
    let known: Vec<_> = links.chain(models.reverse_links(model).map(|reverse| reverse.name.as_str())).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    GraphError::UnknownPort { model: model.name.clone(), port: extra.port.clone(), known }
}
