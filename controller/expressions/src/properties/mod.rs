//! Properties: values that are computed from objects, one expression each, which belong to models.

mod compile;
mod conform;
mod evaluate;
mod faults;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use xos_xproto::{Model, Property as Declaration, ValueType};

use crate::expression::Expression;

pub use compile::{Declared, compile};
pub use evaluate::Evaluated;
pub use faults::{PropertyFault, PropertyProblem};

/// A property of a model, checked.
#[derive(Clone, Debug)]
pub struct Property {
    name: Arc<str>,
    declared_in: String,
    expression: Expression,
    ty: ValueType,
    follows_links: bool,
}

impl Property {
    /// Returns its name, as expressions have it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns its expression.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Returns the type of its values.
    pub fn ty(&self) -> &ValueType {
        &self.ty
    }

    fn declaration(&self) -> Declaration {
        Declaration {
            name: self.name.to_string(),
            ty: self.ty.clone(),
            declared_in: self.declared_in.clone(),
            follows_links: self.follows_links,
        }
    }
}

/// The properties of a set of models. Each model has those of its bases, too.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    by_model: BTreeMap<String, BTreeMap<Arc<str>, Arc<Property>>>,
}

impl Properties {
    /// Returns the properties of models that have none.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<Properties>> = LazyLock::new(Arc::default);
        Arc::clone(&NONE)
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_model.is_empty()
    }

    /// Returns the properties of a model, by name.
    pub fn of(&self, model: &str) -> impl Iterator<Item = &Arc<Property>> {
        self.by_model.get(model).into_iter().flat_map(BTreeMap::values)
    }

    /// Returns whether the same models have the same expressions.
    pub fn is_declared_as(&self, other: &Self) -> bool {
        let all = |of: &Self| -> Vec<(String, Arc<str>, String)> {
            let each = of.by_model.iter().flat_map(|(model, properties)| {
                properties.values().map(|one| (model.clone(), Arc::clone(&one.name), one.expression.text().to_owned()))
            });
            each.collect()
        };
        all(self) == all(other)
    }

    /// Returns whether a model has properties.
    pub fn has(&self, model: &str) -> bool {
        self.by_model.contains_key(model)
    }

    /// Returns a property of a model.
    pub fn get(&self, model: &str, name: &str) -> Option<&Arc<Property>> {
        self.by_model.get(model)?.get(name)
    }

    fn declarations(&self, model: &Model) -> Vec<Arc<Declaration>> {
        self.of(&model.name).map(|property| Arc::new(property.declaration())).collect()
    }
}
