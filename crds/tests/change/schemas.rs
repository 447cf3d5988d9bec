//! Every kind of difference of schemas, both ways.

use serde_json::{Value, json};

use crate::{differences, of_model, told};

/// Makes a schema of objects whose `spec` is this.
fn object(spec: &Value) -> Value {
    json!({"type": "object", "properties": {"spec": spec}})
}

/// Makes a schema of objects whose `spec.f` is this.
fn field(schema: &Value) -> Value {
    object(&json!({"type": "object", "properties": {"f": schema}}))
}

/// Asserts what is told of a change, and of the way back.
fn assert_told(old: &Value, new: &Value, there: &[&str], back: &[&str]) {
    assert_eq!(told(&differences(old, new)), there, "{old} → {new}");
    assert_eq!(told(&differences(new, old)), back, "{new} → {old}");
    assert!(differences(old, old).is_empty() && differences(new, new).is_empty());
}

#[test]
fn keywords_of_a_field() {
    let string = |more: Value| merge(json!({"type": "string"}), more);
    let integer = |more: Value| merge(json!({"type": "integer"}), more);
    let list = |more: Value| merge(json!({"type": "array", "items": {"type": "string"}}), more);
    let rule = |text: &str, message: &str| json!({"x-kubernetes-validations": [{"rule": text, "message": message}]});
    let table = [
        (
            string(json!({})),
            integer(json!({})),
            "breaking spec.f: type string → integer",
            "breaking spec.f: type integer → string",
        ),
        (
            integer(json!({})),
            json!({"type": "number"}),
            "harmless spec.f: type integer → number",
            "breaking spec.f: type number → integer",
        ),
        (
            string(json!({"maxLength": 9})),
            string(json!({"maxLength": 10})),
            "harmless spec.f: maxLength 9 → 10",
            "breaking spec.f: maxLength 10 → 9",
        ),
        (
            string(json!({})),
            string(json!({"maxLength": 9})),
            "breaking spec.f: maxLength none → 9",
            "harmless spec.f: maxLength 9 → none",
        ),
        (
            string(json!({"minLength": 1})),
            string(json!({"minLength": 2})),
            "breaking spec.f: minLength 1 → 2",
            "harmless spec.f: minLength 2 → 1",
        ),
        (
            integer(json!({"maximum": 5})),
            integer(json!({"maximum": 4})),
            "breaking spec.f: maximum 5 → 4",
            "harmless spec.f: maximum 4 → 5",
        ),
        (
            integer(json!({"minimum": -1})),
            integer(json!({"minimum": 0})),
            "breaking spec.f: minimum -1 → 0",
            "harmless spec.f: minimum 0 → -1",
        ),
        (
            integer(json!({"maximum": 5})),
            integer(json!({"maximum": 5, "exclusiveMaximum": true})),
            "breaking spec.f: exclusiveMaximum none → true",
            "harmless spec.f: exclusiveMaximum true → none",
        ),
        (
            integer(json!({"multipleOf": 2})),
            integer(json!({"multipleOf": 4})),
            "breaking spec.f: multipleOf 2 → 4",
            "harmless spec.f: multipleOf 4 → 2",
        ),
        (
            string(json!({"enum": ["up", "down"]})),
            string(json!({"enum": ["up"]})),
            "breaking spec.f: enum without \"down\"",
            "harmless spec.f: enum with \"down\"",
        ),
        (
            string(json!({})),
            string(json!({"enum": ["up"]})),
            "breaking spec.f: enum none → [\"up\"]",
            "harmless spec.f: enum [\"up\"] → none",
        ),
        (
            string(json!({})),
            string(json!({"pattern": "^a"})),
            "breaking spec.f: pattern none → ^a",
            "harmless spec.f: pattern ^a → none",
        ),
        (
            string(json!({"pattern": "^a"})),
            string(json!({"pattern": "^b"})),
            "breaking spec.f: pattern ^a → ^b",
            "breaking spec.f: pattern ^b → ^a",
        ),
        (
            string(json!({})),
            string(json!({"format": "date-time"})),
            "breaking spec.f: format none → date-time",
            "harmless spec.f: format date-time → none",
        ),
        (
            integer(json!({"format": "int32"})),
            integer(json!({"format": "int64"})),
            "harmless spec.f: format int32 → int64",
            "breaking spec.f: format int64 → int32",
        ),
        (
            string(json!({})),
            string(json!({"nullable": true})),
            "harmless spec.f: nullable none → true",
            "breaking spec.f: nullable true → none",
        ),
        (
            string(json!({})),
            string(json!({"default": "a"})),
            "harmless spec.f: default none → a",
            "harmless spec.f: default a → none",
        ),
        (
            string(json!({"default": "a"})),
            string(json!({"default": "b"})),
            "harmless spec.f: default a → b",
            "harmless spec.f: default b → a",
        ),
        (
            string(json!({"description": "A."})),
            string(json!({"description": "B."})),
            "harmless spec.f: description A. → B.",
            "harmless spec.f: description B. → A.",
        ),
        (
            list(json!({"maxItems": 9})),
            list(json!({"maxItems": 8})),
            "breaking spec.f: maxItems 9 → 8",
            "harmless spec.f: maxItems 8 → 9",
        ),
        (
            list(json!({})),
            list(json!({"minItems": 1})),
            "breaking spec.f: minItems none → 1",
            "harmless spec.f: minItems 1 → none",
        ),
        (
            list(json!({"x-kubernetes-list-type": "atomic"})),
            list(json!({"x-kubernetes-list-type": "set"})),
            "breaking spec.f: x-kubernetes-list-type atomic → set",
            "harmless spec.f: x-kubernetes-list-type set → atomic",
        ),
        (
            json!({"type": "object", "x-kubernetes-map-type": "granular"}),
            json!({"type": "object", "x-kubernetes-map-type": "atomic"}),
            "harmless spec.f: x-kubernetes-map-type granular → atomic",
            "harmless spec.f: x-kubernetes-map-type atomic → granular",
        ),
        (
            string(json!({})),
            string(json!({"anyOf": [{"maxLength": 3}]})),
            "breaking spec.f: anyOf none → [{\"maxLength\":3}]",
            "harmless spec.f: anyOf [{\"maxLength\":3}] → none",
        ),
        (
            string(json!({})),
            string(rule("self != ''", "no")),
            "tightening spec.f: new rule self != ''",
            "harmless spec.f: rule self != '' removed",
        ),
        (
            string(rule("self != ''", "no")),
            string(rule("self != ''", "never")),
            "harmless spec.f: message of rule self != '' → self != ''",
            "harmless spec.f: message of rule self != '' → self != ''",
        ),
    ];
    for (old, new, there, back) in table {
        assert_told(&field(&old), &field(&new), &[there], &[back]);
    }
}

