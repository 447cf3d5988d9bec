//! What is in the graph: pure functions of the models.

use std::collections::BTreeSet;

use xos_xproto::{Link, Model, ModelSet, XOS_BASE};

/// Models and what leads from one to another.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// A model.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) is_abstract: bool,
    /// Whether it is one of XOS's core, and none of the service's own.
    pub(super) is_foreign: bool,
}

/// A line from a model to another one.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) kind: EdgeKind,
}

#[derive(Debug)]
pub(super) enum EdgeKind {
    /// The model inherits from the other one.
    Inherits,
    /// The model has a link to the other one.
    Link(Label),
}

/// What is said of a link.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) name: String,
    /// `manytoone, required`
    pub(super) what: String,
    /// The port by which the peer sees it.
    pub(super) reverse: Option<String>,
}

impl Graph {
    /// Returns the graph of a set: of its own models with what they name, or of all models.
    pub(super) fn of(models: &ModelSet, all: bool) -> Self {
        let is_shown = |model: &&Model| all || !model.is_built_in();
        let shown: Vec<_> = models.iter().filter(is_shown).filter(|model| model.name != XOS_BASE).collect();
        let edges: Vec<_> = shown.iter().flat_map(|model| edges(model)).collect();
        let mut names: BTreeSet<_> = shown.iter().map(|model| model.name.as_str()).collect();
        names.extend(edges.iter().map(|edge| edge.to.as_str()));
        let node = |model: &Model| Node {
            name: model.name.clone(),
            is_abstract: model.is_abstract,
            is_foreign: model.is_built_in(),
        };
        // Own models first, each group in the order of the set.
        let (foreign, own): (Vec<_>, Vec<_>) =
            models.iter().filter(|model| names.contains(model.name.as_str())).partition(|model| model.is_built_in());
        Self { nodes: own.into_iter().chain(foreign).map(node).collect(), edges }
    }
}

fn edges(model: &Model) -> impl Iterator<Item = Edge> {
    let edge = |to: &str, kind| Edge { from: model.name.clone(), to: to.to_owned(), kind };
    let bases = model.bases.iter().filter(|base| *base != XOS_BASE);
    let bases = bases.filter(|base| model.is_a(base)).map(move |base| edge(base, EdgeKind::Inherits));
    bases.chain(model.own_links().map(move |link| edge(&link.peer, EdgeKind::Link(label(link)))))
}

fn label(link: &Link) -> Label {
    let through = link.through.as_ref().map(|through| format!(" through {through}")).unwrap_or_default();
    let required = if link.required { "required" } else { "optional" };
    Label {
        name: link.name.clone(),
        what: format!("{}{through}, {required}", link.kind.keyword()),
        reverse: link.reverse.port().map(str::to_owned),
    }
}
