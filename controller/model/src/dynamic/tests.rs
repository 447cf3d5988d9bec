//! What dynamic objects allow, and what they say.

use super::*;
use serde_json::json;
use xos_xproto::{Sources, compile};

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add(
        "m.xproto",
        r#"option app_label = "m";
        message Service (XOSBase) {
            required string kind = 1 [max_length = 9, default = "a", choices = "(('a', 'A'), ('bee', 'B'))"];
            optional int32 level = 2 [choices = "((None, 'None'), (1, 'One'), (-2, 'Two'))", default = 1];
            optional string seen = 3 [content_type = "date", feedback_state = True];
        }
        message Derived (Service) {
            required uint32 number = 1;
            required manytoone owner->Service:owned = 2:1001;
            optional manytomany friends->Service:of = 3:1002;
            optional double share = 4;
            required string made = 5 [max_length = 9, default = make];
        }
        message Shape (XOSBase) { option abstract = True; }"#,
    );
    let compiled = compile(&sources);
    assert!(!compiled.has_errors());
    compiled.models
}

#[test]
fn a_new_object_has_the_defaults_of_its_model() {
    let models = models();
    let object = Dynamic::create(&models, "Derived", "n", "a").unwrap().into_inner();
    assert_eq!(serde_json::to_value(&object.fields).unwrap(), json!({"kind": "a", "level": 1}));
    assert_eq!(
        (&*object.model, &*object.meta.model, object.key().to_string()),
        ("Derived", "Derived", "Derived n/a".into())
    );
    let error = |model| Dynamic::create(&models, model, "n", "a").unwrap_err().to_string();
    assert_eq!(error("Shape"), "model Shape is abstract: it has no objects of its own");
    assert_eq!(error("Derivde"), "there is no model `Derivde`; did you mean `Derived`?");
}

#[test]
fn what_cannot_be_set_is_said() {
    let models = models();
    let mut o = Dynamic::create(&models, "Derived", "n", "a").unwrap();
    let before = o.object().clone();
    let table = [
        ("kidn", json!("a"), "model Derived has no field `kidn`; did you mean `kind`?"),
        ("kind", json!(1), "Derived: field `kind` is a text, not 1"),
        ("kind", json!("be"), "Service.kind cannot be `be`: it is one of `a`, `bee`; did you mean `bee`?"),
        ("level", json!(2), "Service.level cannot be `2`: it is one of `1`, `-2`"),
        ("number", json!(-1), "Derived: field `number` is a whole number of 32 bits that is not negative, not -1"),
        ("number", Value::Null, "Derived: field `number` is required: it cannot be unset"),
        ("seen", json!("now"), "Derived: field `seen` is a moment such as \"2026-01-02T03:04:05Z\", not \"now\""),
        ("owner", json!("a"), "Derived: `owner` is a link to one object: use `link` and `set_link`"),
        (
            "enacted",
            json!("2026-01-02T03:04:05Z"),
            "Derived: `enacted` is the framework's own bookkeeping: leave it alone, or use a feedback field",
        ),
    ];
    for (field, value, expected) in table {
        assert_eq!(o.set(field, value).unwrap_err().to_string(), expected);
    }
    assert_eq!(*o.object(), before);
}

#[test]
fn what_can_be_set_is_read_back() {
    let models = models();
    let mut o = Dynamic::create(&models, "Derived", "n", "a").unwrap();
    for (field, value) in [
        ("kind", json!("bee")),
        ("level", json!(-2)),
        ("number", json!(7)),
        ("seen", json!("2026-01-02T03:04:05Z")),
        ("share", json!(2)),
        ("no_sync", json!(true)),
        ("made", Value::Null),
        ("level", Value::Null),
    ] {
        o.set(field, value.clone()).unwrap();
        assert_eq!(o.get(field).unwrap(), value, "{field}");
    }
    o.set("kind", Value::Null).unwrap();
    assert_eq!(o.get("kind").unwrap(), "a", "a required field falls back to its default");
    assert!(o.get("owner").is_err());
}

#[test]
fn links_lead_to_their_peer() {
    let models = models();
    let mut object = Object::named("Derived", "n", "a");
    let mut o = Dynamic::of(&models, &mut object).unwrap();
    let kind = |kind: &str| Reference { kind: Some(kind.to_owned()), ..Reference::to("b") };
    o.set_link("owner", kind("Derived")).unwrap();
    o.set_links("friends", vec![Reference::to("c"), kind("Service")]).unwrap();
    let error = o.set_link("owner", kind("Shape")).unwrap_err().to_string();
    assert_eq!(error, "Derived: `owner` leads to a Service, and a Shape is not one");
    let error = o.set_link("owner", None).unwrap_err().to_string();
    assert_eq!(error, "Derived: field `owner` is required: it cannot be unset");
    assert!(o.set_link("friends", None).is_err() && o.set_links("owner", vec![]).is_err() && o.links("kind").is_err());
    assert_eq!(o.link("owner").unwrap(), Some(kind("Derived")));
    assert_eq!(o.links("friends").unwrap().len(), 2);
    object.set("owner", json!("b"));
    let error = Dynamic::of(&models, &object).unwrap().link("owner").unwrap_err().to_string();
    assert_eq!(error, "Derived: field `owner` is a reference with a name, not \"b\"");
}

#[test]
fn a_view_knows_the_fields_of_its_base() {
    let models = models();
    let object = Object::named("Derived", "n", "a");
    let view = Dynamic::of(&models, &object).unwrap().view("Service").unwrap();
    assert_eq!(view.class_names(), ["Derived", "Service", "XOSBase"]);
    assert_eq!(view.get("kind").unwrap(), "a");
    assert!(matches!(view.get("number"), Err(DynamicError::UnknownField { .. })));
    assert_eq!(view.view("Shape").unwrap_err().to_string(), "a Derived is not a Shape");
}

#[test]
fn an_error_quotes_no_secret() {
    let mut sources = Sources::new();
    sources.add(
        "m.xproto",
        "option app_label = \"m\"; message M (XOSBase) { optional string key = 1 [max_length = 9, secret = True]; }",
    );
    let models = compile(&sources).models;
    let error = Dynamic::create(&models, "M", "n", "a").unwrap().set("key", 12_345).unwrap_err().to_string();
    assert_eq!(error, "M: field `key` is a text, not \"***\"");
}
