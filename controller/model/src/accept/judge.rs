//! Validators that depend on other objects.
//!
//! What cannot be known (the user, the old object, Python, an object that does not exist yet) refuses no object.

use std::sync::Arc;

use serde_json::Value;
use xos_xproto::model::{ExprKind, Root, Step, TermKind};
use xos_xproto::{Model, ModelSet, Validator};

use super::Refusal;
use crate::index::Index;
use crate::object::Object;
use crate::policy::{Evaluator, Purpose, Scope, Val};
use crate::secret::HIDDEN;

/// Returns whether a validator follows a link or quantifies over a model, so that the API server cannot evaluate it.
pub(super) fn speaks_of_others(models: &ModelSet, model: &Model, validator: &Validator) -> bool {
    let Some(policy) = models.policy(&validator.policy) else { return false };
    let mut found = false;
    policy.expr.walk(&mut |part| {
        found |= matches!(part.kind, ExprKind::Exists(_) | ExprKind::Forall(_));
        found |= part.terms().any(|term| match &term.kind {
            TermKind::Call(_) => true,
            TermKind::Path(path) => path.root == Root::Object && leads_away(model, &path.steps),
            _ => false,
        });
    });
    found
}

fn leads_away(model: &Model, steps: &[Step]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return false };
    match model.link(&first.name) {
        Some(_) => rest.iter().any(|step| !["id", "pk", "all"].contains(&step.name.as_str())),
        // A reverse port.
        None => model.field(&first.name).is_none(),
    }
}

/// Evaluates the validators of one object.
pub(super) struct Judge<'a> {
    evaluator: Evaluator<'a>,
    object: Arc<Object>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(index: &'a Index, object: &Object) -> Self {
        let evaluator = Evaluator::new(index, &object.meta.namespace, Purpose::Validity);
        Self { evaluator, object: Arc::new(object.clone()) }
    }

    pub(super) fn refusal(&self, model: &Model) -> Option<Refusal> {
        let scope = Scope::of(Arc::clone(&self.object));
        let fails = |validator: &&Validator| {
            let policy = self.evaluator.models().policy(&validator.policy);
            policy.is_some_and(|policy| self.evaluator.holds(&policy.expr, &scope) == Some(false))
        };
        let failed = model.validators.iter().find(fails)?;
        let message = self.message(&failed.message);
        let mut because_of = self.evaluator.seen.take();
        because_of.remove(&self.object.key());
        let because_of_classes = self.evaluator.classes.take();
        Some(Refusal { reason: "Invalid", message, because_of, because_of_classes })
    }

    /// Fills in the `{obj.slice.name}` of a message; an object is shown by its name.
    fn message(&self, text: &str) -> String {
        let words: Vec<_> = text.split_whitespace().collect();
        let text = words.join(" ");
        let mut message = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{')
            && let Some((inner, next)) = behind.split_once('}')
        {
            message.push_str(before);
            message.push_str(&self.said(inner).unwrap_or_else(|| format!("{{{inner}}}")));
            rest = next;
        }
        message + rest
    }

    fn said(&self, path: &str) -> Option<String> {
        let mut names = path.split('.');
        (names.next()? == "obj").then_some(())?;
        let names: Vec<_> = names.collect();
        if let Some((last, before)) = names.split_last()
            && let Val::Object(object) = self.follow(before)
            && self.evaluator.models().get(&object.model).is_some_and(|model| model.is_secret(last))
        {
            return Some(HIDDEN.to_owned());
        }
        match self.follow(&names) {
            Val::Json(Value::String(text)) => Some(text),
            Val::Json(Value::Null) => Some(String::new()),
            Val::Json(value) => Some(value.to_string()),
            Val::Object(object) => Some(object.text("name").unwrap_or(&object.meta.name).to_owned()),
            Val::Objects(_) | Val::Unknown => None,
        }
    }

    /// Returns the value at the end of names that begin at the object.
    fn follow(&self, names: &[&str]) -> Val {
        self.evaluator.follow(Val::Object(Arc::clone(&self.object)), names)
    }
}
