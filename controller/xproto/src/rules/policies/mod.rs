//! Rules on policies: the names in them, what they call, and their paths seen from the models that use them.

mod calls;
mod paths;
mod uses;

use std::collections::{BTreeSet, HashSet};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError, did_you_mean};
use crate::model::{ExprKind, ModelSet, Path, Policy, Quantifier, Root, TermKind};
use crate::nearest::nearest;
use crate::source::{SourceId, Span};
use paths::Paths;

/// Checks the policies of a set, and what names them; `broken` are the policies that could not be read.
pub(crate) fn check(models: &ModelSet, broken: &HashSet<String>, sink: &mut Sink) {
    let mut paths = Paths::new(models);
    for policy in models.policies() {
        names(models, policy, sink);
        paths.check_without_object(policy, sink);
    }
    calls::check(models, broken, sink);
    uses::check(models, broken, &mut paths, sink);
}

/// Returns the names of the models that the policies of the set's own models read: those that links lead to.
pub(crate) fn read_by_own(models: &ModelSet) -> BTreeSet<String> {
    // Without the core's models nobody asks.
    if !models.iter().any(|model| model.span.source == SourceId::CORE) {
        return BTreeSet::new();
    }
    let mut paths = Paths::new(models);
    uses::look_up(models, |model| !model.is_built_in(), &mut paths, &mut Sink::default());
    paths.read.into_iter().map(str::to_owned).collect()
}

/// Checks the names that a policy uses, each by itself.
fn names(models: &ModelSet, policy: &Policy, sink: &mut Sink) {
    policy.expr.walk(&mut |expr| {
        if let ExprKind::Exists(quantifier) | ExprKind::Forall(quantifier) = &expr.kind {
            known_model(models, quantifier, sink);
        }
        for term in expr.terms() {
            match &term.kind {
                TermKind::Python(_) => sink.push(Diagnostic::new(PolicyError::Python, term.span)),
                TermKind::Path(path) => known_root(models, policy, path, term.span, sink),
                TermKind::Call(call) => known_root(models, policy, &call.argument, term.span, sink),
                _ => {}
            }
        }
    });
}

/// Checks `X605`: a quantifier speaks of a model of the set.
fn known_model(models: &ModelSet, quantifier: &Quantifier, sink: &mut Sink) {
    let name = &quantifier.model;
    if models.get(name).is_some() {
        return;
    }
    let unknown = |suggestion| {
        Diagnostic::new(PolicyError::UnknownModel { model: name.clone(), suggestion }, quantifier.model_span)
    };
    let known = models.iter().map(|model| model.name.as_str());
    sink.push_with(|| unknown(nearest(name, known)), || unknown(None));
}

/// Checks `X604`: a path begins with something that is known there.
fn known_root(models: &ModelSet, policy: &Policy, path: &Path, span: Span, sink: &mut Sink) {
    let Root::Unknown(name) = &path.root else {
        return;
    };
    let general = "a policy knows `obj`, `old`, `ctx.user`, `ctx.write_access`, `ctx.read_access`, and the models of \
                   the quantifiers around the place";
    let unknown = |help: String| Diagnostic::new(PolicyError::UnknownName { name: name.clone(), help }, span);
    let help = || match nearest(name, roots(models, policy)) {
        _ if models.get(name).is_some() => {
            format!("write `exists {name}: (…)` or `forall {name}: (…)` around what is said of it")
        }
        near => did_you_mean(&near).unwrap_or_else(|| general.to_owned()),
    };
    sink.push_with(|| unknown(help()), || unknown(general.to_owned()));
}

/// Returns what a path of a policy may begin with somewhere; of the models of quantifiers a few, which are more than
/// real ones have.
fn roots<'a>(models: &ModelSet, policy: &'a Policy) -> Vec<&'a str> {
    const MOST: usize = 20;
    let mut roots = vec!["obj", "old", "ctx.user", "ctx.write_access", "ctx.read_access", "True", "False", "None"];
    policy.expr.walk(&mut |expr| {
        if let ExprKind::Exists(quantifier) | ExprKind::Forall(quantifier) = &expr.kind
            && roots.len() < MOST
            && models.get(&quantifier.model).is_some()
        {
            roots.push(&quantifier.model);
        }
    });
    roots
}

/// Checks `X601`: what names a policy names one of the set.
fn known_policy(
    models: &ModelSet,
    broken: &HashSet<String>,
    policy: &str,
    user: impl Fn() -> String,
    span: Span,
    sink: &mut Sink,
) -> bool {
    if models.policy(policy).is_some() {
        return true;
    }
    if !broken.contains(policy) {
        let unknown = |suggestion| {
            let unknown = PolicyError::UnknownPolicy { user: user(), policy: policy.to_owned(), suggestion };
            Diagnostic::new(unknown, span)
        };
        let known = models.policies().map(|policy| policy.name.as_str()).chain(broken.iter().map(String::as_str));
        sink.push_with(|| unknown(nearest(policy, known)), || unknown(None));
    }
    false
}
