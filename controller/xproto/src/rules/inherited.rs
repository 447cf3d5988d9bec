//! Rules on the own fields of a message beside those that it inherits.

use std::collections::HashMap;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::{Member, camel_case_into};
use crate::resolve::Declaration;

/// Checks the own fields of a message.
pub(crate) fn check(declaration: &Declaration, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let model = &declaration.message.name.text;
    names(model, inherited, own, sink);
    camel_names(model, inherited, own, sink);
}

/// `X305`: no field has the name of an inherited one.
fn names(model: &str, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let own: HashMap<&str, &Member> = own.iter().map(|member| (member.name(), member)).collect();
    for base in inherited {
        let Some(member) = own.get(base.name()) else {
            continue;
        };
        let again = FieldError::InheritedField {
            name: member.name().to_owned(),
            model: model.to_owned(),
            base: base.declared_in().to_owned(),
        };
        sink.push(Diagnostic::new(again, member.span()).with(base.span(), "inherited from here"));
    }
}

/// `X306`: no two fields fall together in lowerCamelCase. Those of the bases among each other are reported with them.
fn camel_names(model: &str, inherited: &[Member], own: &[Member], sink: &mut Sink) {
    let mut seen: HashMap<String, &Member> = HashMap::with_capacity(own.len());
    for member in own {
        let camel = member.camel_name();
        match seen.get(&camel) {
            Some(first) => same(model, member, first, camel, sink),
            None => {
                seen.insert(camel, member);
            }
        }
    }
    let mut camel = String::new();
    for base in inherited.iter().filter(|_| !own.is_empty()) {
        camel.clear();
        camel_case_into(base.name(), &mut camel);
        if let Some(member) = seen.get(&camel).filter(|member| member.name() != base.name()) {
            same(model, member, base, camel.clone(), sink);
        }
    }
}

fn same(model: &str, second: &Member, first: &Member, camel: String, sink: &mut Sink) {
    let (name, other) = (second.name().to_owned(), first.name().to_owned());
    let same = FieldError::SameCamelCase { name, other, model: model.to_owned(), camel };
    sink.push(Diagnostic::new(same, second.span()).with(first.span(), "the other one"));
}
