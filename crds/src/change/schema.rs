//! The differences of two schemas of the same values.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::difference::{Difference, Effect, FIELD, OTHER_FIELDS, REQUIRED, RULE, Requirement};
use super::field_path::FieldPath;
use super::keywords::{self, STRUCTURE, Schema, same_keyword};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const RULES: &str = "x-kubernetes-validations";

/// Returns all differences of two schemas and of what is below them.
pub(super) fn compare(place: &FieldPath, old: &Schema, new: &Schema) -> Vec<Difference> {
    let mut found = vec![];
    compare_into(place, old, new, &mut found);
    found
}

fn compare_into(place: &FieldPath, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let mut add = |keyword: &str| {
        found.push(difference(place, keyword, old.get(keyword), new.get(keyword), keywords::effect(keyword, old, new)));
    };
    // A value of another type has nothing else in common.
    if are_apart(type_of(old), type_of(new)) {
        return add("type");
    }
    let names: BTreeSet<_> = old.keys().chain(new.keys()).map(String::as_str).collect();
    let own = names.into_iter().filter(|name| !STRUCTURE.contains(name));
    own.filter(|name| !same_keyword(name, old, new)).for_each(&mut add);
    found.extend(filled_up(place, old, new));
    rules(place, old, new, found);
    fields(place, old, new, found);
    other_fields(place, old, new, found);
    items(place, old, new, found);
}

fn difference(
    place: &FieldPath,
    aspect: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    effect: Effect,
) -> Difference {
    let before = before.cloned();
    let after = after.cloned();
    Difference { place: Some(place.clone()), aspect: aspect.to_owned(), before, after, effect }
}

/// Checks whether new defaults can give an object more fields than it may have.
fn filled_up(place: &FieldPath, old: &Schema, new: &Schema) -> Option<Difference> {
    let most = new.get("maxProperties")?;
    let had_default = |name: &str| property(old, name).is_some_and(|field| field.contains_key("default"));
    let fills = properties(new).any(|(name, field)| field.contains_key("default") && !had_default(name));
    let effect = Effect::Breaking(keywords::number_of_fields(new));
    fills.then(|| difference(place, "fields with a default, and maxProperties", Some(most), Some(most), effect))
}

fn type_of(schema: &Schema) -> Option<&str> {
    schema.get("type").and_then(Value::as_str)
}

fn are_apart(old: Option<&str>, new: Option<&str>) -> bool {
    let numeric = |name| matches!(name, "integer" | "number");
    matches!((old, new), (Some(old), Some(new)) if old != new && !(numeric(old) && numeric(new)))
}

/// Compares CEL rules, which are identified by their text; another message is harmless.
fn rules(place: &FieldPath, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let list = |schema: &Schema| schema.get(RULES).and_then(Value::as_array).cloned().unwrap_or_default();
    let before = list(old);
    let after = list(new);
    let of = |rules: &[Value], text: &Value| rules.iter().find(|rule| rule["rule"] == *text).cloned();
    for rule in &after {
        let text = &rule["rule"];
        let (aspect, before, effect) = match of(&before, text) {
            None => (RULE, None, Effect::Tightening),
            Some(same) if same == *rule => continue,
            Some(other) if other["optionalOldSelf"] != rule["optionalOldSelf"] => {
                (RULE, Some(text), Effect::Tightening)
            }
            Some(_) => ("message of rule", Some(text), Effect::Harmless),
        };
        found.push(difference(place, aspect, before, Some(text), effect));
    }
    let gone = before.iter().filter(|rule| of(&after, &rule["rule"]).is_none());
    found.extend(gone.map(|rule| difference(place, RULE, Some(&rule["rule"]), None, Effect::Harmless)));
}

/// The values that are accepted under a name.
#[derive(Clone, Copy)]
pub(super) enum Accepted<'a> {
    Nothing,
    Anything,
    Schema(&'a Schema),
}

/// Returns what is accepted under names that are not among the properties.
fn others(schema: &Schema) -> Accepted<'_> {
    match schema.get("additionalProperties") {
        Some(Value::Object(values)) => Accepted::Schema(values),
        Some(Value::Bool(true)) => Accepted::Anything,
        _ if schema.get(PRESERVE) == Some(&Value::Bool(true)) => Accepted::Anything,
        _ => Accepted::Nothing,
    }
}

fn properties(schema: &Schema) -> impl Iterator<Item = (&str, &Schema)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_object()?)))
}

fn property<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    schema.get("properties")?.get(name)?.as_object()
}

pub(super) fn accepted<'a>(schema: &'a Schema, name: &str) -> Accepted<'a> {
    property(schema, name).map_or_else(|| others(schema), Accepted::Schema)
}

