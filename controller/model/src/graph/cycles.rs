//! Cycles, among objects and among models.

use std::collections::HashMap;
use std::hash::Hash;

use xos_xproto::ModelSet;

use super::extra::ExtraDependency;

/// Returns the strongly connected components that are cycles: more than one node, or a node with an edge to itself. It
/// is Tarjan's algorithm without recursion: time and memory grow with nodes plus edges, whatever the depth.
pub fn components<N: Clone + Eq + Hash>(
    nodes: impl IntoIterator<Item = N>,
    mut edges: impl FnMut(&N) -> Vec<N>,
) -> Vec<Vec<N>> {
    let mut search = Search { index: HashMap::new(), low: vec![], is_open: vec![], open: vec![], found: vec![] };
    for node in nodes {
        if !search.index.contains_key(&node) {
            search.from(node, &mut edges);
        }
    }
    search.found
}

struct Search<N> {
    /// In order of discovery.
    index: HashMap<N, usize>,
    low: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<N>,
    found: Vec<Vec<N>>,
}

struct Frame<N> {
    node: N,
    at: usize,
    next: std::vec::IntoIter<N>,
    loops: bool,
}

impl<N: Clone + Eq + Hash> Search<N> {
    fn from(&mut self, root: N, edges: &mut impl FnMut(&N) -> Vec<N>) {
        let mut path = vec![self.enter(root, edges)];
        while let Some(frame) = path.last_mut() {
            let Some(next) = frame.next.next() else {
                if let Some(done) = path.pop() {
                    self.leave(&done);
                    if let Some(parent) = path.last() {
                        self.low[parent.at] = self.low[parent.at].min(self.low[done.at]);
                    }
                }
                continue;
            };
            if next == frame.node {
                frame.loops = true;
            }
            match self.index.get(&next) {
                Some(&seen) if self.is_open[seen] => self.low[frame.at] = self.low[frame.at].min(seen),
                Some(_) => {}
                None => path.push(self.enter(next, edges)),
            }
        }
    }

    fn enter(&mut self, node: N, edges: &mut impl FnMut(&N) -> Vec<N>) -> Frame<N> {
        let at = self.low.len();
        self.index.insert(node.clone(), at);
        self.low.push(at);
        self.is_open.push(true);
        self.open.push(node.clone());
        Frame { next: edges(&node).into_iter(), node, at, loops: false }
    }

    fn leave(&mut self, frame: &Frame<N>) {
        if self.low[frame.at] != frame.at {
            return;
        }
        let mut component = vec![];
        while let Some(node) = self.open.pop() {
            let is_root = node == frame.node;
            if let Some(&at) = self.index.get(&node) {
                self.is_open[at] = false;
            }
            component.push(node);
            if is_root {
                break;
            }
        }
        if component.len() > 1 || frame.loops {
            component.reverse();
            self.found.push(component);
        }
    }
}

/// Returns the cycles among models, of links and of `dependency_graph` together. Objects of such models may wait for
/// each other in a circle; the circle is then found, and not waited for.
pub fn model_cycles(models: &ModelSet, extra: &[ExtraDependency]) -> Vec<Vec<String>> {
    let on = |name: &String| {
        let links = models.get(name).into_iter().flat_map(|model| &model.links).map(|link| link.peer.clone());
        let extra = extra.iter().filter(|one| one.model == *name).map(|one| one.on.clone());
        links.chain(extra).collect()
    };
    components(models.iter().map(|model| model.name.clone()), on)
}