fn merge(mut to: Value, from: Value) -> Value {
    if let (Value::Object(to), Value::Object(from)) = (&mut to, from) {
        to.extend(from);
    }
    to
}

#[test]
fn the_same_in_other_words_is_no_difference() {
    let pairs = [
        (
            json!({"type": "integer", "default": 1, "enum": [1, 2]}),
            json!({"type": "integer", "default": 1.0, "enum": [1.0, 2]}),
        ),
        (json!({"type": "integer", "minimum": 1}), json!({"type": "integer", "minimum": 1.0})),
        (json!({"type": "string", "nullable": false}), json!({"type": "string"})),
        (json!({"type": "object", "required": []}), json!({"type": "object"})),
    ];
    for (a, b) in pairs {
        assert_told(&field(&a), &field(&b), &[], &[]);
    }
}

#[test]
fn fields_come_and_go() {
    let without = object(&json!({"type": "object", "properties": {"a": {"type": "string"}}}));
    let properties = json!({"a": {"type": "string"}, "f": {"type": "boolean"}});
    let with = object(&json!({"type": "object", "properties": properties}));
    let asked = object(&json!({"type": "object", "properties": properties, "required": ["f"]}));
    assert_told(&without, &with, &["harmless spec.f: added (boolean)"], &["breaking spec.f: removed (was boolean)"]);
    assert_told(
        &without,
        &asked,
        &["breaking spec.f: added (required boolean)"],
        &["breaking spec.f: removed (was boolean)"],
    );
    assert_told(&with, &asked, &["breaking spec.f: now required"], &["harmless spec.f: no longer required"]);
}

