//! Rules on models that use policies.

use std::collections::HashSet;

use super::paths::{Paths, Target, User};
use super::{calls, known_policy};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError};
use crate::limits::{MAX_CHECKED, MAX_NAMES};
use crate::model::{Model, ModelSet, Path, Policy, Root, Step, TermKind, Validator};
use crate::source::Span;

/// Looks up what the policies of some models read.
pub(super) fn look_up<'a>(
    models: &'a ModelSet,
    is_meant: impl Fn(&Model) -> bool,
    paths: &mut Paths<'a>,
    sink: &mut Sink,
) {
    let mut uses = Uses { models, seen: HashSet::new(), waiting: Vec::new() };
    for model in models.iter().filter(|model| is_meant(model)) {
        model.access_policy.iter().for_each(|policy| uses.add(policy, model));
        for validator in &model.validators {
            uses.add(&validator.policy, model);
            message(model, validator, paths, sink);
        }
    }
    uses.check_all(paths, sink);
}

/// Checks every policy against every model that uses it, directly or through another policy.
pub(super) fn check<'a>(models: &'a ModelSet, broken: &HashSet<String>, paths: &mut Paths<'a>, sink: &mut Sink) {
    let mut uses = Uses { models, seen: HashSet::new(), waiting: Vec::new() };
    for model in models {
        access(models, broken, model, &mut uses, sink);
        for validator in &model.validators {
            let user = || format!("a validator of `{}`", model.name);
            if known_policy(models, broken, &validator.policy, user, validator.span, sink) {
                uses.add(&validator.policy, model);
            }
            message(model, validator, paths, sink);
        }
    }
    uses.check_all(paths, sink);
}

fn access<'a>(models: &'a ModelSet, broken: &HashSet<String>, model: &'a Model, uses: &mut Uses<'a>, sink: &mut Sink) {
    if let Some(policy) = &model.access_policy {
        let user = || format!("model `{}`", model.name);
        let span = model.access_policy_span.unwrap_or(model.span);
        if known_policy(models, broken, policy, user, span, sink) {
            uses.add(policy, model);
            no_old(models, policy, model, span, sink);
        }
    }
}

/// Checks `X615`: access is also checked when nothing is saved, and then there is no old object.
fn no_old(models: &ModelSet, policy: &str, model: &Model, span: Span, sink: &mut Sink) {
    let mut names = vec![policy];
    let mut at = 0;
    while let Some(policy) = names.get(at).and_then(|name| models.policy(name)) {
        at += 1;
        if calls::mentions_old(&policy.expr) {
            let problem = PolicyError::OldInAccess { policy: policy.name.clone(), model: model.name.clone() };
            sink.push(Diagnostic::new(problem, span));
            return;
        }
        for call in calls::of(&policy.expr) {
            if names.len() < MAX_NAMES && !names.contains(&call.policy.as_str()) {
                names.push(&call.policy);
            }
        }
    }
}

/// The models that policies are about, each pair once.
struct Uses<'a> {
    models: &'a ModelSet,
    seen: HashSet<(&'a str, &'a str)>,
    waiting: Vec<(&'a Policy, &'a Model)>,
}

impl<'a> Uses<'a> {
    fn add(&mut self, policy: &str, model: &'a Model) {
        let Some(policy) = self.models.policy(policy) else {
            return;
        };
        if self.seen.insert((&policy.name, &model.name)) {
            self.waiting.push((policy, model));
        }
    }

    fn check_all(&mut self, paths: &mut Paths<'a>, sink: &mut Sink) {
        // In order, so that diagnostics name the first model that uses a policy.
        let mut at = 0;
        while let Some(&(policy, model)) = self.waiting.get(at) {
            at += 1;
            if paths.work > MAX_CHECKED {
                sink.push(Diagnostic::new(PolicyError::TooManyUses, policy.span));
                return;
            }
            self.check_one(policy, model, paths, sink);
        }
    }

    fn check_one(&mut self, policy: &'a Policy, model: &'a Model, paths: &mut Paths<'a>, sink: &mut Sink) {
        let user = User { policy: &policy.name, model: &model.name };
        let object = Target::Object(model);
        policy.expr.walk(&mut |expr| {
            paths.work += 1;
            for term in expr.terms() {
                if let TermKind::Path(path) = &term.kind {
                    paths.target(path, object, user, sink);
                }
            }
        });
        for call in calls::of(&policy.expr) {
            if let Target::Object(peer) | Target::Objects(peer) = paths.target(&call.argument, object, user, sink) {
                self.add(&call.policy, peer);
            }
        }
    }
}

/// Checks `X613`, `X606`: placeholders in a message can be filled in.
fn message<'a>(model: &'a Model, validator: &Validator, paths: &mut Paths<'a>, sink: &mut Sink) {
    let mut rest = validator.message.as_str();
    while let Some((_, behind)) = rest.split_once('{') {
        let (inner, next) = behind.split_once('}').unwrap_or((behind, ""));
        rest = next;
        match placeholder(inner, validator) {
            Some(path) => {
                let user = User { policy: &validator.policy, model: &model.name };
                paths.target(&path, Target::Object(model), user, sink);
            }
            None => {
                let placeholder = inner.chars().take(60).collect();
                sink.push(Diagnostic::new(PolicyError::Placeholder { placeholder }, validator.span));
            }
        }
    }
}

/// Returns the path in the braces; those from `ctx` are not looked at.
fn placeholder(text: &str, validator: &Validator) -> Option<Path> {
    let mut names = text.split('.');
    let root = match names.next() {
        Some("obj") => Root::Object,
        Some("old") => Root::Old,
        Some("ctx") => Root::Unknown(text.to_owned()),
        _ => return None,
    };
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let step = |name: &str| is_name(name).then(|| Step { name: name.to_owned(), called: false, span: validator.span });
    Some(Path { root, steps: names.map(step).collect::<Option<_>>()? })
}
