//! The values of properties.

use std::sync::Arc;

use cel::common::value::Val;
use serde_json::{Map, Value as Json};
use xos_model::Object;
use xos_xproto::camel_case;

use super::conform::conform;
use super::{Properties, Property};
use crate::expression::EvaluationError;
use crate::json::to_json;
use crate::object::ObjectVal;
use crate::objects::Objects;
use crate::owned::owned;
use crate::reads::Reads;
use crate::run::Run;
use crate::scope::SELF;
use crate::values::Values;

/// How many objects the evaluation of one property may read, and values of other properties.
const MOST_READ: usize = 10_000;

/// The stack grows where less than this is left, by that much.
const RED_ZONE: usize = 256 << 10;
const STACK: usize = 1 << 20;

/// What the properties of an object come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// Their values, by name as custom resources have it (`fullName`). One that is null, or has a fault, is left out.
    pub values: Map<String, Json>,
    /// Those that could not be evaluated, by name, and why.
    pub faults: Vec<(Arc<str>, String)>,
    /// What was read for them.
    pub reads: Reads,
}

impl Properties {
    /// Returns the values of all properties of an object, as custom resources have them.
    pub fn evaluate(&self, object: &Arc<Object>, objects: Arc<dyn Objects>) -> Evaluated {
        let run = Arc::new(Run::new(objects, MOST_READ, true));
        let mut evaluated = Evaluated::default();
        for property in self.of(&object.model) {
            match property.value(object, &run) {
                Ok(value) => evaluated.values.extend(value.map(|value| (camel_case(&property.name), value))),
                Err(why) => evaluated.faults.push((Arc::clone(&property.name), why)),
            }
        }
        evaluated.reads = run.take_reads();
        evaluated
    }
}

impl Property {
    /// Returns the value of the property of an object; nothing if it is null.
    ///
    /// # Errors
    /// When it cannot be evaluated, or the value does not fit its type.
    pub fn evaluate(&self, object: &Arc<Object>, objects: Arc<dyn Objects>) -> Result<Option<Json>, EvaluationError> {
        let run = Arc::new(Run::new(objects, MOST_READ, false));
        let expression = self.expression.text().to_owned();
        self.value(object, &run).map_err(|why| EvaluationError { expression, why })
    }

    fn value(&self, object: &Arc<Object>, run: &Arc<Run>) -> Result<Option<Json>, String> {
        run.refill();
        let of = ObjectVal { object: Arc::clone(object), run: Arc::clone(run) };
        let value = of.compute(self)?;
        conform(&self.ty, to_json(value.as_ref())?)
    }

    /// Returns its value for an object, in an evaluation that has begun.
    pub(crate) fn compute(&self, of: &ObjectVal) -> Result<Arc<dyn Val>, String> {
        let values = Values::of_run(Arc::clone(&of.run)).with_value(SELF, Arc::new(of.clone()));
        // The stack of a thread is too small for some that are inside each other.
        stacker::maybe_grow(RED_ZONE, STACK, || self.expression.with_value_in(&values, owned).map(Arc::from))
    }
}
