//! Evaluates policies, the first-order expressions of the language: for validators, and for who may do what.

mod access;
mod candidates;
mod value;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use xos_xproto::ModelSet;
use xos_xproto::model::{Expr, ExprKind, Path, Quantifier, Root, Term, TermKind};

use crate::index::{Index, value as value_of};
use crate::object::{Object, ObjectKey};
use crate::query::Query;
use crate::reference::Reference;

pub use access::{Access, Aim, OWN_RIGHTS};
use candidates::Candidates;
pub(crate) use value::Val;
use value::{and, contains, equal, or};

/// The greatest depth of calls between policies.
const DEEPEST: usize = 32;

/// The objects that policies speak of.
pub trait Objects {
    /// Returns the models.
    fn models(&self) -> Arc<ModelSet>;
    /// Returns the objects that a query selects; none if it does not fit the models.
    fn query(&self, query: &Query) -> Vec<Arc<Object>>;
    /// Returns the object that a link to `class` leads to, from an object in `namespace`.
    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Option<Arc<Object>>;
    /// Returns the objects that link to an object, by the reverse port.
    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>>;
}

impl Objects for Index {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(Self::models(self))
    }

    fn query(&self, query: &Query) -> Vec<Arc<Object>> {
        Self::query(self, query).unwrap_or_default()
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Option<Arc<Object>> {
        Self::at(self, class, namespace, reference).first().copied().cloned()
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        Self::linked_back(self, key, port).into_iter().cloned().collect()
    }
}

/// What a policy is evaluated for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// Whether an object is valid. What was read is kept.
    Validity,
    /// Whether a user may do something.
    Access { user: Option<Arc<Object>>, aim: Aim },
}

/// Evaluates policies for one purpose, about any number of objects.
pub(crate) struct Evaluator<'a> {
    objects: &'a dyn Objects,
    models: Arc<ModelSet>,
    purpose: Purpose,
    /// The namespace of what quantifiers are about.
    namespace: String,
    candidates: Candidates,
    /// The objects that were read.
    pub(crate) seen: RefCell<BTreeSet<ObjectKey>>,
    /// The classes of which all objects were read.
    pub(crate) classes: RefCell<BTreeSet<String>>,
}

/// The meaning of names: `obj`, and the models of quantifiers.
#[derive(Clone)]
pub(crate) struct Scope {
    object: Arc<Object>,
    bound: HashMap<String, Arc<Object>>,
    depth: usize,
}

impl Scope {
    pub(crate) fn of(object: Arc<Object>) -> Self {
        Self { object, bound: HashMap::new(), depth: 0 }
    }

    fn binding(&self, name: &str, object: Arc<Object>) -> Self {
        let mut inner = self.clone();
        inner.bound.insert(name.to_owned(), object);
        inner
    }
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(objects: &'a dyn Objects, namespace: &str, purpose: Purpose) -> Self {
        Self {
            objects,
            models: objects.models(),
            purpose,
            namespace: namespace.to_owned(),
            candidates: Candidates::default(),
            seen: RefCell::default(),
            classes: RefCell::default(),
        }
    }

    pub(crate) fn models(&self) -> &Arc<ModelSet> {
        &self.models
    }

    /// Returns whether the expression holds; `None` if that cannot be known.
    pub(crate) fn holds(&self, expr: &Expr, scope: &Scope) -> Option<bool> {
        match &expr.kind {
            ExprKind::Implies(left, right) => {
                or([self.holds(left, scope).map(|holds| !holds), self.holds(right, scope)])
            }
            ExprKind::Or(parts) => or(parts.iter().map(|part| self.holds(part, scope))),
            ExprKind::And(parts) => and(parts.iter().map(|part| self.holds(part, scope))),
            ExprKind::Not(inner) => self.holds(inner, scope).map(|holds| !holds),
            ExprKind::Exists(quantifier) => self.exists(quantifier, scope),
            ExprKind::Forall(quantifier) => {
                and(self.all(quantifier).into_iter().map(|one| self.body(quantifier, scope, one)))
            }
            ExprKind::Equals(left, right) => equal(&self.term(left, scope), &self.term(right, scope)),
            ExprKind::In(left, right) => contains(&self.term(right, scope), &self.term(left, scope)),
            ExprKind::Holds(term) => self.term_holds(term, scope),
        }
    }

