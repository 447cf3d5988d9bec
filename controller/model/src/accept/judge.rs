//! Validators that depend on other objects.
//!
//! What cannot be known (the user, the old object, Python, an object that does not exist yet) refuses no object.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use xos_xproto::model::{Expr, ExprKind, Path, Quantifier, Root, Step, Term, TermKind};
use xos_xproto::{Model, ModelSet, Validator};

use super::Refusal;
use crate::index::{Index, value};
use crate::object::{Object, ObjectKey};
use crate::query::{Criterion, Query};
use crate::reference::Reference;
use crate::secret::HIDDEN;

/// The greatest depth of calls between policies.
const DEEPEST: usize = 32;

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

/// A value in a policy.
#[derive(Clone, Debug)]
enum Val {
    Json(Value),
    Object(Arc<Object>),
    Objects(Vec<Arc<Object>>),
    Unknown,
}

/// Evaluates the validators of one object.
pub(super) struct Judge<'a> {
    index: &'a Index,
    object: Arc<Object>,
    seen: RefCell<BTreeSet<ObjectKey>>,
    classes: RefCell<BTreeSet<String>>,
}

/// The meaning of names: `obj`, and the models of quantifiers.
#[derive(Clone)]
struct Scope {
    object: Arc<Object>,
    bound: HashMap<String, Arc<Object>>,
    depth: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn new(index: &'a Index, object: &Object) -> Self {
        Self { index, object: Arc::new(object.clone()), seen: RefCell::default(), classes: RefCell::default() }
    }

    pub(super) fn refusal(&self, model: &Model) -> Option<Refusal> {
        let scope = Scope { object: Arc::clone(&self.object), bound: HashMap::new(), depth: 0 };
        let fails = |validator: &&Validator| {
            let policy = self.index.models().policy(&validator.policy);
            policy.is_some_and(|policy| self.holds(&policy.expr, &scope) == Some(false))
        };
        let failed = model.validators.iter().find(fails)?;
        let message = self.message(&failed.message, &scope);
        let because_of = self.seen.take();
        let because_of_classes = self.classes.take();
        Some(Refusal { reason: "Invalid", message, because_of, because_of_classes })
    }

    /// Returns whether the expression holds; `None` if that cannot be known.
    fn holds(&self, expr: &Expr, scope: &Scope) -> Option<bool> {
        match &expr.kind {
            ExprKind::Implies(left, right) => {
                or([self.holds(left, scope).map(|holds| !holds), self.holds(right, scope)])
            }
            ExprKind::Or(parts) => or(parts.iter().map(|part| self.holds(part, scope))),
            ExprKind::And(parts) => and(parts.iter().map(|part| self.holds(part, scope))),
            ExprKind::Not(inner) => self.holds(inner, scope).map(|holds| !holds),
            ExprKind::Exists(quantifier) => or(self.each(quantifier, scope)),
            ExprKind::Forall(quantifier) => and(self.each(quantifier, scope)),
            ExprKind::Equals(left, right) => equal(&self.term(left, scope), &self.term(right, scope)),
            ExprKind::In(left, right) => contains(&self.term(right, scope), &self.term(left, scope)),
            ExprKind::Holds(term) => self.term_holds(term, scope),
        }
    }

    fn each(&self, quantifier: &Quantifier, scope: &Scope) -> Vec<Option<bool>> {
        self.classes.borrow_mut().insert(quantifier.model.clone());
        let all = self.index.query(&Query::of(&quantifier.model, Some(&self.object.meta.namespace)));
        let all = all.unwrap_or_default().into_iter();
        let body = |one: Arc<Object>| {
            self.seen.borrow_mut().insert(one.key());
            let mut inner = scope.clone();
            inner.bound.insert(quantifier.model.clone(), one);
            self.holds(&quantifier.body, &inner)
        };
        all.map(body).collect()
    }

