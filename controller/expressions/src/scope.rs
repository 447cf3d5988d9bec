//! The names that an expression may use.

use std::collections::BTreeMap;

use xos_xproto::{Member, Model, ModelSet, nearest};

use crate::types::Type;

/// The member of every object that has what Kubernetes knows of it.
pub(crate) const METADATA: &str = "metadata";

/// The names that an expression may use, with their types.
#[derive(Clone, Debug)]
pub struct Scope<'m> {
    pub(crate) models: &'m ModelSet,
    variables: BTreeMap<String, Type>,
    /// Whether links can be followed.
    pub(crate) has_links: bool,
}

impl<'m> Scope<'m> {
    /// Returns one without variables.
    pub fn new(models: &'m ModelSet) -> Self {
        Self { models, variables: BTreeMap::new(), has_links: true }
    }

    /// Returns the same with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, of: Type) -> Self {
        self.variables.insert(name.to_owned(), of);
        self
    }

    /// Returns the same where other objects are not known, so that links cannot be followed.
    #[must_use]
    pub fn without_links(self) -> Self {
        Self { has_links: false, ..self }
    }

    /// Returns the models.
    pub fn models(&self) -> &'m ModelSet {
        self.models
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.variables.keys()
    }

    /// Returns the type of a member of an object: of a field, a link, a reverse link or `metadata`.
    pub(crate) fn member(&self, model: &str, name: &str) -> Option<Type> {
        if name == METADATA {
            return Some(metadata());
        }
        // Of a model that is not there nothing is known.
        let Some(model) = self.models.get(model) else { return Some(Type::Any) };
        if let Some(field) = model.field(name) {
            return Some(Type::of_field(field));
        }
        if let Some(link) = model.link(name) {
            let peer = Type::object(&link.peer);
            return Some(if link.is_to_many() { Type::list(peer) } else { peer });
        }
        let port = self.models.reverse_links(model).find(|port| port.name == name)?;
        Some(Type::list(Type::object(&port.model)))
    }

    /// Returns whether a member of an object leads to other objects.
    pub(crate) fn is_link(&self, model: &str, name: &str) -> bool {
        let Some(model) = self.models.get(model) else { return false };
        model.link(name).is_some() || self.models.reverse_links(model).any(|port| port.name == name)
    }

    /// Returns the member of an object whose name is nearest to one that is not there.
    pub(crate) fn nearest_member(&self, model: &str, name: &str) -> Option<String> {
        let model = self.models.get(model)?;
        let all = members(self.models, model);
        // As custom resources have it.
        let camel = all.iter().find(|member| xos_xproto::camel_case(member) == name).map(|&member| member.to_owned());
        camel.or_else(|| nearest(name, all))
    }
}

fn members<'m>(models: &'m ModelSet, model: &'m Model) -> Vec<&'m str> {
    let ports = models.reverse_links(model).map(|port| port.name.as_str());
    model.members().map(Member::name).chain(ports).chain([METADATA]).collect()
}

/// Returns the type of what Kubernetes knows of an object.
fn metadata() -> Type {
    let texts = ["name", "namespace", "uid"].map(|name| (name, Type::Text));
    let others = [("generation", Type::Int), ("creation_timestamp", Type::Text), ("deleting", Type::Bool)];
    Type::record("metadata", texts.into_iter().chain(others))
}