    fn exists(&self, quantifier: &Quantifier, scope: &Scope) -> Option<bool> {
        if matches!(self.purpose, Purpose::Validity) {
            return or(self.all(quantifier).into_iter().map(|one| self.body(quantifier, scope, one)));
        }
        // About many objects, the same few are looked at again and again.
        let candidates = self.candidates.of(quantifier, || self.candidates(quantifier, scope));
        or(candidates.iter().map(|one| self.body(quantifier, scope, Arc::clone(one))))
    }

    fn all(&self, quantifier: &Quantifier) -> Vec<Arc<Object>> {
        self.classes.borrow_mut().insert(quantifier.model.clone());
        let all = self.objects.query(&Query::of(&quantifier.model, Some(&self.namespace)));
        all.iter().for_each(|one| self.see(one));
        all
    }

    fn body(&self, quantifier: &Quantifier, scope: &Scope, one: Arc<Object>) -> Option<bool> {
        self.holds(&quantifier.body, &scope.binding(&quantifier.model, one))
    }

    fn term_holds(&self, term: &Term, scope: &Scope) -> Option<bool> {
        let TermKind::Call(call) = &term.kind else { return self.term(term, scope).holds() };
        let policy = self.models.policy(&call.policy).filter(|_| scope.depth < DEEPEST)?;
        match self.path(&call.argument, scope) {
            Val::Object(object) => {
                self.holds(&policy.expr, &Scope { object, bound: HashMap::new(), depth: scope.depth + 1 })
            }
            Val::Json(Value::Null) => Some(true),
            _ => None,
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
        let object = |object: Option<&Arc<Object>>| object.map_or(Val::Unknown, |it| Val::Object(Arc::clone(it)));
        let start = match (&path.root, &self.purpose) {
            (Root::Object, _) => Val::Object(Arc::clone(&scope.object)),
            (Root::Bound(name), _) => object(scope.bound.get(name)),
            (Root::User, Purpose::Access { user, .. }) => object(user.as_ref()),
            (Root::WriteAccess, Purpose::Access { aim, .. }) => Val::Json((*aim == Aim::Write).into()),
            // Who may write may read.
            (Root::ReadAccess, Purpose::Access { .. }) => Val::Json(true.into()),
            _ => Val::Unknown,
        };
        let names: Vec<_> = path.steps.iter().map(|step| step.name.as_str()).collect();
        self.follow(start, &names)
    }

    /// Returns the value at the end of names that begin at a value.
    pub(crate) fn follow(&self, start: Val, names: &[&str]) -> Val {
        let mut at = start;
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
        let Some(model) = self.models.get(&object.model) else { return Val::Unknown };
        if let Some(link) = model.link(name) {
            return self.linked(object, &link.peer, object.fields.get(name), link.is_to_many());
        }
        if model.field(name).is_some() {
            return Val::Json(value_of(model, object, name));
        }
        if name == "id" || name == "pk" {
            return Val::Object(Arc::clone(object));
        }
        let back = self.objects.linked_back(&object.key(), name);
        back.iter().for_each(|one| self.see(one));
        Val::Objects(back)
    }

    fn linked(&self, object: &Object, peer: &str, value: Option<&Value>, is_to_many: bool) -> Val {
        let at = |one: &Value| {
            let reference: Reference = serde_json::from_value(one.clone()).ok()?;
            let found = self.objects.at(peer, &object.meta.namespace, &reference)?;
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
        if matches!(self.purpose, Purpose::Validity) {
            self.seen.borrow_mut().insert(object.key());
        }
    }
}
