//! The objects that a quantifier can be about at all, for whatever object a policy is evaluated.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use xos_xproto::Model;
use xos_xproto::model::{Expr, ExprKind, Quantifier, Root, Term, TermKind};

use super::{Evaluator, Scope};
use crate::object::Object;
use crate::query::{Criterion, Query};

/// What was found for each quantifier, by its place in memory, which does not change while the models are held.
#[derive(Default)]
pub(super) struct Candidates(RefCell<HashMap<*const Quantifier, Rc<Vec<Arc<Object>>>>>);

impl Candidates {
    /// Returns what was found for a quantifier, or else what `find` finds.
    pub(super) fn of(&self, quantifier: &Quantifier, find: impl FnOnce() -> Vec<Arc<Object>>) -> Rc<Vec<Arc<Object>>> {
        let place = std::ptr::from_ref(quantifier);
        if let Some(found) = self.0.borrow().get(&place) {
            return Rc::clone(found);
        }
        let found = Rc::new(find());
        self.0.borrow_mut().insert(place, Rc::clone(&found));
        found
    }
}

impl Evaluator<'_> {
    /// Returns the objects for which no part of a quantifier's body fails that is the same for every `obj`. Where such a
    /// part compares a field, an index may find them.
    pub(super) fn candidates(&self, quantifier: &Quantifier, scope: &Scope) -> Vec<Arc<Object>> {
        let parts = match &quantifier.body.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(&*quantifier.body),
        };
        let closed: Vec<_> = parts.iter().filter(|part| is_closed(part, &quantifier.model)).collect();
        let mut query = Query::of(&quantifier.model, Some(&self.namespace));
        if let Some(model) = self.models.get(&quantifier.model) {
            query.criteria.extend(closed.iter().filter_map(|part| self.criterion(part, model, scope)));
        }
        let mut found = self.objects.query(&query);
        found.retain(|one| {
            let scope = scope.binding(&quantifier.model, Arc::clone(one));
            closed.iter().all(|part| self.holds(part, &scope) != Some(false))
        });
        found
    }

    /// Returns the condition of a query that `Model.field = value` is, if it is one.
    fn criterion(&self, part: &Expr, model: &Model, scope: &Scope) -> Option<Criterion> {
        let ExprKind::Equals(left, right) = &part.kind else { return None };
        let (name, other) =
            field(left, model).map(|name| (name, right)).or_else(|| Some((field(right, model)?, left)))?;
        let value = self.term(other, scope).plain()?;
        Some(Criterion::equal(name, value))
    }
}

/// Returns the field of a quantifier's own object that a term is.
fn field<'t>(term: &'t Term, model: &Model) -> Option<&'t str> {
    let TermKind::Path(path) = &term.kind else { return None };
    let [only] = path.steps.as_slice() else { return None };
    let is_own = matches!(&path.root, Root::Bound(name) if *name == model.name);
    (is_own && model.field(&only.name).is_some()).then_some(only.name.as_str())
}

/// Returns whether a part says the same for every `obj`, and for every object of a quantifier around this one.
fn is_closed(part: &Expr, model: &str) -> bool {
    let mut is_closed = true;
    part.walk(&mut |part| {
        is_closed &= !matches!(part.kind, ExprKind::Exists(_) | ExprKind::Forall(_));
        is_closed &= part.terms().all(|term| match &term.kind {
            TermKind::Path(path) => match &path.root {
                Root::Bound(name) => name == model,
                Root::User | Root::WriteAccess | Root::ReadAccess => true,
                Root::Object | Root::Old | Root::Unknown(_) => false,
            },
            TermKind::Call(_) | TermKind::Python(_) => false,
            _ => true,
        });
    });
    is_closed
}
