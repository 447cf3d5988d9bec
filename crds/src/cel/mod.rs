//! Validators and immutable fields as CEL rules of the API server (`x-kubernetes-validations`).
//!
//! A validator becomes a rule as far as its policy depends on the object's own declarative fields and links; the rest
//! is left to the controller, with the reason ([`Left`]). In a policy, a field without a value is equal to `None` and
//! to nothing else, is false as a condition, and nothing is in it.

mod cost;
mod message;
mod operand;
mod text;
mod translate;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;
use xos_xproto::model::{Expr, ExprKind};
use xos_xproto::{Model, ModelSet, Section, Validator, camel_case};

use crate::sources;

pub use translate::Left;
use translate::{Rule, Translator};

/// How a validator is enforced.
#[derive(Clone, Debug, PartialEq)]
pub struct Enforcement {
    /// The validator's policy.
    pub policy: String,
    /// The rule on `spec` that the API server enforces: the whole policy, or some of the parts that must all
    /// hold.
    pub rule: Option<String>,
    /// The parts that the API server cannot evaluate, as written in the policy, and why.
    pub left: Vec<(String, Left)>,
}

/// Returns how each validator of a model is enforced.
pub fn enforcement(models: &ModelSet, model: &Model) -> Vec<Enforcement> {
    let parts = |validator: &Validator| {
        let (rule, left) = parts(models, model, validator);
        Enforcement { policy: validator.policy.clone(), rule: rule.map(|rule| rule.text), left }
    };
    model.validators.iter().map(parts).collect()
}

/// Returns the rules of a model's `spec`.
pub(crate) fn of_spec(models: &ModelSet, model: &Model) -> Option<Vec<ValidationRule>> {
    let validators = model.validators.iter().filter_map(|validator| {
        let rule = parts(models, model, validator).0?;
        let message = message::of(model, validator);
        Some(ValidationRule {
            rule: rule.text,
            message: Some(message.plain),
            message_expression: message.expression,
            ..ValidationRule::default()
        })
    });
    let rules: Vec<_> = validators.chain(immutable(model)).chain(sources::rules(model)).collect();
    Some(rules).filter(|rules| !rules.is_empty())
}

/// Returns the rule of a validator, and the parts that are left.
fn parts(models: &ModelSet, model: &Model, validator: &Validator) -> (Option<Rule>, Vec<(String, Left)>) {
    let Some(policy) = models.policy(&validator.policy) else { return (None, vec![]) };
    let mut rules = vec![];
    let mut left = vec![];
    for part in conjuncts(&policy.expr) {
        match Translator::new(models, model).translate(part) {
            Ok(rule) => rules.push(rule),
            Err(reason) => left.push((part.to_string(), reason)),
        }
    }
    let rule = (!rules.is_empty()).then(|| Rule::all(rules));
    (rule, left)
}

/// Returns the parts that must all hold.
fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![expr],
    }
}

/// Returns the rules of option `immutable`. They are on `spec`, because a rule on the field itself is not evaluated
/// when the field is added or removed.
fn immutable(model: &Model) -> impl Iterator<Item = ValidationRule> + '_ {
    let fields = model.fields_in(Section::Spec).filter(|f| f.immutable).map(|f| &f.name);
    let links = model.links_in(Section::Spec).filter(|l| l.immutable).map(|l| &l.name);
    fields.chain(links).map(|name| {
        let property = text::property(&camel_case(name));
        let new = format!("self.{property}");
        let old = format!("oldSelf.{property}");
        ValidationRule {
            rule: format!("has({new}) == has({old}) && (!has({new}) || {new} == {old})"),
            message: Some(format!("{name} cannot be changed after creation")),
            field_path: Some(format!(".{}", camel_case(name))),
            reason: Some("FieldValueForbidden".to_owned()),
            ..ValidationRule::default()
        }
    })
}
