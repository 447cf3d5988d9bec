//! What is said of a change is true, for any schemas and objects.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};
use xos_crds::change::Effect;

use crate::differences;
use crate::validator::{accepts, with_defaults};

/// How deep schemas go.
const DEPTH: u32 = 3;
/// Objects for each pair of schemas.
const OBJECTS: usize = 12;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Without a breaking difference what was valid stays valid; with some, exactly the objects are affected that do
    /// not.
    #[test]
    fn affected_are_those_that_the_new_schema_does_not_take(seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let old = object_schema(&mut rng, DEPTH);
        let new = mutated(&mut rng, &old);
        let found = differences(&old, &new);
        prop_assert!(old != new || found.is_empty());
        for _ in 0..OBJECTS {
            // As the API server shows it: with defaults.
            let object = with_defaults(&old, value(&mut rng, &old));
            if !accepts(&old, &object) {
                continue;
            }
            let affected: Vec<_> = found.iter().filter(|difference| difference.affects(&object)).collect();
            prop_assert!(affected.iter().all(|difference| matches!(difference.effect, Effect::Breaking(_))));
            let stays = accepts(&new, &with_defaults(&new, without_removed_defaults(&old, &new, object.clone())));
            prop_assert_eq!(stays, affected.is_empty(), "{}\n{}\n{}\n{:#?}", old, new, object, affected);
        }
    }

    /// Somebody has relaxed the definition by hand until it takes anything: those that comply are not affected, all
    /// others are.
    #[test]
    fn of_what_was_never_checked_exactly_what_does_not_comply_is_affected(seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let new = object_schema(&mut rng, 2);
        let found = differences(&anything, &new);
        for complies in [true, false] {
            let made_for = if complies { new.clone() } else { object_schema(&mut rng, 2) };
            for _ in 0..OBJECTS {
                let object = value(&mut rng, &made_for);
                let stays = accepts(&new, &with_defaults(&new, object.clone()));
                let is_affected = found.iter().any(|difference| difference.affects(&object));
                prop_assert_eq!(stays, !is_affected, "{}\n{}\n{:#?}", new, object, found);
            }
        }
    }

    /// The way from any schema to any other.
    #[test]
    fn what_is_safe_breaks_nothing(seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let old = object_schema(&mut rng, 2);
        let new = object_schema(&mut rng, 2);
        let found = differences(&old, &new);
        for _ in 0..OBJECTS {
            let object = with_defaults(&old, value(&mut rng, &old));
            if accepts(&old, &object) {
                let stays = accepts(&new, &with_defaults(&new, without_removed_defaults(&old, &new, object.clone())));
                let is_affected = found.iter().any(|difference| difference.affects(&object));
                prop_assert!(stays || is_affected, "{}\n{}\n{}\n{:#?}", old, new, object, found);
            }
        }
    }
}

/// Removes the fields that are equal to their removed defaults: with them nothing is lost.
fn without_removed_defaults(old: &Value, new: &Value, mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, field| {
                let is_default = old["properties"][name].get("default").is_some_and(|default| default == field);
                !is_default || !new["properties"][name].is_null() || !new["additionalProperties"].is_null()
            });
            for (name, field) in fields.iter_mut() {
                let of =
                    |schema: &Value| schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]).clone();
                *field = without_removed_defaults(&of(old), &of(new), field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_removed_defaults(&old["items"], &new["items"], item.take());
            }
        }
        _ => {}
    }
    value
}

fn one_of<T: Clone>(rng: &mut StdRng, all: &[T]) -> T {
    all[rng.random_range(0..all.len())].clone()
}

/// Sets a keyword now and then.
fn maybe(rng: &mut StdRng, schema: &mut Value, keyword: &str, values: &[Value]) {
    if rng.random_bool(0.3) {
        schema[keyword] = one_of(rng, values);
    }
}

fn small(numbers: std::ops::Range<i64>) -> Vec<Value> {
    numbers.map(Value::from).collect()
}

fn schema(rng: &mut StdRng, depth: u32) -> Value {
    let mut schema = match rng.random_range(0..if depth == 0 { 4 } else { 7 }) {
        0 | 1 => text_schema(rng),
        2 => number_schema(rng),
        3 => json!({"type": "boolean"}),
        4 => list_schema(rng, depth - 1),
        5 => json!({"type": "object", "additionalProperties": schema(rng, depth - 1)}),
        _ => object_schema(rng, depth - 1),
    };
    maybe(rng, &mut schema, "nullable", &[json!(true)]);
    maybe(rng, &mut schema, "description", &[json!("A."), json!("B.")]);
    schema
}

fn text_schema(rng: &mut StdRng) -> Value {
    let mut schema = json!({"type": "string"});
    maybe(rng, &mut schema, "minLength", &small(0..3));
    maybe(rng, &mut schema, "maxLength", &small(1..5));
    maybe(rng, &mut schema, "enum", &[json!(["a", "ab"]), json!(["a"]), json!(["a", "ab", "", "YQ=="])]);
    maybe(rng, &mut schema, "pattern", &[json!("^a"), json!("b")]);
    maybe(rng, &mut schema, "format", &[json!("date"), json!("byte")]);
    schema
}

