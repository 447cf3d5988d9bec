//! The generated struct at work.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use serde_json::json;
use xos_controller::CustomResource as _;
use xos_controller::model::{Fields, Intent, Meta, Model as _, Object, SpecHash, Status};
use xos_example::models::models;
use xos_example::{MyModel, NewMyModel};

fn object(fields: serde_json::Value) -> Object {
    Object {
        model: "MyModel".into(),
        meta: Meta { name: "ada".to_owned(), ..Meta::default() },
        fields: serde_json::from_value::<Fields>(fields).unwrap(),
        intent: Intent { spec: SpecHash::of(&json!({})), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}

#[test]
fn reading_an_object() {
    let fields =
        json!({"first_name": "Ada", "last_name": "Lovelace", "backend_code": 1, "enacted": "2026-01-02T03:04:05Z"});
    let ada = MyModel::from_object(&object(fields)).unwrap();
    assert_eq!((ada.backend_code, ada.no_sync, ada.xos_managed), (1, false, true));
    assert_eq!(ada.enacted.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(ada.meta.name, "ada");
}

#[test]
fn writing_back_what_was_read_changes_nothing() {
    let fields =
        json!({"first_name": "Ada", "last_name": "Lovelace", "no_sync": false, "enacted": "2026-01-02T03:04:05.25Z"});
    let before = object(fields);
    let mut after = before.clone();
    MyModel::from_object(&before).unwrap().write_to(&mut after).unwrap();
    assert_eq!(after, before);
}

#[test]
fn a_change_is_written_and_none_unsets() {
    let mut o = object(json!({"first_name": "Ada", "last_name": "L", "backend_handle": "h"}));
    let mut ada = MyModel::from_object(&o).unwrap();
    ada.last_name = "Lovelace".to_owned();
    ada.backend_handle = None;
    ada.no_sync = true;
    ada.write_to(&mut o).unwrap();
    assert_eq!(
        serde_json::to_value(&o.fields).unwrap(),
        json!({"first_name": "Ada", "last_name": "Lovelace", "no_sync": true})
    );
}

#[test]
fn a_new_object_becomes_a_custom_resource_and_back() {
    let required = NewMyModel { first_name: "Ada".to_owned(), last_name: "Lovelace".to_owned() };
    let ada = MyModel { no_sync: true, ..MyModel::new(required).named("ada").in_namespace("default") };
    let created = ada.new_custom_resource(models()).unwrap();
    let expected = json!({
        "apiVersion": "example.xos.opencord.org/v1",
        "kind": "MyModel",
        "metadata": {"namespace": "default", "name": "ada"},
        "spec": {"firstName": "Ada", "lastName": "Lovelace", "noSync": true},
    });
    assert_eq!(serde_json::to_value(&created).unwrap(), expected);
    assert_eq!(MyModel::from_custom_resource(models(), &created).unwrap(), ada);
}

#[test]
fn what_does_not_fit_is_named() {
    let missing = MyModel::from_object(&object(json!({"first_name": "Ada"}))).unwrap_err().to_string();
    assert_eq!(missing, "MyModel: field `last_name` has no value");
    let wrong = MyModel::from_object(&object(json!({"first_name": 1, "last_name": "L"}))).unwrap_err().to_string();
    assert!(wrong.starts_with("MyModel: field `first_name`: "), "{wrong}");
}
