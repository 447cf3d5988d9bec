//! The facts about models that the graph needs.

use std::collections::HashMap;
use std::sync::Arc;

use xos_xproto::{Model, ModelSet};

use super::extra::{ExtraDependency, GraphError, need};

/// The models, by name.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    by_model: HashMap<Arc<str>, Arc<Shape>>,
    /// The concrete models of each class.
    heirs: HashMap<Arc<str>, Vec<Arc<str>>>,
}

/// One model that has objects.
#[derive(Debug)]
pub(super) struct Shape {
    /// The model and all it inherits from.
    pub(super) ancestry: Vec<Arc<str>>,
    links: Vec<LinkShape>,
    reverse: Vec<ReverseShape>,
    /// What `dependency_graph` adds.
    pub(super) needs: Vec<Need>,
}

#[derive(Debug, PartialEq, Eq)]
struct LinkShape {
    name: Arc<str>,
    peer: Arc<str>,
    is_to_many: bool,
    /// Whether nothing names its peer, so that no object of it is known here.
    is_referred: bool,
}

/// A reverse port.
#[derive(Debug)]
pub(super) struct ReverseShape {
    name: Arc<str>,
    /// The class that has the port.
    pub(super) class: Arc<str>,
    /// The model that declares the link.
    pub(super) model: Arc<str>,
    /// The link.
    pub(super) link: Arc<str>,
}

/// A dependency beside the links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// On all objects of a class in the same namespace.
    All(Arc<str>),
    /// On the peers of a link.
    Linked(Arc<str>),
    /// On the objects whose links lead here, by reverse port.
    LinkedBack(Arc<str>),
}

impl Shapes {
    pub(super) fn of(models: &ModelSet, extra: &[ExtraDependency]) -> Result<Self, GraphError> {
        let mut heirs: HashMap<Arc<str>, Vec<Arc<str>>> = HashMap::new();
        for model in models.concrete() {
            for class in &model.ancestry {
                heirs.entry(Arc::from(class.as_str())).or_default().push(Arc::from(model.name.as_str()));
            }
        }
        let mut by_model: HashMap<Arc<str>, Shape> =
            models.concrete().map(|model| (Arc::from(model.name.as_str()), Shape::of(models, model))).collect();
        for dependency in extra {
            let (heirs, need) = need(models, dependency)?;
            for model in heirs {
                if let Some(shape) = by_model.get_mut(model.as_str()) {
                    shape.needs.push(need.clone());
                }
            }
        }
        Ok(Self { by_model: by_model.into_iter().map(|(name, shape)| (name, Arc::new(shape))).collect(), heirs })
    }

    pub(super) fn get(&self, model: &str) -> Option<Arc<Shape>> {
        self.by_model.get(model).cloned()
    }

    /// Returns the models that have the same links here as there.
    pub(super) fn with_links_of<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<Shape>)> {
        let is_same = |(model, shape): &(&Arc<str>, &Arc<Shape>)| {
            other.by_model.get(*model).is_some_and(|other| other.links == shape.links)
        };
        self.by_model.iter().filter(is_same)
    }

    pub(super) fn heirs(&self, class: &str) -> &[Arc<str>] {
        self.heirs.get(class).map_or(&[], Vec::as_slice)
    }
}

impl Shape {
    fn of(models: &ModelSet, model: &Model) -> Self {
        let links = model.links.iter().map(|link| LinkShape {
            name: Arc::from(link.name.as_str()),
            peer: Arc::from(link.peer.as_str()),
            is_to_many: link.is_to_many(),
            is_referred: models.get(&link.peer).is_some_and(|peer| peer.is_referred),
        });
        let reverse = models.reverse_links(model).map(|reverse| ReverseShape {
            name: Arc::from(reverse.name.as_str()),
            class: Arc::from(reverse.link.peer.as_str()),
            model: Arc::from(reverse.model.as_str()),
            link: Arc::from(reverse.link.name.as_str()),
        });
        Self {
            ancestry: model.ancestry.iter().map(|name| Arc::from(name.as_str())).collect(),
            links: links.collect(),
            reverse: reverse.collect(),
            needs: vec![],
        }
    }

    /// Returns number, name and peer of each link whose peers are known here: nothing waits for others, or goes with
    /// them.
    pub(super) fn links(&self) -> impl Iterator<Item = (usize, &str, &Arc<str>)> {
        let known = self.links.iter().enumerate().filter(|(_, link)| !link.is_referred);
        known.map(|(at, link)| (at, link.name.as_ref(), &link.peer))
    }

    pub(super) fn link(&self, port: &str) -> Option<usize> {
        self.links.iter().position(|link| link.name.as_ref() == port)
    }

    pub(super) fn name_of(&self, link: usize) -> Option<&Arc<str>> {
        self.links.get(link).map(|link| &link.name)
    }

    pub(super) fn to_many(&self, link: usize) -> Option<bool> {
        self.links.get(link).map(|link| link.is_to_many)
    }

    pub(super) fn reverse(&self, port: &str) -> Option<&ReverseShape> {
        self.reverse.iter().find(|reverse| reverse.name.as_ref() == port)
    }

    pub(super) fn is_a(&self, class: &str) -> bool {
        self.ancestry.iter().any(|name| name.as_ref() == class)
    }
}
