//! Rules on the fields and links of one message among each other.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::Member;
use crate::source::Span;

/// Checks the fields and gives those that have their names for themselves.
pub(crate) fn check(model: &str, members: Vec<Member>, sink: &mut Sink) -> Vec<Member> {
    numbers(&members, sink);
    names(model, members, sink)
}

/// `X303`: no two fields have one number.
fn numbers(members: &[Member], sink: &mut Sink) {
    let mut seen: BTreeMap<u32, &Member> = BTreeMap::new();
    let all: std::collections::BTreeSet<u32> = members.iter().map(Member::number).collect();
    for member in members.iter().filter(|member| super::fields::NUMBERS.contains(&member.number())) {
        let Some(first) = seen.get(&member.number()) else {
            seen.insert(member.number(), member);
            continue;
        };
        let duplicate = FieldError::DuplicateNumber {
            name: member.name().to_owned(),
            other: first.name().to_owned(),
            number: member.number(),
            free: super::fields::NUMBERS.clone().find(|number| !all.contains(number)),
        };
        sink.push(Diagnostic::new(duplicate, member.span()).with(first.span(), "the number is used here"));
    }
}

/// `X304`: no two fields have one name. The first one stays.
fn names(model: &str, members: Vec<Member>, sink: &mut Sink) -> Vec<Member> {
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut kept = Vec::with_capacity(members.len());
    for member in members {
        if let Some(first) = seen.get(member.name()) {
            let twice = FieldError::DuplicateField { name: member.name().to_owned(), model: model.to_owned() };
            sink.push(Diagnostic::new(twice, member.span()).with(*first, "first declared here"));
        } else {
            seen.insert(member.name().to_owned(), member.span());
            kept.push(member);
        }
    }
    kept
}
