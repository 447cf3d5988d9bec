//! Rules on policies that call policies.

use std::collections::{HashMap, HashSet};

use super::known_policy;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, MOST_OF_CIRCLE, PolicyError};
use crate::model::{Call, Expr, ModelSet, Policy, Root, TermKind};

/// Checks what each policy calls.
pub(super) fn check(models: &ModelSet, broken: &HashSet<String>, sink: &mut Sink) {
    let places: HashMap<&str, usize> = models.policies().enumerate().map(|(at, one)| (one.name.as_str(), at)).collect();
    let policies: Vec<_> = models.policies().collect();
    let mut called = Vec::with_capacity(policies.len());
    for policy in &policies {
        let user = || format!("policy `{}`", policy.name);
        let mut known = Vec::new();
        for call in of(&policy.expr) {
            if known_policy(models, broken, &call.policy, user, call.policy_span, sink) {
                known.extend(places.get(call.policy.as_str()).map(|&at| (at, call)));
            }
        }
        called.push(known);
    }
    recursion(&policies, &called, sink);
}

/// Returns all calls in a policy.
pub(super) fn of(expr: &Expr) -> Vec<&Call> {
    let mut calls = Vec::new();
    expr.walk(&mut |expr| {
        calls.extend(expr.terms().filter_map(|term| match &term.kind {
            TermKind::Call(call) => Some(call),
            _ => None,
        }));
    });
    calls
}

/// Returns whether a part of a policy speaks of `old` itself.
pub(super) fn mentions_old(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= expr.terms().any(|term| match &term.kind {
            TermKind::Path(path) => path.root == Root::Old,
            TermKind::Call(call) => call.argument.root == Root::Old,
            _ => false,
        });
    });
    found
}

/// Whether a policy has been looked at on the search for circles.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Not,
    /// It is on the way to the current one, at this place.
    Open(usize),
    Done,
}

/// Checks `X607`: no policy calls itself, directly or through others.
fn recursion(policies: &[&Policy], called: &[Vec<(usize, &Call)>], sink: &mut Sink) {
    let mut visits = vec![Visit::Not; policies.len()];
    for start in 0..policies.len() {
        if visits[start] != Visit::Not {
            continue;
        }
        // The way to the current policy, each with the number of its calls that were looked at.
        let mut way = vec![(start, 0)];
        visits[start] = Visit::Open(0);
        while let Some((at, next)) = way.last_mut() {
            let Some(&(callee, call)) = called[*at].get(*next) else {
                visits[*at] = Visit::Done;
                way.pop();
                continue;
            };
            *next += 1;
            match visits[callee] {
                Visit::Done => {}
                Visit::Open(place) => report(policies, &way[place..], call, sink),
                Visit::Not => {
                    visits[callee] = Visit::Open(way.len());
                    way.push((callee, 0));
                }
            }
        }
    }
}

fn report(policies: &[&Policy], circle: &[(usize, usize)], call: &Call, sink: &mut Sink) {
    let shown = circle.iter().take(MOST_OF_CIRCLE).chain(circle.first());
    let path = shown.map(|&(at, _)| policies[at].name.clone()).collect();
    let left_out = circle.len().saturating_sub(MOST_OF_CIRCLE);
    sink.push(Diagnostic::new(PolicyError::Recursion { path, left_out }, call.policy_span));
}
