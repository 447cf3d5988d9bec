//! What the variables of an expression stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value as Json;
use xos_model::Object;

use crate::json::from_json;
use crate::object::ObjectVal;
use crate::objects::Objects;
use crate::run::Run;

/// How many objects an evaluation may read.
const MOST_OBJECTS: usize = 100_000;

/// What the variables of an expression stand for, and the objects to which links lead.
#[derive(Clone)]
pub struct Values {
    pub(crate) run: Arc<Run>,
    variables: BTreeMap<String, Arc<dyn Val>>,
}

impl Values {
    /// Returns no variables.
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self::of_run(Arc::new(Run::new(objects, MOST_OBJECTS, false)))
    }

    /// Returns no variables, for a part of an evaluation.
    pub(crate) fn of_run(run: Arc<Run>) -> Self {
        Self { run, variables: BTreeMap::new() }
    }

    /// Returns the same, with a variable that stands for an object.
    #[must_use]
    pub fn with_object(mut self, name: &str, object: &Arc<Object>) -> Self {
        let object = ObjectVal { object: Arc::clone(object), run: Arc::clone(&self.run) };
        self.variables.insert(name.to_owned(), Arc::new(object));
        self
    }

    /// Returns the same, with a variable that stands for a value of the same evaluation.
    pub(crate) fn with_value(mut self, name: &str, value: Arc<dyn Val>) -> Self {
        self.variables.insert(name.to_owned(), value);
        self
    }

    /// Returns the same, with a variable that stands for a JSON value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &Json) -> Self {
        self.variables.insert(name.to_owned(), Arc::from(from_json(value)));
        self
    }
}

impl VariableResolver for Values {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        self.variables.get(variable).map(|value| CowVal::Borrowed(value.as_ref()))
    }
}

/// Their names: a value may be a secret.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
