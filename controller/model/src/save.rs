//! The fields that a step changed, and where to save them.

use xos_xproto::{Model, Section};

use crate::fields::Fields;
use crate::object::Object;

/// The changes of a step; null means that the field was unset.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Changes {
    /// Fields of spec.
    pub spec: Fields,
    /// Fields of status.
    pub status: Fields,
}

/// A change that no step may make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names of the fields say what they are")]
pub enum SaveError {
    /// The field is bookkeeping.
    #[error(
        "the step changed `{field}`, which is the framework's own bookkeeping: leave it alone, or use a feedback field"
    )]
    Bookkeeping { field: String },
    /// The model has no such field.
    #[error("the step set `{field}`, which model {model} does not have")]
    Unknown { field: String, model: String },
}

/// Returns the fields that differ, with their new values; null for those that were unset.
pub fn difference(before: &Fields, after: &Fields) -> Fields {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(name) != after.get(name));
    changed.map(|name| (name, after.get(name).cloned().unwrap_or_default())).collect()
}

/// Returns the fields of `current` with the changes that were made to `base`. If `yielding`, declarative fields that an
/// operator set, or that anyone changed since `base`, stay as they are.
pub fn merge(model: &Model, base: &Object, current: &Object, changed: &Fields, yielding: bool) -> Fields {
    let mut fields = current.fields.clone();
    for (name, value) in changed {
        if yielding && is_taken(model, base, current, name) {
            continue;
        }
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    fields
}

fn is_taken(model: &Model, base: &Object, current: &Object, name: &str) -> bool {
    let is_declarative = model.member(name).is_some_and(|member| member.section() == Section::Spec);
    let is_operators = || current.meta.operator_fields.iter().any(|field| **field == *name);
    is_declarative && (is_operators() || base.fields.get(name) != current.fields.get(name))
}

/// Returns the difference between the fields before and after a step.
///
/// # Errors
/// When the step changed bookkeeping, or set a field that the model does not have.
pub fn changes(model: &Model, before: &Fields, after: &Fields) -> Result<Changes, SaveError> {
    let mut changes = Changes::default();
    for (name, value) in difference(before, after) {
        // A value that comes from a Secret stays there.
        if model.field(&name).is_some_and(|field| field.secret && before.contains_key(&field.source_name())) {
            continue;
        }
        let Some(member) = model.member(&name) else {
            return Err(SaveError::Unknown { field: name.into(), model: model.name.clone() });
        };
        match member.section() {
            _ if !member.is_settable() => return Err(SaveError::Bookkeeping { field: name.into() }),
            Section::Spec => changes.spec.insert(name, value),
            Section::Status => changes.status.insert(name, value),
        };
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use xos_xproto::{Sources, compile};

    #[test]
    fn changes_go_to_their_place() {
        let mut sources = Sources::new();
        sources.add(
            "m.xproto",
            "option app_label = \"m\";\nmessage M (XOSBase) { required string a = 1 [max_length = 9]; }",
        );
        let compiled = compile(&sources);
        let model = compiled.models.get("M").unwrap();
        let fields = |v: Value| -> Fields { serde_json::from_value(v).unwrap() };
        let before = fields(json!({"a": "x", "backend_handle": "h"}));
        let after = fields(json!({"a": "y", "no_sync": true}));
        let expected = Changes {
            spec: fields(json!({"a": "y", "no_sync": true})),
            status: fields(json!({"backend_handle": null})),
        };
        assert_eq!(changes(model, &before, &after), Ok(expected));
        assert_eq!(changes(model, &before, &before), Ok(Changes::default()));
        let enacted = fields(json!({"enacted": "2026-01-01T00:00:00Z"}));
        assert!(matches!(changes(model, &fields(json!({})), &enacted), Err(SaveError::Bookkeeping { .. })));
        let unknown = fields(json!({"b": 1}));
        assert!(matches!(changes(model, &fields(json!({})), &unknown), Err(SaveError::Unknown { .. })));
    }
}
