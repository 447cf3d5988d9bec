//! The graph of objects, as links and conditions make it: pure functions of what was read.

use std::collections::{BTreeSet, HashMap};

/// The reason of an object that waits for others.
const WAITING: &str = "WaitingForDependency";

/// An object, or one that a link names and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) exists: bool,
    pub(super) is_deleting: bool,
    pub(super) told: Told,
    pub(super) references: Vec<Reference>,
}

/// What an object's condition `Ready` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) ready: String,
    pub(super) reason: String,
    pub(super) message: String,
}

/// A link of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) field: String,
    pub(super) is_to_many: bool,
    /// The kind that it leads to, or one that this inherits from.
    pub(super) peer: String,
    /// Whether the object says the kind, so that it is no other one.
    pub(super) is_exact: bool,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// A link from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) field: String,
    pub(super) waits: Waits,
}

/// Who waits for whom along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    Nobody,
    /// The one that has the link waits until the other one is done.
    Source,
    /// The one that it leads to is being deleted, and waits until the one that has the link is gone.
    Target,
}

/// All objects, and their links.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    /// The edges from each node, and to each node.
    from: Vec<Vec<usize>>,
    to: Vec<Vec<usize>>,
}

impl Node {
    pub(super) fn is_ready(&self) -> bool {
        self.exists && !self.is_deleting && self.told.ready == "True"
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.kind, &self.namespace, &self.name) == (&other.kind, &other.namespace, &other.name)
    }
}

impl Graph {
    /// Returns the graph of these nodes and `root`, and where `root` is in it. `inherits` says whether a kind may inherit
    /// from another one.
    pub(super) fn of(mut nodes: Vec<Node>, root: Node, inherits: &dyn Fn(&str, &str) -> bool) -> (Self, usize) {
        let at = nodes.iter().position(|node| node.is_same(&root)).unwrap_or_else(|| {
            nodes.push(root);
            nodes.len() - 1
        });
        let mut graph = Self { nodes, edges: vec![], from: vec![], to: vec![] };
        graph.link(inherits);
        (graph, at)
    }

    fn link(&mut self, inherits: &dyn Fn(&str, &str) -> bool) {
        let mut places: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            places.entry((node.namespace.clone(), node.name.clone())).or_default().push(at);
        }
        for from in 0..self.nodes.len() {
            for reference in self.nodes[from].references.clone() {
                let place = (reference.namespace.clone(), reference.name.clone());
                let there = places.get(&place).map(Vec::as_slice).unwrap_or_default();
                let is_exactly = |at: &&usize| self.nodes[**at].kind == reference.peer;
                let is_heir = |at: &&usize| inherits(&self.nodes[**at].kind, &reference.peer);
                let heirs = || there.iter().find(|at| !reference.is_exact && is_heir(at));
                let found = there.iter().find(is_exactly).or_else(heirs).copied();
                let to = found.unwrap_or_else(|| {
                    self.nodes.push(missing(&reference));
                    places.entry(place).or_default().push(self.nodes.len() - 1);
                    self.nodes.len() - 1
                });
                let waits = self.waits(from, to, &reference);
                self.edges.push(Edge { from, to, field: reference.field, waits });
            }
        }
        (self.from, self.to) = (vec![vec![]; self.nodes.len()], vec![vec![]; self.nodes.len()]);
        for (at, edge) in self.edges.iter().enumerate() {
            self.from[edge.from].push(at);
            self.to[edge.to].push(at);
        }
    }

    fn waits(&self, from: usize, to: usize, reference: &Reference) -> Waits {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        if target.is_deleting && !reference.is_to_many {
            Waits::Target
        } else if !source.is_deleting && source.told.reason == WAITING && !target.is_ready() {
            Waits::Source
        } else {
            Waits::Nobody
        }
    }

    /// Returns the links of a node: those that it has, or those that lead to it.
    pub(super) fn edges_of(&self, node: usize, reverse: bool) -> impl Iterator<Item = &Edge> {
        let all = if reverse { &self.to } else { &self.from };
        all[node].iter().map(|&edge| &self.edges[edge])
    }

    /// Returns all that is reached from a node, and the links between.
    pub(super) fn reached(&self, root: usize, reverse: bool) -> (BTreeSet<usize>, Vec<&Edge>) {
        let mut seen = BTreeSet::from([root]);
        let mut edges = vec![];
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            for edge in self.edges_of(node, reverse) {
                edges.push(edge);
                let next = if reverse { edge.from } else { edge.to };
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        (seen, edges)
    }

    /// Returns who waits for a node.
    pub(super) fn waiters(&self, node: usize) -> impl Iterator<Item = usize> {
        let before = self.edges_of(node, true).filter(|edge| edge.waits == Waits::Source).map(|edge| edge.from);
        let after = self.edges_of(node, false).filter(|edge| edge.waits == Waits::Target).map(|edge| edge.to);
        before.chain(after)
    }
}

fn missing(reference: &Reference) -> Node {
    Node {
        kind: reference.peer.clone(),
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
        exists: false,
        is_deleting: false,
        told: Told::default(),
        references: vec![],
    }
}
