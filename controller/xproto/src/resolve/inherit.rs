//! Pass 4: all fields, links and ancestors of each model.

use std::collections::{HashMap, HashSet};

use super::bases::Graph;
use super::names::Declaration;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, ModelError};
use crate::limits::{MAX_ANCESTORS, MAX_INHERITED};
use crate::model::Member;
use crate::rules;

/// A message with what it inherits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat {
    /// The message and all it inherits from, leaf first.
    pub(crate) ancestry: Vec<usize>,
    /// The names of `ancestry`.
    pub(crate) ancestry_names: Vec<String>,
    /// The names of `lineage`.
    pub(crate) lineage_names: Vec<String>,
    /// `ancestry` with bases before their heirs, depth first.
    pub(crate) lineage: Vec<usize>,
    /// Inherited fields and links first, the root base's before all.
    pub(crate) members: Vec<Member>,
}

/// Gives every message what it inherits.
pub(crate) fn flatten(
    declarations: &[Declaration],
    graph: &Graph,
    mut own: Vec<Vec<Member>>,
    sink: &mut Sink,
) -> Vec<Flat> {
    let mut flat = vec![Flat::default(); declarations.len()];
    let mut all = 0;
    for &at in &graph.order {
        let declaration = &declarations[at];
        let bases = if all > MAX_INHERITED { &[] } else { graph.bases[at].as_slice() };
        let mut heir = inherit(at, declaration, bases, &flat, sink);
        let own = std::mem::take(&mut own[at]);
        rules::inherited::check(declaration, &heir.members, &own, sink);
        heir.members.extend(own);
        heir.lineage.push(at);
        if all <= MAX_INHERITED && all + heir.members.len() > MAX_INHERITED {
            sink.push(Diagnostic::new(ModelError::TooManyInherited, declaration.message.name.span));
        }
        all += heir.members.len();
        let names = |places: &[usize]| places.iter().map(|&at| declarations[at].message.name.text.clone()).collect();
        heir.ancestry_names = names(&heir.ancestry);
        heir.lineage_names = names(&heir.lineage);
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
    if base.members.is_empty() {
        return;
    }
    let model = declaration.message.name.text.clone();
    let repeated = ModelError::RepeatedBase { model, base: base.ancestry_names[place].clone() };
    sink.push(Diagnostic::new(repeated, declaration.message.name.span));
}

/// Adds what a base has and the heir has not yet.
fn merge(declaration: &Declaration, heir: &mut Flat, base: &Flat, sink: &mut Sink) {
    let ancestors: HashSet<_> = heir.ancestry.iter().copied().collect();
    heir.ancestry.extend(base.ancestry.iter().filter(|ancestor| !ancestors.contains(ancestor)));
    let lineage: Vec<_> = base.lineage.iter().copied().filter(|at| !heir.lineage.contains(at)).collect();
    heir.lineage.extend(lineage);
    if heir.members.is_empty() {
        heir.members.clone_from(&base.members);
        return;
    }
    let there: HashMap<String, Member> =
        heir.members.iter().map(|member| (member.name().to_owned(), member.clone())).collect();
    for member in &base.members {
        match there.get(member.name()) {
            None => heir.members.push(member.clone()),
            // That of a base that is inherited twice, which is reported for itself.
            Some(first) if first.is(member) => {}
            Some(first) => report_both(declaration, first, member, sink),
        }
    }
}

fn report_both(declaration: &Declaration, first: &Member, second: &Member, sink: &mut Sink) {
    let twice = FieldError::InheritedTwice {
        name: second.name().to_owned(),
        model: declaration.message.name.text.clone(),
        first: first.declared_in().to_owned(),
        second: second.declared_in().to_owned(),
    };
    let diagnostic = Diagnostic::new(twice, declaration.message.name.span)
        .with(first.span(), "one is declared here")
        .with(second.span(), "another is declared here");
    sink.push(diagnostic);
}
