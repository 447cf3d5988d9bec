//! Rules on the own fields of a message beside those that it inherits.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, FieldError};
use crate::model::Field;
use crate::resolve::Declaration;

/// Checks the own fields of a message.
pub(crate) fn check(declaration: &Declaration, inherited: &[Arc<Field>], own: &[Field], sink: &mut Sink) {
    let model = &declaration.message.name.text;
    names(model, inherited, own, sink);
    camel_names(model, inherited, own, sink);
}

/// `X305`: no field has the name of an inherited one.
fn names(model: &str, inherited: &[Arc<Field>], own: &[Field], sink: &mut Sink) {
    let bases: HashMap<&str, &Field> = inherited.iter().map(|field| (field.name.as_str(), field.as_ref())).collect();
    for field in own {
        let Some(base) = bases.get(field.name.as_str()) else {
            continue;
        };
        let again = FieldError::InheritedField {
            name: field.name.clone(),
            model: model.to_owned(),
            base: base.declared_in.clone(),
        };
        sink.push(Diagnostic::new(again, field.span).with(base.span, "inherited from here"));
    }
}

/// `X306`: no two fields fall together in lowerCamelCase.
fn camel_names(model: &str, inherited: &[Arc<Field>], own: &[Field], sink: &mut Sink) {
    let mut seen: HashMap<String, &Field> =
        inherited.iter().map(|field| (field.camel_name(), field.as_ref())).collect();
    for field in own {
        let camel = field.camel_name();
        let Some(first) = seen.get(&camel).filter(|first| first.name != field.name) else {
            seen.insert(camel, field);
            continue;
        };
        let same = FieldError::SameCamelCase {
            name: field.name.clone(),
            other: first.name.clone(),
            model: model.to_owned(),
            camel,
        };
        sink.push(Diagnostic::new(same, field.span).with(first.span, "the other one"));
    }
}
