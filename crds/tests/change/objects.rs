//! Which stored objects a breaking difference breaks.

use serde_json::{Value, json};

use crate::differences;

/// Returns whether an object with this `f` (none for null) breaks when the schema of `f` changes.
fn is_broken(old: &Value, new: &Value, value: &Value) -> bool {
    let schema = |field: &Value| json!({"type": "object", "properties": {"f": field}});
    let object = if value.is_null() { json!({}) } else { json!({"f": value}) };
    differences(&schema(old), &schema(new)).iter().any(|difference| difference.affects(&object))
}

#[test]
fn values_that_do_not_comply_are_broken() {
    let string = json!({"type": "string"});
    let integer = json!({"type": "integer"});
    let number = json!({"type": "number"});
    let list = json!({"type": "array", "items": {"type": "string"}});
    let with = |schema: &Value, keyword: &str, value: Value| {
        let mut schema = schema.clone();
        schema[keyword] = value;
        schema
    };
    let objects = json!({"type": "array", "items": {"type": "object"}});
    let keys = with(&objects, "x-kubernetes-list-type", json!("map"));
    let keys = with(&keys, "x-kubernetes-list-map-keys", json!(["k"]));
    let table = [
        (&string, integer.clone(), json!("a"), true),
        (&number, integer.clone(), json!(1.5), true),
        (&number, integer.clone(), json!(2.0), false),
        (&string, with(&string, "maxLength", json!(3)), json!("abcd"), true),
        (&string, with(&string, "maxLength", json!(3)), json!("äöü"), false),
        (&string, with(&string, "minLength", json!(1)), json!(""), true),
        (&integer, with(&integer, "maximum", json!(3)), json!(4), true),
        (&integer, with(&integer, "maximum", json!(3)), json!(3), false),
        (&integer, with(&with(&integer, "maximum", json!(3)), "exclusiveMaximum", json!(true)), json!(3), true),
        (&integer, with(&integer, "minimum", json!(3)), json!(2), true),
        (&integer, with(&integer, "multipleOf", json!(3)), json!(2), true),
        (&integer, with(&integer, "format", json!("int32")), json!(1_i64 << 31), true),
        (&string, with(&string, "format", json!("date-time")), json!("today"), true),
        (&string, with(&string, "format", json!("date-time")), json!("2026-01-01T00:00:00Z"), false),
        (&string, with(&string, "enum", json!(["up"])), json!("down"), true),
        (&string, with(&string, "enum", json!(["up"])), json!("up"), false),
        (&string, with(&string, "pattern", json!("^a+$")), json!("ab"), true),
        (&string, with(&string, "pattern", json!("^a+$")), json!("aa"), false),
        // What cannot be told counts as broken, where there is a value.
        (&string, with(&string, "pattern", json!("(")), json!("aa"), true),
        (&string, with(&string, "not", json!({"maxLength": 3})), json!("aa"), true),
        (&string, with(&string, "not", json!({"maxLength": 3})), Value::Null, false),
        (&list, with(&list, "maxItems", json!(1)), json!(["a", "b"]), true),
        (&list, with(&list, "x-kubernetes-list-type", json!("set")), json!(["a", "a"]), true),
        (&list, with(&list, "x-kubernetes-list-type", json!("set")), json!(["a", "b"]), false),
        (&objects, keys.clone(), json!([{"k": 1}, {"k": 1}]), true),
        (&objects, keys.clone(), json!([{"k": 1}, {}]), true),
        (&objects, keys, json!([{"k": 1}, {"k": 2}]), false),
    ];
    for (old, new, value, expected) in table {
        assert_eq!(is_broken(old, &new, &value), expected, "{old} → {new} with {value}");
    }
}

#[test]
fn null_is_broken_only_where_it_is_no_longer_allowed() {
    let nullable = json!({"type": "object", "properties": {"f": {"type": "string", "nullable": true}}});
    let not = json!({"type": "object", "properties": {"f": {"type": "string"}}});
    let found = differences(&nullable, &not);
    assert!(found[0].affects(&json!({"f": null})));
    assert!(!found[0].affects(&json!({"f": "a"})) && !found[0].affects(&json!({})));
}

#[test]
fn a_removed_field_breaks_the_objects_that_have_it() {
    let gone = |schema: Value| {
        let old = json!({"type": "object", "properties": {"f": schema}});
        differences(&old, &json!({"type": "object"})).remove(0)
    };
    let plain = gone(json!({"type": "string"}));
    assert!(plain.affects(&json!({"f": "a"})) && !plain.affects(&json!({})));
    // The API server shows a default in every object; nobody could take it out.
    let with_default = gone(json!({"type": "string", "default": "a"}));
    assert!(with_default.affects(&json!({"f": "b"})) && !with_default.affects(&json!({"f": "a"})));
}

#[test]
fn a_newly_required_field_breaks_the_objects_that_lack_it() {
    let item =
        |required: Value| json!({"type": "object", "properties": {"k": {"type": "string"}}, "required": required});
    let list = |item: Value| json!({"type": "object", "properties": {"l": {"type": "array", "items": item}}});
    let found = differences(&list(item(json!([]))), &list(item(json!(["k"]))));
    assert!(found[0].affects(&json!({"l": [{"k": "a"}, {}]})));
    assert!(!found[0].affects(&json!({"l": [{"k": "a"}]})) && !found[0].affects(&json!({})));
}

#[test]
fn fields_that_are_no_longer_accepted_break_the_objects_that_have_them() {
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let named = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert!(is_broken(&map, &named, &json!({"a": "1", "b": "2"})));
    assert!(!is_broken(&map, &named, &json!({"a": "1"})));
}
