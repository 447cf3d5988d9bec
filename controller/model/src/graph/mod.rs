//! The graph of objects: links forward and back by index, dependencies, and waits.
//!
//! [`Graph`] has the objects' links, [`Waits`] the objects that wait; neither ever scans all objects: the cost of every
//! operation grows with the links that it touches.

mod cycles;
mod edges;
mod extra;
mod shape;
mod waits;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use xos_xproto::ModelSet;

use crate::object::{Object, ObjectKey};
use edges::Edge;
use shape::{Shape, Shapes};

pub use cycles::{components, model_cycles};
pub use extra::{ExtraDependency, GraphError};
pub use waits::{Blocker, Waits, Woken};

/// How many objects are looked at where one depends on all of a class: enough to name some.
const FEW: usize = 4;

/// The target of a link: an object of a class (a model or one derived from it), by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The peer's model as the link declares it.
    pub class: Arc<str>,
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

/// The links of all known objects.
#[derive(Clone, Debug)]
pub struct Graph {
    shapes: Shapes,
    nodes: HashMap<ObjectKey, Node>,
    /// The objects with a link to an address, whether or not that object exists.
    incoming: HashMap<Address, BTreeSet<(ObjectKey, usize)>>,
    /// The objects of a model in a namespace that others have to wait for.
    unsettled: HashMap<(Arc<str>, Arc<str>), BTreeSet<ObjectKey>>,
}

/// What an object is for those that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has to wait for it.
    Settled,
    /// It is not done: those that depend on it wait.
    Unsettled,
    /// It is being deleted. Those with a to-one link to it go with it, so they wait for its end; others do not wait.
    Leaving,
}

#[derive(Clone, Debug)]
struct Node {
    shape: Arc<Shape>,
    edges: Vec<Edge>,
    standing: Standing,
}

/// One thing that an object depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// An object that exists.
    Present(ObjectKey),
    /// A to-one link leads to an object that is being deleted.
    Leaving(ObjectKey),
    /// A link leads to an object that does not exist.
    Missing(Address),
}

impl Graph {
    /// Makes an empty one for these models, with these dependencies beside the links.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there.
    pub fn new(models: &ModelSet, extra: &[ExtraDependency]) -> Result<Self, GraphError> {
        Ok(Self {
            shapes: Shapes::of(models, extra)?,
            nodes: HashMap::new(),
            incoming: HashMap::new(),
            unsettled: HashMap::new(),
        })
    }

    /// Takes other models, and other dependencies beside the links. Returns the objects of models whose links are others
    /// now: they are not in it any more, and are to be inserted again.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there. Then nothing has changed.
    pub fn change(
        &mut self,
        models: &ModelSet,
        extra: &[ExtraDependency],
    ) -> Result<Vec<(ObjectKey, Standing)>, GraphError> {
        let shapes = Shapes::of(models, extra)?;
        let same: HashMap<_, _> =
            shapes.with_links_of(&self.shapes).map(|(m, s)| (Arc::clone(m), Arc::clone(s))).collect();
        let mut others = vec![];
        for (key, node) in &mut self.nodes {
            match same.get(&key.model) {
                Some(shape) => node.shape = Arc::clone(shape),
                None => others.push((key.clone(), node.standing)),
            }
        }
        for (key, _) in &others {
            self.remove(key);
        }
        self.shapes = shapes;
        Ok(others)
    }

    /// Adds an object, or its changed version. Returns whether its links changed.
    pub fn insert(&mut self, object: &Object, standing: Standing) -> bool {
        self.insert_as(&object.key(), object, standing)
    }

    /// Does the same with the object's key, of which clones are kept: they share their texts.
    pub fn insert_as(&mut self, key: &ObjectKey, object: &Object, standing: Standing) -> bool {
        let Some(shape) = self.shapes.get(&key.model) else { return false };
        let edges = edges::of(&shape, object);
        let is_same = self.nodes.get(key).is_some_and(|node| node.edges == edges);
        if !is_same {
            self.unlink(key);
            for edge in &edges {
                self.incoming.entry(edge.address.clone()).or_default().insert((key.clone(), edge.link));
            }
        }
        self.settle(key, standing);
        self.nodes.insert(key.clone(), Node { shape, edges, standing });
        !is_same
    }

    /// Removes an object that is gone.
    pub fn remove(&mut self, key: &ObjectKey) {
        self.unlink(key);
        self.settle(key, Standing::Settled);
        self.nodes.remove(key);
    }

