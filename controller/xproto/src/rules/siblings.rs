//! Rules on the fields of one message among each other.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::Field;
use crate::source::Span;

/// Checks the fields and gives those that have their names for themselves.
pub(crate) fn check(model: &str, fields: Vec<Field>, sink: &mut Sink) -> Vec<Field> {
    numbers(&fields, sink);
    names(model, fields, sink)
}

/// `X303`: no two fields have one number.
fn numbers(fields: &[Field], sink: &mut Sink) {
    let mut seen: BTreeMap<u32, &Field> = BTreeMap::new();
    let all: std::collections::BTreeSet<u32> = fields.iter().map(|field| field.number).collect();
    for field in fields.iter().filter(|field| super::fields::NUMBERS.contains(&field.number)) {
        let Some(first) = seen.get(&field.number) else {
            seen.insert(field.number, field);
            continue;
        };
        let duplicate = FieldError::DuplicateNumber {
            name: field.name.clone(),
            other: first.name.clone(),
            number: field.number,
            free: super::fields::NUMBERS.clone().find(|number| !all.contains(number)),
        };
        sink.push(Diagnostic::new(duplicate, field.span).with(first.span, "the number is used here"));
    }
}

/// `X304`: no two fields have one name. The first one stays.
fn names(model: &str, fields: Vec<Field>, sink: &mut Sink) -> Vec<Field> {
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut kept = Vec::with_capacity(fields.len());
    for field in fields {
        if let Some(first) = seen.get(&field.name) {
            let twice = FieldError::DuplicateField { name: field.name.clone(), model: model.to_owned() };
            sink.push(Diagnostic::new(twice, field.span).with(*first, "first declared here"));
        } else {
            seen.insert(field.name.clone(), field.span);
            kept.push(field);
        }
    }
    kept
}
