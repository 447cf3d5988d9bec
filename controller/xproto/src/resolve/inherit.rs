//! Pass 4: all fields and all ancestors of each model.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::bases::Graph;
use super::limits::MAX_ANCESTORS;
use super::names::Declaration;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, ModelError};
use crate::model::Field;
use crate::rules;

/// A message with what it inherits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat {
    /// The message and all it inherits from, leaf first.
    pub(crate) ancestry: Vec<usize>,
    /// The names of `ancestry`.
    pub(crate) class_names: Vec<String>,
    /// Inherited fields first, the root base's before all.
    pub(crate) fields: Vec<Arc<Field>>,
}

/// Gives every message what it inherits.
pub(crate) fn flatten(
    declarations: &[Declaration],
    graph: &Graph,
    mut own: Vec<Vec<Field>>,
    sink: &mut Sink,
) -> Vec<Flat> {
    let mut flat = vec![Flat::default(); declarations.len()];
    for &at in &graph.order {
        let declaration = &declarations[at];
        let mut heir = inherit(at, declaration, &graph.bases[at], &flat, sink);
        let own = std::mem::take(&mut own[at]);
        rules::inherited::check(declaration, &heir.fields, &own, sink);
        heir.fields.extend(own.into_iter().map(Arc::new));
        heir.class_names = heir.ancestry.iter().map(|&at| declarations[at].message.name.text.clone()).collect();
        flat[at] = heir;
    }
    flat
}

fn inherit(at: usize, declaration: &Declaration, bases: &[usize], flat: &[Flat], sink: &mut Sink) -> Flat {
    let mut heir = Flat { ancestry: vec![at], ..Flat::default() };
    for &base in bases {
        let base = &flat[base];
        if heir.ancestry.len() + base.ancestry.len() > MAX_ANCESTORS {
            let model = declaration.message.name.text.clone();
            sink.push(Diagnostic::new(ModelError::TooManyAncestors { model }, declaration.message.name.span));
            break;
        }
        report_shared(declaration, &heir, base, sink);
        merge(declaration, &mut heir, base, sink);
    }
    heir
}

/// A base that two bases have in common, the nearest one only: its own bases are shared with it.
fn report_shared(declaration: &Declaration, heir: &Flat, base: &Flat, sink: &mut Sink) {
    let Some(place) = base.ancestry.iter().position(|ancestor| heir.ancestry.contains(ancestor)) else {
        return;
    };
    if base.fields.is_empty() {
        return;
    }
    let model = declaration.message.name.text.clone();
    let repeated = ModelError::RepeatedBase { model, base: base.class_names[place].clone() };
    sink.push(Diagnostic::new(repeated, declaration.message.name.span));
}

/// Adds what a base has and the heir has not yet.
fn merge(declaration: &Declaration, heir: &mut Flat, base: &Flat, sink: &mut Sink) {
    let ancestors: HashSet<_> = heir.ancestry.iter().copied().collect();
    heir.ancestry.extend(base.ancestry.iter().filter(|ancestor| !ancestors.contains(ancestor)));
    let there: HashMap<String, Arc<Field>> =
        heir.fields.iter().map(|field| (field.name.clone(), Arc::clone(field))).collect();
    for field in &base.fields {
        match there.get(&field.name) {
            None => heir.fields.push(Arc::clone(field)),
            // The field of a base that is inherited twice, which is reported for itself.
            Some(first) if Arc::ptr_eq(first, field) => {}
            Some(first) => report_both(declaration, first, field, sink),
        }
    }
}

fn report_both(declaration: &Declaration, first: &Field, second: &Field, sink: &mut Sink) {
    let twice = FieldError::InheritedTwice {
        name: second.name.clone(),
        model: declaration.message.name.text.clone(),
        first: first.declared_in.clone(),
        second: second.declared_in.clone(),
    };
    let diagnostic = Diagnostic::new(twice, declaration.message.name.span)
        .with(first.span, "one is declared here")
        .with(second.span, "another is declared here");
    sink.push(diagnostic);
}
