//! The models and policies of a set of files.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Model, Name, Policy, Property, ReverseLink};
use crate::source::SourceId;

/// The models of a set of files.
#[derive(Clone, Debug, Default)]
pub struct ModelSet {
    models: Vec<Model>,
    by_name: HashMap<Name, usize>,
    policies: Vec<Policy>,
    policies_by_name: HashMap<String, usize>,
}

impl ModelSet {
    pub(crate) fn new(models: Vec<Model>, policies: Vec<Policy>) -> Self {
        // A model ends its own lineage.
        let name = |model: &Model| model.lineage.last().cloned().unwrap_or_else(|| model.name.as_str().into());
        let by_name = models.iter().enumerate().map(|(at, model)| (name(model), at)).collect();
        let policies_by_name = policies.iter().enumerate().map(|(at, policy)| (policy.name.clone(), at)).collect();
        Self { models, by_name, policies, policies_by_name }
    }

    /// Returns all models in the order of their declaration; the built-in `XOSBase` comes first.
    pub fn iter(&self) -> std::slice::Iter<'_, Model> {
        self.models.iter()
    }

    /// Returns the model of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.by_name.get(name).and_then(|&at| self.models.get(at))
    }

    /// Returns all policies in the order of their declaration.
    pub fn policies(&self) -> std::slice::Iter<'_, Policy> {
        self.policies.iter()
    }

    /// Returns the policy of that name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies_by_name.get(name).and_then(|&at| self.policies.get(at))
    }

    /// Returns the links that lead to a model or to one that it inherits from and have a port there: those of bases
    /// first.
    pub fn reverse_links(&self, model: &Model) -> impl Iterator<Item = &Arc<ReverseLink>> {
        model.lineage.iter().filter_map(|name| self.get(name)).flat_map(|model| &model.reverse_links)
    }

    /// Returns the models of which the set has objects: the kinds. All but the abstract ones, and those of the core
    /// that the set only refers to.
    pub fn concrete(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(|model| model.has_objects())
    }

    /// Returns the set with these models, and what they inherit from, among its kinds. Unknown names mean nothing.
    #[must_use]
    pub fn naming<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let models = names.into_iter().filter_map(|name| self.get(name)).filter(|model| model.is_referred);
        let named: BTreeSet<_> = models.flat_map(|model| model.ancestry.clone()).collect();
        for name in named {
            if let Some(model) = self.by_name.get(name.as_str()).and_then(|&at| self.models.get_mut(at)) {
                model.is_referred = false;
            }
        }
        self
    }

    /// Marks the core's built-in models as only referred to, but for those named and what these inherit from.
    pub(crate) fn refer<'a>(mut self, named: impl IntoIterator<Item = &'a str>) -> Self {
        for model in &mut self.models {
            model.is_referred = model.span.source == SourceId::CORE;
        }
        self.naming(named)
    }

    /// Returns the models whose objects are of a class: the class itself, if the set has objects of it, and all
    /// concrete models that inherit from it. Those of a class that is only referred to are none: what inherits from a
    /// class names it.
    pub fn of_class<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Model> {
        self.concrete().filter(move |model| model.is_a(class))
    }

    /// Returns the same set, with the properties that `of` has for each model.
    #[must_use]
    pub fn with_properties(mut self, of: impl Fn(&Model) -> Vec<Arc<Property>>) -> Self {
        for model in &mut self.models {
            model.properties = of(model);
        }
        self
    }

    /// Returns whether other models inherit from this one.
    #[must_use]
    pub fn is_base(&self, class: &str) -> bool {
        self.models.iter().any(|model| model.name != class && model.is_a(class))
    }
}

impl<'a> IntoIterator for &'a ModelSet {
    type Item = &'a Model;
    type IntoIter = std::slice::Iter<'a, Model>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
