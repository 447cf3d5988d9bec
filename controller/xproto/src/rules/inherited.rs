//! Rules on the own fields of a message beside those that it inherits.

use std::collections::HashMap;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::Member;
use crate::resolve::Declaration;

/// Checks the own fields of a message.
pub(crate) fn check(declaration: &Declaration, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let model = &declaration.message.name.text;
    names(model, inherited, own, sink);
    camel_names(model, inherited, own, sink);
}

/// `X305`: no field has the name of an inherited one.
fn names(model: &str, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let bases: HashMap<&str, &Member> = inherited.iter().map(|member| (member.name(), member)).collect();
    for field in own {
        let Some(base) = bases.get(field.name()) else {
            continue;
        };
        let again = FieldError::InheritedField {
            name: field.name().to_owned(),
            model: model.to_owned(),
            base: base.declared_in().to_owned(),
        };
        sink.push(Diagnostic::new(again, field.span()).with(base.span(), "inherited from here"));
    }
}

/// `X306`: no two fields fall together in lowerCamelCase.
fn camel_names(model: &str, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let mut seen: HashMap<String, &Member> = inherited.iter().map(|member| (member.camel_name(), member)).collect();
    for field in own {
        let camel = field.camel_name();
        let Some(first) = seen.get(&camel).filter(|first| first.name() != field.name()) else {
            seen.insert(camel, field);
            continue;
        };
        let same = FieldError::SameCamelCase {
            name: field.name().to_owned(),
            other: first.name().to_owned(),
            model: model.to_owned(),
            camel,
        };
        sink.push(Diagnostic::new(same, field.span()).with(first.span(), "the other one"));
    }
}