    fn unlink(&mut self, key: &ObjectKey) {
        let Some(node) = self.nodes.get(key) else { return };
        for edge in &node.edges {
            if let Some(sources) = self.incoming.get_mut(&edge.address) {
                sources.remove(&(key.clone(), edge.link));
                if sources.is_empty() {
                    self.incoming.remove(&edge.address);
                }
            }
        }
    }

    /// Sets what an object is from now on for those that depend on it.
    pub fn set_standing(&mut self, key: &ObjectKey, standing: Standing) {
        if let Some(node) = self.nodes.get_mut(key) {
            node.standing = standing;
            self.settle(key, standing);
        }
    }

    fn settle(&mut self, key: &ObjectKey, standing: Standing) {
        let of = (Arc::clone(&key.model), Arc::clone(&key.namespace));
        if standing == Standing::Unsettled {
            self.unsettled.entry(of).or_default().insert(key.clone());
        } else if let Some(keys) = self.unsettled.get_mut(&of) {
            keys.remove(key);
            if keys.is_empty() {
                self.unsettled.remove(&of);
            }
        }
    }

    /// Returns the number of objects.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns whether there is such an object.
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.nodes.contains_key(key)
    }

    /// Returns what an object is for those that depend on it; nothing if there is none.
    pub fn standing(&self, key: &ObjectKey) -> Option<Standing> {
        self.nodes.get(key).map(|node| node.standing)
    }

    /// Returns all objects of an address's class with its name: one, unless several kinds of the class share the name.
    pub fn at<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = ObjectKey> + 'a {
        self.shapes.heirs(&address.class).iter().map(|model| address.key(model)).filter(|key| self.contains(key))
    }

    fn targets<'a>(&'a self, edge: &'a Edge) -> impl Iterator<Item = ObjectKey> + 'a {
        self.at(&edge.address).filter(|key| edge.kind.as_ref().is_none_or(|kind| *kind == key.model))
    }

    /// Returns the objects that a link of the object leads to.
    pub fn linked(&self, key: &ObjectKey, port: &str) -> Vec<ObjectKey> {
        let Some(node) = self.nodes.get(key) else { return vec![] };
        let Some(link) = node.shape.link(port) else { return vec![] };
        node.edges.iter().filter(|edge| edge.link == link).flat_map(|edge| self.targets(edge)).collect()
    }

    /// Returns the objects whose links lead to the object by its reverse port of that name.
    pub fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<ObjectKey> {
        let Some(node) = self.nodes.get(key) else { return vec![] };
        let Some(reverse) = node.shape.reverse(port) else { return vec![] };
        let sources = self.incoming.get(&Address::of(&reverse.class, key)).into_iter().flatten();
        let leads_here = |source: &ObjectKey, link: usize| {
            let Some(other) = self.nodes.get(source) else { return false };
            other.shape.name_of(link) == Some(&reverse.link)
                && other.shape.is_a(&reverse.model)
                && other.edges.iter().any(|edge| edge.link == link && edge.means(&reverse.class, key))
        };
        sources.filter(|(source, link)| leads_here(source, *link)).map(|(source, _)| source.clone()).collect()
    }

    /// Returns what the object depends on: the peers of its links, existing or not, and what `dependency_graph` adds.
    pub fn dependencies<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = Dependency> + 'a {
        let node = self.nodes.get(key);
        let by_link = node.into_iter().flat_map(|node| node.edges.iter().flat_map(|edge| self.by_edge(node, edge)));
        let extra = node.into_iter().flat_map(|node| &node.shape.needs).flat_map(|need| self.by_need(key, need));
        by_link.chain(extra.map(Dependency::Present))
    }

    fn by_edge(&self, node: &Node, edge: &Edge) -> Vec<Dependency> {
        let is_to_one = node.shape.to_many(edge.link) == Some(false);
        let present = |key| match self.standing(&key) {
            Some(Standing::Leaving) if is_to_one => Dependency::Leaving(key),
            _ => Dependency::Present(key),
        };
        let all: Vec<_> = self.targets(edge).map(present).collect();
        if all.is_empty() { vec![Dependency::Missing(edge.address.clone())] } else { all }
    }

    /// Returns the objects that are being deleted and to which the object has to-one links: it goes with them.
    pub fn leaving<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = ObjectKey> + 'a {
        self.dependencies(key).filter_map(|dependency| match dependency {
            Dependency::Leaving(other) if other != *key => Some(other),
            _ => None,
        })
    }

    /// Returns where the object's to-one links lead to nothing.
    pub fn missing<'a>(&'a self, key: &'a ObjectKey) -> impl Iterator<Item = Address> + 'a {
        let node = self.nodes.get(key);
        let to_one = node
            .into_iter()
            .flat_map(|node| node.edges.iter().filter(|edge| node.shape.to_many(edge.link) == Some(false)));
        to_one.filter(|edge| self.targets(edge).next().is_none()).map(|edge| edge.address.clone())
    }

    /// Returns the objects that a dependency needs; of an unconditional one only the first few to wait for, so that the
    /// cost does not grow with all pairs.
    fn by_need(&self, key: &ObjectKey, need: &shape::Need) -> Vec<ObjectKey> {
        match need {
            shape::Need::All(class) => self.unsettled_of(class, &key.namespace).take(FEW).cloned().collect(),
            shape::Need::Linked(port) => self.linked(key, port),
            shape::Need::LinkedBack(port) => self.linked_back(key, port),
        }
    }

    /// Returns the objects of a class in a namespace that others have to wait for.
    fn unsettled_of<'a>(&'a self, class: &str, namespace: &'a Arc<str>) -> impl Iterator<Item = &'a ObjectKey> + 'a {
        let models = self.shapes.heirs(class).iter();
        models.filter_map(|model| self.unsettled.get(&(Arc::clone(model), Arc::clone(namespace)))).flatten()
    }

    /// Returns the objects with a link to this one, each once: they depend on it, and are deleted before it.
    pub fn dependants(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.sources(key, |_| true)
    }

    /// Returns the objects that XOS deletes together with this one: those with a to-one link to it, optional or not
    /// (Django's CASCADE).
    pub fn cascade(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.sources(key, |is_to_many| !is_to_many)
    }

    /// Returns the objects whose deletion takes this one along: the peers of its to-one links.
    pub fn taken_along_by(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        let Some(node) = self.nodes.get(key) else { return BTreeSet::new() };
        let to_one = node.edges.iter().filter(|edge| node.shape.to_many(edge.link) == Some(false));
        to_one.flat_map(|edge| self.targets(edge)).filter(|target| target != key).collect()
    }

    /// Returns whether an object, in the graph or not, goes together with another one: it has a to-one link to it.
    pub fn goes_with(&self, object: &Object, target: &ObjectKey) -> bool {
        let shapes = self.shapes.get(&object.model).zip(self.shapes.get(&target.model));
        let Some((shape, target_shape)) = shapes else { return false };
        let edges = edges::of(&shape, object);
        let mut to_one = edges.iter().filter(|edge| shape.to_many(edge.link) == Some(false));
        to_one.any(|edge| target_shape.ancestry.iter().any(|class| edge.means(class, target)))
    }

    fn sources(&self, key: &ObjectKey, wanted: impl Fn(bool) -> bool) -> BTreeSet<ObjectKey> {
        let Some(shape) = self.shapes.get(&key.model) else { return BTreeSet::new() };
        let mut found = BTreeSet::new();
        for class in &shape.ancestry {
            for (source, link) in self.incoming.get(&Address::of(class, key)).into_iter().flatten() {
                let node = self.nodes.get(source).filter(|node| node.shape.to_many(*link).is_some_and(&wanted));
                let is_meant = |node: &Node| node.edges.iter().any(|edge| edge.link == *link && edge.means(class, key));
                if source != key && node.is_some_and(is_meant) {
                    found.insert(source.clone());
                }
            }
        }
        found
    }

    /// Returns the names of the ports by which `source` leads to `target`.
    pub fn ports(&self, source: &ObjectKey, target: &ObjectKey) -> Vec<Arc<str>> {
        let Some(node) = self.nodes.get(source) else { return vec![] };
        let leads = node.edges.iter().filter(|edge| self.targets(edge).any(|key| key == *target));
        leads.filter_map(|edge| node.shape.name_of(edge.link).cloned()).collect()
    }
}

impl Address {
    /// Returns the address under which a link to `class` names the object.
    fn of(class: &Arc<str>, key: &ObjectKey) -> Self {
        Self { class: Arc::clone(class), namespace: Arc::clone(&key.namespace), name: Arc::clone(&key.name) }
    }

    fn key(&self, model: &Arc<str>) -> ObjectKey {
        ObjectKey { model: Arc::clone(model), namespace: Arc::clone(&self.namespace), name: Arc::clone(&self.name) }
    }
}

#[cfg(test)]
mod tests;
