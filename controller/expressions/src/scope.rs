//! The names that an expression may use.

use std::collections::BTreeMap;

use xos_xproto::{Member, Model, ModelSet, nearest};

use crate::types::Type;

/// The member of every object that has what Kubernetes knows of it.
pub(crate) const METADATA: &str = "metadata";

/// The variable that stands for the object that an expression is about.
pub(crate) const SELF: &str = "self";

/// The types of properties, by the model that declares them and their names: what is known while they are being checked.
pub(crate) type Drafts = BTreeMap<String, BTreeMap<String, Type>>;

/// The names that an expression may use, with their types.
#[derive(Clone, Debug)]
pub struct Scope<'m> {
    pub(crate) models: &'m ModelSet,
    variables: BTreeMap<String, Type>,
    /// Whether links can be followed.
    pub(crate) has_links: bool,
    /// Whether secret fields cannot be read.
    hides_secrets: bool,
    /// What is known of properties that are not among those of the models yet.
    drafts: Option<&'m Drafts>,
}

impl<'m> Scope<'m> {
    /// Returns one without variables.
    pub fn new(models: &'m ModelSet) -> Self {
        let variables = BTreeMap::new();
        Self { models, variables, has_links: true, hides_secrets: false, drafts: None }
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

    /// Returns the same for a property: `drafts` are all of them, and secrets cannot be read.
    pub(crate) fn of_property(self, drafts: &'m Drafts) -> Self {
        Self { hides_secrets: true, drafts: Some(drafts), ..self }
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
        if let Some(port) = self.models.reverse_links(model).find(|port| port.name == name) {
            return Some(Type::list(Type::object(&port.model)));
        }
        self.draft(model, name).cloned().or_else(|| model.property(name).map(|property| Type::of_value(&property.ty)))
    }

    /// Returns the type of a property that is being checked: of the nearest model that declares it.
    fn draft(&self, model: &Model, name: &str) -> Option<&'m Type> {
        model.ancestry.iter().find_map(|class| self.drafts?.get(class)?.get(name))
    }

    /// Returns whether a member of an object is a property.
    pub(crate) fn is_property(&self, model: &str, name: &str) -> bool {
        let Some(model) = self.models.get(model) else { return false };
        self.draft(model, name).is_some() || model.property(name).is_some()
    }

    /// Returns whether a member of an object is one that must not be read.
    pub(crate) fn is_hidden(&self, model: &str, name: &str) -> bool {
        self.hides_secrets && self.models.get(model).is_some_and(|model| model.is_secret(name))
    }

    /// Returns whether a member of an object leads to other objects.
    pub(crate) fn is_link(&self, model: &str, name: &str) -> bool {
        let Some(model) = self.models.get(model) else { return false };
        let leads = |property: &xos_xproto::Property| property.follows_links;
        model.link(name).is_some()
            || self.models.reverse_links(model).any(|port| port.name == name)
            || model.property(name).is_some_and(leads)
    }

    /// Returns the member of an object whose name is nearest to one that is not there.
    pub(crate) fn nearest_member(&self, model: &str, name: &str) -> Option<String> {
        let model = self.models.get(model)?;
        let mut all = members(self.models, model);
        let drafts = model.ancestry.iter().filter_map(|class| self.drafts?.get(class));
        all.extend(drafts.flat_map(BTreeMap::keys).map(String::as_str));
        // As custom resources have it.
        let camel = all.iter().find(|member| xos_xproto::camel_case(member) == name).map(|&member| member.to_owned());
        camel.or_else(|| nearest(name, all))
    }
}

fn members<'m>(models: &'m ModelSet, model: &'m Model) -> Vec<&'m str> {
    let ports = models.reverse_links(model).map(|port| port.name.as_str());
    let properties = model.properties.iter().map(|property| property.name.as_str());
    model.members().map(Member::name).chain(ports).chain(properties).chain([METADATA]).collect()
}

/// Returns the type of what Kubernetes knows of an object.
fn metadata() -> Type {
    let texts = ["name", "namespace", "uid"].map(|name| (name, Type::Text));
    let others = [("generation", Type::Int), ("creation_timestamp", Type::Text), ("deleting", Type::Bool)];
    Type::record("metadata", texts.into_iter().chain(others))
}