fn number_schema(rng: &mut StdRng) -> Value {
    let mut schema = json!({"type": one_of(rng, &["integer", "number"])});
    maybe(rng, &mut schema, "minimum", &small(-2..2));
    maybe(rng, &mut schema, "maximum", &small(0..4));
    maybe(rng, &mut schema, "exclusiveMaximum", &[json!(true), json!(false)]);
    maybe(rng, &mut schema, "exclusiveMinimum", &[json!(true), json!(false)]);
    maybe(rng, &mut schema, "multipleOf", &small(1..5));
    let formats = if schema["type"] == "integer" { ["int32", "int64"] } else { ["double", "double"] };
    maybe(rng, &mut schema, "format", &formats.map(Value::from));
    schema
}

fn list_schema(rng: &mut StdRng, depth: u32) -> Value {
    let mut list = json!({"type": "array", "items": schema(rng, depth)});
    maybe(rng, &mut list, "minItems", &small(0..2));
    maybe(rng, &mut list, "maxItems", &small(1..4));
    let kinds: &[&str] = if list["items"]["type"] == "string" { &["set", "atomic"] } else { &["atomic"] };
    maybe(rng, &mut list, "x-kubernetes-list-type", &kinds.iter().map(|&kind| json!(kind)).collect::<Vec<_>>());
    list
}

fn object_schema(rng: &mut StdRng, depth: u32) -> Value {
    let mut properties = Map::new();
    for name in ["a", "b", "c"] {
        if rng.random_bool(0.7) {
            properties.insert(name.to_owned(), schema(rng, depth));
        }
    }
    let required: Vec<_> = properties.keys().filter(|_| rng.random_bool(0.4)).cloned().collect();
    for property in properties.values_mut() {
        if rng.random_bool(0.7) {
            continue;
        }
        let default = value(rng, property);
        if accepts(property, &default) && !default.is_null() && !matches!(default, Value::Object(_) | Value::Array(_)) {
            property["default"] = default;
        }
    }
    let mut object = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    maybe(rng, &mut object, "maxProperties", &small(2..4));
    object
}

/// Makes the same schema with some parts made anew.
fn mutated(rng: &mut StdRng, old: &Value) -> Value {
    let fresh = || Value::Null;
    let mut new = old.clone();
    let inner = match old["type"].as_str() {
        Some("object") if !old["properties"].is_null() => {
            for name in ["a", "b", "c"] {
                let property = match &old["properties"][name] {
                    Value::Null if rng.random_bool(0.1) => schema(rng, 1),
                    Value::Null => continue,
                    _ if rng.random_bool(0.05) => fresh(),
                    property => mutated(rng, property),
                };
                new["properties"][name] = property;
            }
            let properties = new["properties"].as_object_mut().unwrap();
            properties.retain(|_, property| !property.is_null());
            let names: Vec<_> = properties.keys().cloned().collect();
            if rng.random_bool(0.2) {
                new["required"] = json!(names.iter().filter(|_| rng.random_bool(0.5)).collect::<Vec<_>>());
            }
            // A property that is not there cannot be required.
            if let Some(required) = new["required"].as_array_mut() {
                required.retain(|name| names.iter().any(|there| name == there));
            }
            None
        }
        Some("object") => Some("additionalProperties"),
        Some("array") => Some("items"),
        _ => None,
    };
    if let Some(inner) = inner {
        new[inner] = mutated(rng, &old[inner]);
    }
    if rng.random_bool(0.15) {
        let keyword = one_of(
            rng,
            &[
                "minLength",
                "maxLength",
                "enum",
                "pattern",
                "format",
                "minimum",
                "maximum",
                "multipleOf",
                "nullable",
                "default",
                "maxItems",
                "minItems",
                "x-kubernetes-list-type",
            ],
        );
        new.as_object_mut().unwrap().remove(keyword);
    }
    if rng.random_bool(0.15) {
        let other = match old["type"].as_str() {
            Some("string") => text_schema(rng),
            Some("integer" | "number") => number_schema(rng),
            _ => json!({}),
        };
        new.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    }
    if let Some(default) = new.get("default").cloned()
        && !accepts(&new, &default)
    {
        new.as_object_mut().unwrap().remove("default");
    }
    new
}

/// Makes a value that the schema accepts, most of the time.
fn value(rng: &mut StdRng, schema: &Value) -> Value {
    if schema["nullable"] == true && rng.random_bool(0.1) {
        return Value::Null;
    }
    match schema["type"].as_str().unwrap() {
        "string" => json!(one_of(rng, &["a", "ab", "", "b", "abc", "YQ==", "2026-01-31"])),
        "boolean" => json!(rng.random_bool(0.5)),
        "integer" => json!(one_of(rng, &[-2_i64, -1, 0, 1, 2, 3, 4, 1 << 31])),
        "number" => one_of(rng, &[json!(-1), json!(0), json!(0.5), json!(2.0), json!(3), json!(4_294_967_296.5)]),
        "array" => (0..rng.random_range(0..4)).map(|_| value(rng, &schema["items"])).collect(),
        _ => {
            let mut fields = Map::new();
            for name in ["a", "b", "c"] {
                let required =
                    schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name));
                let of = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                if !of.is_null() && (required || rng.random_bool(0.6)) {
                    fields.insert(name.to_owned(), value(rng, of));
                }
            }
            Value::Object(fields)
        }
    }
}
