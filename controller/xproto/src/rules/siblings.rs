//! Rules on all fields and links of a message together.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::Member;
use crate::rules::fields::NUMBERS;

/// Checks the fields and returns them without those whose name is taken.
pub(crate) fn check(model: &str, members: Vec<Member>, sink: &mut Sink) -> Vec<Member> {
    numbers(&members, sink);
    names(model, members, sink)
}

/// Checks `X303`: no two fields have one number.
fn numbers(members: &[Member], sink: &mut Sink) {
    // By number; what is not between 1 and 99 has been reported.
    let mut seen: [Option<&Member>; 100] = [None; 100];
    for member in members.iter().filter(|member| NUMBERS.contains(&member.number())) {
        let Some(place) = seen.get_mut(member.number() as usize) else {
            continue;
        };
        let Some(first) = *place else {
            *place = Some(member);
            continue;
        };
        let duplicate = FieldError::DuplicateNumber {
            name: member.name().to_owned(),
            other: first.name().to_owned(),
            number: member.number(),
            free: NUMBERS.clone().find(|number| !members.iter().any(|member| member.number() == *number)),
        };
        sink.push(Diagnostic::new(duplicate, member.span()).with(first.span(), "the number is used here"));
    }
}

/// Checks `X304`: no two fields have one name. The first one stays.
fn names(model: &str, mut members: Vec<Member>, sink: &mut Sink) -> Vec<Member> {
    let mut at = 0;
    while let Some(member) = members.get(at) {
        // There are few enough to look at all of them (`MAX_MEMBERS`).
        let Some(first) = members[..at].iter().find(|first| first.name() == member.name()) else {
            at += 1;
            continue;
        };
        let twice = FieldError::DuplicateField { name: member.name().to_owned(), model: model.to_owned() };
        sink.push(Diagnostic::new(twice, member.span()).with(first.span(), "first declared here"));
        members.remove(at);
    }
    members
}