#[test]
fn a_default_gives_what_is_required() {
    let schema = |required: bool, default: bool| {
        let field = if default { json!({"type": "string", "default": "a"}) } else { json!({"type": "string"}) };
        let required = if required { json!(["f"]) } else { json!([]) };
        object(&json!({"type": "object", "properties": {"f": field}, "required": required}))
    };
    let default = "harmless spec.f: default none → a";
    let no_longer = "harmless spec.f: default a → none";
    let now = "now required";
    let not = "no longer required";
    assert_told(
        &schema(false, false),
        &schema(true, true),
        &[default, &format!("harmless spec.f: {now}")],
        &[no_longer, &format!("harmless spec.f: {not}")],
    );
    assert_told(
        &schema(true, true),
        &schema(true, false),
        &[no_longer, &format!("breaking spec.f: {now}")],
        &[default],
    );
}

#[test]
fn lists_maps_and_objects_are_entered() {
    let item =
        |longest: u32| json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": longest}}});
    let list = |longest| field(&json!({"type": "array", "items": item(longest)}));
    let map = |longest| field(&json!({"type": "object", "additionalProperties": item(longest)}));
    let status = |longest| json!({"type": "object", "properties": {"status": item(longest)}});
    for (schema, place) in [
        (&list as &dyn Fn(u32) -> Value, "spec.f[].name"),
        (&map, "spec.f[*].name"),
        (&|longest| field(&field(&item(longest))), "spec.f.spec.f.name"),
        (&status, "status.name"),
    ] {
        let shorter = format!("breaking {place}: maxLength 9 → 8");
        let longer = format!("harmless {place}: maxLength 8 → 9");
        assert_told(&schema(9), &schema(8), &[&shorter], &[&longer]);
    }
}

#[test]
fn fields_without_a_name_of_their_own() {
    let of_texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let named = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_told(
        &field(&of_texts),
        &field(&named),
        &["breaking spec.f: other fields string → none"],
        &["harmless spec.f: other fields none → string"],
    );
    let free = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    assert_told(
        &field(&free),
        &field(&json!({"type": "object"})),
        &["breaking spec.f: other fields anything → none"],
        &["harmless spec.f: other fields none → anything"],
    );
    assert_told(
        &field(&free),
        &field(&of_texts),
        &["breaking spec.f[*]: other fields anything → string"],
        &["harmless spec.f: other fields string → anything"],
    );
    assert_told(
        &field(&free),
        &field(&named),
        &["breaking spec.f.a: field anything → string", "breaking spec.f: other fields anything → none"],
        &["harmless spec.f.a: removed (was string)", "harmless spec.f: other fields none → anything"],
    );
}

#[test]
fn what_models_change_is_told() {
    let table = [
        ("optional int32 n = 2;", "harmless spec.n: added (integer)"),
        ("required int32 n = 2;", "breaking spec.n: added (required integer)"),
        ("required int32 n = 2 [default = 3];", "harmless spec.n: added (integer)"),
        ("optional manytoone peer->M:peers = 2:1001;", "harmless spec.peer: added (object)"),
        (
            "optional string oper_status = 2 [max_length = 9, feedback_state = True];",
            "breaking status.operStatus: field anything → string",
        ),
    ];
    let first = "required string first_name = 1 [max_length = 9];";
    for (more, expected) in table {
        let found = xos_crds::change::compare(&of_model(first), &of_model(&format!("{first} {more}"))).unwrap();
        let of_objects: Vec<_> = found.into_iter().filter(|difference| difference.place.is_some()).collect();
        assert_eq!(told(&of_objects), [expected], "{more}");
    }
}