    fn term_holds(&self, term: &Term, scope: &Scope) -> Option<bool> {
        if let TermKind::Call(call) = &term.kind {
            let policy = self.index.models().policy(&call.policy).filter(|_| scope.depth < DEEPEST)?;
            return match self.path(&call.argument, scope) {
                Val::Object(object) => {
                    self.holds(&policy.expr, &Scope { object, bound: HashMap::new(), depth: scope.depth + 1 })
                }
                Val::Json(Value::Null) => Some(true),
                _ => None,
            };
        }
        match self.term(term, scope) {
            Val::Unknown => None,
            Val::Object(_) => Some(true),
            Val::Objects(all) => Some(!all.is_empty()),
            Val::Json(value) => Some(match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Number(number) => number.as_f64() != Some(0.0),
                Value::Array(all) => !all.is_empty(),
                Value::Bool(true) | Value::Object(_) => true,
            }),
        }
    }

    fn term(&self, term: &Term, scope: &Scope) -> Val {
        match &term.kind {
            TermKind::Str(text) => Val::Json(text.as_str().into()),
            TermKind::Int(number) => Val::Json((*number).into()),
            TermKind::Float(number) => Val::Json((*number).into()),
            TermKind::Bool(value) => Val::Json((*value).into()),
            TermKind::Null => Val::Json(Value::Null),
            TermKind::Path(path) => self.path(path, scope),
            TermKind::Call(_) => self.term_holds(term, scope).map_or(Val::Unknown, |holds| Val::Json(holds.into())),
            TermKind::Python(_) => Val::Unknown,
        }
    }

    fn path(&self, path: &Path, scope: &Scope) -> Val {
        let start = match &path.root {
            Root::Object => Some(Arc::clone(&scope.object)),
            Root::Bound(name) => scope.bound.get(name).cloned(),
            Root::Old | Root::User | Root::WriteAccess | Root::ReadAccess | Root::Unknown(_) => None,
        };
        let names: Vec<_> = path.steps.iter().map(|step| step.name.as_str()).collect();
        start.map_or(Val::Unknown, |object| self.follow(object, &names))
    }

    fn follow(&self, object: Arc<Object>, names: &[&str]) -> Val {
        let mut at = Val::Object(object);
        for name in names {
            at = match at {
                Val::Object(object) => self.member(&object, name),
                Val::Objects(all) if *name == "all" => Val::Objects(all),
                // A path after a missing value has no value.
                Val::Json(Value::Null) => Val::Json(Value::Null),
                _ => Val::Unknown,
            };
        }
        at
    }

    fn member(&self, object: &Arc<Object>, name: &str) -> Val {
        let Some(model) = self.index.models().get(&object.model) else { return Val::Unknown };
        if let Some(link) = model.link(name) {
            return self.linked(object, &link.peer, object.fields.get(name), link.is_to_many());
        }
        if model.field(name).is_some() {
            return Val::Json(value(model, object, name));
        }
        if name == "id" || name == "pk" {
            return Val::Object(Arc::clone(object));
        }
        let back = self.index.linked_back(&object.key(), name);
        Val::Objects(back.into_iter().inspect(|one| self.see(one)).cloned().collect())
    }

    fn linked(&self, object: &Object, peer: &str, value: Option<&Value>, is_to_many: bool) -> Val {
        let at = |one: &Value| {
            let reference: Reference = serde_json::from_value(one.clone()).ok()?;
            let found = self.index.at(peer, &object.meta.namespace, &reference).first().copied().cloned()?;
            self.see(&found);
            Some(found)
        };
        match value {
            None | Some(Value::Null) if is_to_many => Val::Objects(vec![]),
            None | Some(Value::Null) => Val::Json(Value::Null),
            Some(Value::Array(all)) => Val::Objects(all.iter().filter_map(at).collect()),
            // It does not exist yet: the object waits for it anyway.
            Some(one) => at(one).map_or(Val::Unknown, Val::Object),
        }
    }

    fn see(&self, object: &Object) {
        if object.key() != self.object.key() {
            self.seen.borrow_mut().insert(object.key());
        }
    }

    /// Fills in the `{obj.slice.name}` of a message; an object is shown by its name.
    fn message(&self, text: &str, scope: &Scope) -> String {
        let words: Vec<_> = text.split_whitespace().collect();
        let text = words.join(" ");
        let mut message = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{')
            && let Some((inner, next)) = behind.split_once('}')
        {
            message.push_str(before);
            message.push_str(&self.said(inner, scope).unwrap_or_else(|| format!("{{{inner}}}")));
            rest = next;
        }
        message + rest
    }

    fn said(&self, path: &str, scope: &Scope) -> Option<String> {
        let mut names = path.split('.');
        (names.next()? == "obj").then_some(())?;
        let names: Vec<_> = names.collect();
        if let Some((last, before)) = names.split_last()
            && let Val::Object(object) = self.follow(Arc::clone(&scope.object), before)
            && self.index.models().get(&object.model).is_some_and(|model| model.is_secret(last))
        {
            return Some(HIDDEN.to_owned());
        }
        match self.follow(Arc::clone(&scope.object), &names) {
            Val::Json(Value::String(text)) => Some(text),
            Val::Json(Value::Null) => Some(String::new()),
            Val::Json(value) => Some(value.to_string()),
            Val::Object(object) => Some(object.text("name").unwrap_or(&object.meta.name).to_owned()),
            Val::Objects(_) | Val::Unknown => None,
        }
    }
}

fn or(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut unknown = false;
    for part in parts {
        match part {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

fn and(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    or(parts.into_iter().map(|part| part.map(|holds| !holds))).map(|some_fails| !some_fails)
}

fn equal(a: &Val, b: &Val) -> Option<bool> {
    match (a, b) {
        (Val::Unknown, _) | (_, Val::Unknown) => None,
        (Val::Object(a), Val::Object(b)) => Some(a.key() == b.key()),
        (Val::Json(a), Val::Json(b)) => Some(Criterion::equal("", b.clone()).accepts(a, "")),
        _ => Some(false),
    }
}

fn contains(all: &Val, one: &Val) -> Option<bool> {
    match all {
        Val::Unknown => None,
        Val::Objects(all) => or(all.iter().map(|each| equal(&Val::Object(Arc::clone(each)), one))),
        Val::Json(Value::Array(all)) => or(all.iter().map(|each| equal(&Val::Json(each.clone()), one))),
        Val::Json(Value::String(text)) => match one {
            Val::Unknown => None,
            Val::Json(Value::String(part)) => Some(text.contains(part)),
            _ => Some(false),
        },
        Val::Json(_) | Val::Object(_) => Some(false),
    }
}
