//! Pass 2: who inherits from whom.

use super::core;
use super::names::{Declaration, Places};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, MOST_OF_CIRCLE, ModelError};
use crate::nearest::nearest;
use crate::tree::Name;

/// The bases of each message, by place in the list of declarations.
#[derive(Debug)]
pub(crate) struct Graph {
    /// The known bases of each message as written; without those that close a circle.
    pub(crate) bases: Vec<Vec<usize>>,
    /// All messages, each after its bases.
    pub(crate) order: Vec<usize>,
}

/// Looks up the bases and finds circles.
pub(crate) fn link(declarations: &[Declaration<'_>], places: &Places<'_>, sink: &mut Sink) -> Graph {
    let mut bases: Vec<_> = declarations.iter().map(|declaration| known(declaration, places, sink)).collect();
    let order = order(&mut bases, declarations, sink);
    Graph { bases, order }
}

fn known(declaration: &Declaration<'_>, places: &Places<'_>, sink: &mut Sink) -> Vec<usize> {
    let mut known = Vec::with_capacity(declaration.message.bases.len());
    for base in &declaration.message.bases {
        match places.get(base.text) {
            None if PYTHON_BASES.contains(&base.text) => report_python(base, sink),
            None if successor(base.text).is_some() => report_old(declaration, base, sink),
            None => report_unknown(declaration, base, places, sink),
            Some(place) if known.contains(place) => report_repeated(declaration, base, sink),
            Some(place) => known.push(*place),
        }
    }
    known
}

/// Classes that XOS's core has in Python only (XOS 4.0.4, core.xproto and core/models): methods without fields.
const PYTHON_BASES: [&str; 3] = ["AbstractBaseUser", "AttributeMixin", "PlModelMixIn"];

/// Reports `X213`: a Python class without fields.
fn report_python(base: &Name<'_>, sink: &mut Sink) {
    sink.push(Diagnostic::new(ModelError::PythonBase { base: base.text.to_owned() }, base.span));
}

/// Bases of earlier releases of XOS that 4.0 does not have, each with what to write in its place (seen in services that
/// were moved from one to the other).
const OLD_BASES: [(&str, &str); 7] = [
    ("PlCoreBase", "inherit from `XOSBase`"),
    ("Tenant", "inherit from `ServiceInstance`"),
    ("TenantRoot", "inherit from `ServiceInstance`"),
    ("Subscriber", "inherit from `ServiceInstance`"),
    ("CoarseTenant", "make a `ServiceDependency` between the services instead"),
    ("TenantAttribute", "inherit from `ServiceInstanceAttribute`"),
    (
        "TenantWithContainer",
        "inherit from `ServiceInstance`, and lead to what it runs on by a link to `ComputeServiceInstance`",
    ),
];

/// Returns what to write in place of a base of an earlier release.
fn successor(base: &str) -> Option<&'static str> {
    OLD_BASES.iter().find(|(old, _)| *old == base).map(|(_, instead)| *instead)
}

/// Reports `X217`: a base that only earlier releases have.
fn report_old(declaration: &Declaration<'_>, base: &Name<'_>, sink: &mut Sink) {
    let old = ModelError::OldBase {
        model: declaration.message.name.text.to_owned(),
        base: base.text.to_owned(),
        instead: successor(base.text).unwrap_or_default(),
    };
    sink.push(Diagnostic::new(old, base.span));
}

fn report_unknown(declaration: &Declaration<'_>, base: &Name<'_>, places: &Places<'_>, sink: &mut Sink) {
    let unknown = |suggestion| {
        let model = declaration.message.name.text.to_owned();
        let unknown = ModelError::UnknownBase { model, base: base.text.to_owned(), suggestion };
        Diagnostic::new(unknown, base.span)
    };
    // A model is no base of itself.
    let others = || places.keys().copied().chain(core::names()).filter(|name| *name != declaration.message.name.text);
    sink.push_with(|| unknown(nearest(base.text, others())), || unknown(None));
}

fn report_repeated(declaration: &Declaration<'_>, base: &Name<'_>, sink: &mut Sink) {
    let model = declaration.message.name.text.to_owned();
    let repeated = ModelError::RepeatedBase { model, base: base.text.to_owned() };
    sink.push(Diagnostic::new(repeated, base.span));
}

/// Whether a message has been looked at on the search for circles.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Not,
    /// It is on the way to the current one, at this place.
    Open(usize),
    Done,
}

/// Returns the messages in depth-first order, bases before the models that inherit from them; a base that closes a
/// circle is reported and removed.
fn order(bases: &mut [Vec<usize>], declarations: &[Declaration<'_>], sink: &mut Sink) -> Vec<usize> {
    let mut visits = vec![Visit::Not; bases.len()];
    let mut order = Vec::with_capacity(bases.len());
    for start in 0..bases.len() {
        if visits[start] != Visit::Not {
            continue;
        }
        // The way to the current message, each with the number of its bases that were looked at.
        let mut way = vec![(start, 0)];
        visits[start] = Visit::Open(0);
        while let Some((at, next)) = way.last_mut() {
            let at = *at;
            let Some(&base) = bases[at].get(*next) else {
                visits[at] = Visit::Done;
                order.push(at);
                way.pop();
                continue;
            };
            match visits[base] {
                Visit::Done => *next += 1,
                Visit::Open(place) => {
                    bases[at].retain(|&other| other != base);
                    report_cycle(&way[place..], declarations, sink);
                }
                Visit::Not => {
                    *next += 1;
                    visits[base] = Visit::Open(way.len());
                    way.push((base, 0));
                }
            }
        }
    }
    order
}

fn report_cycle(circle: &[(usize, usize)], declarations: &[Declaration<'_>], sink: &mut Sink) {
    let name = |at: usize| declarations[at].message.name;
    let (Some(&(first, _)), Some(&(last, _))) = (circle.first(), circle.last()) else {
        return;
    };
    let shown = circle.iter().take(MOST_OF_CIRCLE).map(|&(at, _)| at).chain([first]);
    let path = shown.map(|at| name(at).text.to_owned()).collect();
    let left_out = circle.len().saturating_sub(MOST_OF_CIRCLE);
    let written = declarations[last].message.bases.iter().find(|written| written.text == name(first).text);
    let span = written.map_or(name(first).span, |written| written.span);
    sink.push(Diagnostic::new(ModelError::BaseCycle { path, left_out }, span));
}