fn fields(place: &FieldPath, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let names: BTreeSet<_> = properties(old).chain(properties(new)).map(|(name, _)| name).collect();
    for name in names {
        let at = place.field(name);
        let is_new = match (accepted(old, name), accepted(new, name)) {
            (Accepted::Schema(old), Accepted::Schema(new)) => {
                compare_into(&at, old, new, found);
                false
            }
            (Accepted::Schema(field), now) => {
                found.push(removed(&at, field, now, must_be_given(old, name)));
                continue;
            }
            (Accepted::Anything, Accepted::Schema(new)) => {
                found.push(difference(&at, FIELD, Some(&json!("anything")), Some(&kind(new)), whole(new)));
                false
            }
            (Accepted::Nothing, Accepted::Schema(_)) => true,
            // The names are those in either schema.
            (_, Accepted::Anything | Accepted::Nothing) => continue,
        };
        match (is_new, property(new, name)) {
            (true, Some(new_field)) => found.push(added(&at, new_field, must_be_given(new, name))),
            _ => required(&at, name, old, new, found),
        }
    }
}

fn removed(at: &FieldPath, old: &Schema, now: Accepted<'_>, must_be_given: bool) -> Difference {
    // It is no longer checked, but it stays.
    let effect = match now {
        Accepted::Anything => Effect::Harmless,
        Accepted::Nothing | Accepted::Schema(_) => {
            Effect::Breaking(Requirement::Gone { default: old.get("default").cloned(), must_be_given })
        }
    };
    difference(at, FIELD, Some(&kind(old)), None, effect)
}

fn added(at: &FieldPath, field: &Schema, must_be_given: bool) -> Difference {
    if !must_be_given {
        return difference(at, FIELD, None, Some(&kind(field)), Effect::Harmless);
    }
    let text = format!("required {}", type_of(field).unwrap_or("value"));
    difference(at, FIELD, None, Some(&json!(text)), Effect::Breaking(Requirement::Given))
}

/// Returns the effect of a schema where there was none: values that happen to comply with it stay.
fn whole(new: &Schema) -> Effect {
    Effect::Breaking(Requirement::Whole(new.clone()))
}

fn kind(schema: &Schema) -> Value {
    json!(type_of(schema).unwrap_or("anything"))
}

fn is_listed(schema: &Schema, name: &str) -> bool {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().any(|listed| listed == name)
}

/// Returns whether a property is required and has no default.
pub(super) fn must_be_given(schema: &Schema, name: &str) -> bool {
    let default = property(schema, name).and_then(|field| field.get("default"));
    is_listed(schema, name) && default.is_none_or(Value::is_null)
}

fn required(at: &FieldPath, name: &str, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let effect = match (must_be_given(old, name), must_be_given(new, name)) {
        (false, true) => Effect::Breaking(Requirement::Given),
        _ if is_listed(old, name) != is_listed(new, name) => Effect::Harmless,
        _ => return,
    };
    let (before, after) = match &effect {
        Effect::Breaking(_) => (false, true),
        _ => (is_listed(old, name), is_listed(new, name)),
    };
    found.push(difference(at, REQUIRED, Some(&json!(before)), Some(&json!(after)), effect));
}

/// Compares the values of a map, and whether fields that are not listed are accepted.
fn other_fields(place: &FieldPath, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let before = others(old);
    let after = others(new);
    let text = |accepted| match accepted {
        Accepted::Nothing => json!("none"),
        Accepted::Anything => json!("anything"),
        Accepted::Schema(values) => kind(values),
    };
    let (at, effect) = match (before, after) {
        (Accepted::Schema(old), Accepted::Schema(new)) => return compare_into(&place.values(), old, new, found),
        (Accepted::Nothing, Accepted::Nothing) | (Accepted::Anything, Accepted::Anything) => return,
        (_, Accepted::Anything) | (Accepted::Nothing, _) => (place.clone(), Effect::Harmless),
        (_, Accepted::Nothing) => {
            let names = properties(new).map(|(name, _)| name.to_owned()).collect();
            (place.clone(), Effect::Breaking(Requirement::Only(names)))
        }
        (Accepted::Anything, Accepted::Schema(new)) => (place.values(), whole(new)),
    };
    found.push(difference(&at, OTHER_FIELDS, Some(&text(before)), Some(&text(after)), effect));
}

fn items(place: &FieldPath, old: &Schema, new: &Schema, found: &mut Vec<Difference>) {
    let items = |schema: &Schema| schema.get("items").and_then(Value::as_object).cloned();
    let any = json!("anything");
    let at = place.items();
    match (items(old), items(new)) {
        (Some(old), Some(new)) => compare_into(&at, &old, &new, found),
        (None, Some(new)) => {
            found.push(difference(&at, "items", Some(&any), Some(&kind(&new)), whole(&new)));
        }
        (Some(old), None) => found.push(difference(&at, "items", Some(&kind(&old)), Some(&any), Effect::Harmless)),
        (None, None) => {}
    }
}

/// Returns an empty schema.
pub(super) fn empty() -> Schema {
    Map::new()
}
