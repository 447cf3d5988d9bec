//! Pass 3: all fields, links and ancestors of each model.

use std::collections::HashMap;

use super::bases::Graph;
use super::fields;
use super::names::{Declaration, Places};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError, ModelError};
use crate::limits::{MAX_ANCESTORS, MAX_INHERITED};
use crate::model::{Member, camel_key};
use crate::rules;

/// A message with what it inherits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat {
    /// The message and all it inherits from, leaf first.
    pub(crate) ancestry: Vec<usize>,
    /// `ancestry`, depth first, each message after its bases.
    pub(crate) lineage: Vec<usize>,
    /// Inherited fields and links first, the root base's before all.
    pub(crate) members: Vec<Member>,
    /// How many of `members` are inherited.
    pub(crate) inherited: usize,
    /// The keys of the names of `members` in lowerCamelCase: names that are the same have the same key.
    pub(crate) keys: Vec<u32>,
}

/// Collects the own and inherited members of every message.
pub(crate) fn flatten(
    declarations: &mut [Declaration<'_>],
    places: &Places<'_>,
    graph: &Graph,
    sink: &mut Sink,
) -> Vec<Flat> {
    let mut flat = vec![Flat::default(); declarations.len()];
    let mut all = 0;
    for &at in &graph.order {
        let own = fields::own(&mut declarations[at], places, sink);
        let name = declarations[at].message.name;
        let bases = if all > MAX_INHERITED { &[] } else { graph.bases[at].as_slice() };
        let mut heir = inherit(declarations, at, bases, &flat, own.len(), sink);
        heir.inherited = heir.members.len();
        heir.keys.extend(own.iter().map(|member| camel_key(member.name())));
        heir.members.extend(own);
        heir.lineage.push(at);
        rules::inherited::check(name.text, &heir.members, &heir.keys, heir.inherited, sink);
        if all <= MAX_INHERITED && all + heir.members.len() > MAX_INHERITED {
            sink.push(Diagnostic::new(ModelError::TooManyInherited, name.span));
        }
        all += heir.members.len();
        flat[at] = heir;
    }
    flat
}

/// Returns what a message inherits, with room for its own fields and links.
fn inherit(
    declarations: &[Declaration<'_>],
    at: usize,
    bases: &[usize],
    flat: &[Flat],
    own: usize,
    sink: &mut Sink,
) -> Flat {
    let declaration = &declarations[at];
    // Most have one base.
    let (ancestors, members) =
        bases.first().map_or((0, 0), |&base| (flat[base].ancestry.len(), flat[base].members.len()));
    let mut heir = Flat {
        ancestry: Vec::with_capacity(ancestors + 1),
        lineage: Vec::with_capacity(ancestors + 1),
        members: Vec::with_capacity(members + own),
        inherited: 0,
        keys: Vec::with_capacity(members + own),
    };
    heir.ancestry.push(at);
    for &base in bases {
        let base = &flat[base];
        if heir.ancestry.len() + base.ancestry.len() > MAX_ANCESTORS {
            let model = declaration.message.name.text.to_owned();
            sink.push(Diagnostic::new(ModelError::TooManyAncestors { model }, declaration.message.name.span));
            break;
        }
        report_shared(declarations, at, &heir, base, sink);
        merge(declaration, &mut heir, base, sink);
    }
    heir
}

/// Reports a base that two bases have in common, only the nearest one: its own bases are shared with it.
fn report_shared(declarations: &[Declaration<'_>], at: usize, heir: &Flat, base: &Flat, sink: &mut Sink) {
    let Some(place) = base.ancestry.iter().position(|ancestor| heir.ancestry.contains(ancestor)) else {
        return;
    };
    if base.members.is_empty() {
        return;
    }
    let name = |at: usize| declarations[at].message.name.text.to_owned();
    let repeated = ModelError::RepeatedBase { model: name(at), base: name(base.ancestry[place]) };
    sink.push(Diagnostic::new(repeated, declarations[at].message.name.span));
}

/// Adds what a base has and the model does not have yet.
fn merge(declaration: &Declaration<'_>, heir: &mut Flat, base: &Flat, sink: &mut Sink) {
    extend(&mut heir.ancestry, &base.ancestry);
    extend(&mut heir.lineage, &base.lineage);
    if heir.members.is_empty() {
        heir.members.extend_from_slice(&base.members);
        heir.keys.extend_from_slice(&base.keys);
        return;
    }
    let there: HashMap<String, Member> =
        heir.members.iter().map(|member| (member.name().to_owned(), member.clone())).collect();
    for (member, key) in base.members.iter().zip(&base.keys) {
        match there.get(member.name()) {
            None => {
                heir.members.push(member.clone());
                heir.keys.push(*key);
            }
            // It is from a base that is inherited twice, which is reported separately.
            Some(first) if first.is(member) => {}
            Some(first) => report_both(declaration, first, member, sink),
        }
    }
}

/// Adds the models that are not there yet; there are at most [`MAX_ANCESTORS`].
fn extend(there: &mut Vec<usize>, more: &[usize]) {
    let before = there.len();
    for &model in more {
        if !there[..before].contains(&model) {
            there.push(model);
        }
    }
}

fn report_both(declaration: &Declaration<'_>, first: &Member, second: &Member, sink: &mut Sink) {
    let twice = FieldError::InheritedTwice {
        name: second.name().to_owned(),
        model: declaration.message.name.text.to_owned(),
        first: first.declared_in().to_owned(),
        second: second.declared_in().to_owned(),
    };
    let diagnostic = Diagnostic::new(twice, declaration.message.name.span)
        .with(first.span(), "one is declared here")
        .with(second.span(), "another is declared here");
    sink.push(diagnostic);
}
