//! Expressions: checked once, evaluated often.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::ast::IdedExpr;
use cel::common::types::{CelBool, CelList};
use cel::common::value::Val;
use cel::{Context, ExecutionError, Value};
use serde_json::Value as Json;
use xos_model::Object;

use crate::check::{Check, Use};
use crate::environment::environment;
use crate::fault::{Fault, Faults};
use crate::json::to_json;
use crate::object::ObjectVal;
use crate::scope::Scope;
use crate::types::Type;
use crate::values::Values;

/// The longest expression, in bytes: what is longer is no expression that people write.
const LONGEST: usize = 10_000;

/// An expression that fits the models.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: IdedExpr,
    of: Type,
    /// The properties that it uses.
    pub(crate) uses: Vec<Use>,
    /// Whether it follows links.
    pub(crate) follows_links: bool,
    /// The models whose objects it reads by links.
    reads: BTreeSet<String>,
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}`: {why}")]
pub struct EvaluationError {
    /// The expression.
    pub expression: String,
    /// Why it has no value.
    pub why: String,
}

impl Expression {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// Says all that is wrong with it, and where.
    pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Self, Faults> {
        if text.len() > LONGEST {
            let message = format!("an expression has at most {LONGEST} characters");
            return Err(Faults(vec![Fault::new(message, 0..0)]));
        }
        let internal = |error: String| Faults(vec![Fault::new(error, 0..text.len())]);
        let environment = environment().map_err(internal)?;
        let parsed = environment.parser().parse_with_source_info(text);
        let (mut root, source) = parsed.map_err(|errors| syntax(&errors, text))?;
        let mut check = Check::new(scope, &source);
        let of = check.expr(&mut root);
        if check.faults.is_empty() {
            let Check { uses, follows_links, reads, .. } = check;
            return Ok(Self { text: text.trim().to_owned(), root, of, uses, follows_links, reads });
        }
        Err(Faults(check.faults))
    }

    /// Reads and checks an expression whose value has to be of a type.
    ///
    /// # Errors
    /// As for [`compile`](Self::compile), and when it is of another type.
    pub fn compile_as(text: &str, scope: &Scope<'_>, wanted: &Type) -> Result<Self, Faults> {
        let compiled = Self::compile(text, scope)?;
        if wanted.takes(&compiled.of, scope.models()) {
            return Ok(compiled);
        }
        let message = format!("this is of type {}, and should be of type {wanted}", compiled.of);
        Err(Faults(vec![Fault::new(message, 0..text.len())]))
    }

    /// Returns the type of its values.
    pub fn of(&self) -> &Type {
        &self.of
    }

    /// Returns the names of the models whose objects it reads by links.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(String::as_str)
    }

    /// Returns the text of the expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns its value.
    ///
    /// # Errors
    /// When it has none for these variables, or none that JSON has.
    pub fn evaluate(&self, values: &Values) -> Result<Json, EvaluationError> {
        self.with_value(values, |value| to_json(value))
    }

    /// Returns whether it is true. Null counts as false.
    ///
    /// # Errors
    /// When it has no value, or one that is neither true nor false.
    pub fn is_true(&self, values: &Values) -> Result<bool, EvaluationError> {
        self.with_value(values, |value| match value.downcast_ref::<CelBool>() {
            Some(flag) => Ok(*flag.inner()),
            None if to_json(value).is_ok_and(|json| json.is_null()) => Ok(false),
            None => Err("this is neither true nor false".to_owned()),
        })
    }

    /// Returns the objects that it stands for: one, none where it is null, or those of a list.
    ///
    /// # Errors
    /// When it has no value, or one that is no object and no list of objects.
    pub fn objects(&self, values: &Values) -> Result<Vec<Arc<Object>>, EvaluationError> {
        self.with_value(values, |value| {
            if let Some(list) = value.downcast_ref::<CelList<'_>>() {
                return list.inner().iter().filter_map(|item| object(item.as_ref()).transpose()).collect();
            }
            object(value).map(|one| one.into_iter().collect())
        })
    }

    /// Returns the same variables once for each item of the list that it stands for, with `name` for the item.
    ///
    /// # Errors
    /// When it has no value, or one that is no list.
    pub fn each(&self, values: &Values, name: &str) -> Result<Vec<Values>, EvaluationError> {
        self.with_value(values, |value| {
            let with = |item: &dyn Val| -> Result<Values, String> {
                match item.downcast_ref::<ObjectVal>() {
                    Some(object) => Ok(values.clone().with_object(name, &object.object)),
                    None => Ok(values.clone().with(name, &to_json(item)?)),
                }
            };
            if let Some(list) = value.downcast_ref::<CelList<'_>>() {
                return list.inner().iter().map(|item| with(item.as_ref())).collect();
            }
            match to_json(value) {
                Ok(Json::Null) => Ok(vec![]),
                _ => Err("this is no list".to_owned()),
            }
        })
    }

    fn with_value<T>(
        &self,
        values: &Values,
        use_it: impl FnOnce(&dyn Val) -> Result<T, String>,
    ) -> Result<T, EvaluationError> {
        let wrong = |why: String| EvaluationError { expression: self.text.clone(), why };
        values.run.begin();
        self.with_value_in(values, use_it).map_err(wrong)
    }

    /// Uses its value in an evaluation that has begun.
    pub(crate) fn with_value_in<T>(
        &self,
        values: &Values,
        use_it: impl FnOnce(&dyn Val) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut context = Context::with_env(environment()?);
        context.set_variable_resolver(values);
        let value = Value::resolve_val(&self.root, &context).map_err(|error| explained(&error))?;
        use_it(value.as_ref())
    }
}

/// Returns an object; none if it is null.
fn object(value: &dyn Val) -> Result<Option<Arc<Object>>, String> {
    match value.downcast_ref::<ObjectVal>() {
        Some(object) => Ok(Some(Arc::clone(&object.object))),
        None if to_json(value).is_ok_and(|json| json.is_null()) => Ok(None),
        None => Err("this is no object".to_owned()),
    }
}

fn syntax(errors: &cel::ParseErrors, text: &str) -> Faults {
    let fault = |error: &cel::ParseError| {
        let (line, column) = (usize::try_from(error.pos.0).unwrap_or(1), usize::try_from(error.pos.1).unwrap_or(1));
        let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = text.get(start..).unwrap_or_default();
        let at = start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(byte, _)| byte);
        Fault::new(format!("this is no expression: {}", error.msg), at..text.len().min(at + 1))
    };
    Faults(errors.errors.iter().take(1).map(fault).collect())
}

/// Returns why there is no value, in words for those who wrote the expression.
fn explained(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{key}` in it"),
        ExecutionError::NoSuchOverload(error) if error.argument_types().iter().any(|of| of == "null_type") => {
            format!("a part of it has no value (null), and `{}` needs one", error.function().trim_matches('_'))
        }
        ExecutionError::UnsupportedBinaryOperator(_, one, other)
            if [one, other].iter().any(|value| matches!(value, Value::Null)) =>
        {
            "a part of it has no value (null)".to_owned()
        }
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::IndexOutOfBounds(_) => "the list has no item of this number".to_owned(),
        error => error.to_string(),
    }
}
