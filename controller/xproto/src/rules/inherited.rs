//! Rules on the fields that a message declares beside those that it inherits.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::{Member, camel_chars};

/// Checks `X305`, `X306`: no field has the name of another one, neither as written nor in lowerCamelCase.
///
/// `members` are all fields and links, the first `inherited` of them those of the bases: what is wrong with these is
/// reported with the bases. Names are only compared where `keys` are equal.
pub(crate) fn check(model: &str, members: &[Member], keys: &[u32], inherited: usize, sink: &mut Sink) {
    for (at, (member, key)) in members.iter().zip(keys).enumerate().skip(inherited) {
        let before = keys[..at].iter().enumerate().filter(|(_, other)| *other == key);
        let like = before.map(|(other, _)| (other, &members[other]));
        let mut like = like.filter(|(_, other)| camel_chars(other.name()).eq(camel_chars(member.name())));
        match like.next() {
            Some((place, base)) if place < inherited && base.name() == member.name() => {
                again(model, member, base, sink);
            }
            Some((_, other)) => same(model, member, other, sink),
            None => {}
        }
    }
}

fn again(model: &str, member: &Member, base: &Member, sink: &mut Sink) {
    let again = FieldError::InheritedField {
        name: member.name().to_owned(),
        model: model.to_owned(),
        base: base.declared_in().to_owned(),
    };
    sink.push(Diagnostic::new(again, member.span()).with(base.span(), "inherited from here"));
}

fn same(model: &str, second: &Member, first: &Member, sink: &mut Sink) {
    let same = FieldError::SameCamelCase {
        name: second.name().to_owned(),
        other: first.name().to_owned(),
        model: model.to_owned(),
        camel: second.camel_name(),
    };
    sink.push(Diagnostic::new(same, second.span()).with(first.span(), "the other one"));
}
