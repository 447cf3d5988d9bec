//! Objects to custom resources and back.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use kube::api::DynamicObject;
use proptest::prelude::*;
use serde_json::{Value, json};
use xos_crds::{
    CustomResource as _, Received, from_custom_resource, from_received, new_custom_resource, new_status,
    quiet_save_patch, spec_hash, status_json, to_custom_resource,
};
use xos_model::{Object, Pass, QuietSave, SpecHash, Status};
use xos_xproto::{Model, ModelSet, Sources, compile};

fn models() -> ModelSet {
    let mut sources = Sources::new();
    let fields = "required string first_name = 1 [max_length = 32]; optional int32 age = 2; \
                  optional string oper_status = 3 [max_length = 9, feedback_state = True];";
    sources.add("m.xproto", format!("option app_label = \"m\";\nmessage M (XOSBase) {{ {fields} }}"));
    compile(&sources).models
}

fn model() -> Model {
    models().get("M").unwrap().clone()
}

fn resource(spec: Value, status: Value) -> DynamicObject {
    let whole = json!({
        "apiVersion": "m.xos.opencord.org/v1", "kind": "M",
        "metadata": {
            "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["f"],
            "annotations": {"xos.opencord.org/touch": "t1", "other": "x"},
        },
        "spec": spec, "status": status,
    });
    serde_json::from_value(whole).unwrap()
}

/// Reads a resource in both ways.
fn read(resource: &DynamicObject) -> Object {
    let object = from_custom_resource(&model(), resource).unwrap();
    let received: Received = serde_json::from_value(serde_json::to_value(resource).unwrap()).unwrap();
    assert_eq!(from_received(&model(), &received).unwrap(), object);
    object
}

#[test]
fn reading() {
    let o = read(&resource(
        json!({"firstName": "Ada", "noSync": true, "age": null}),
        json!({"operStatus": "up", "backendCode": 1}),
    ));
    assert_eq!(o.key().to_string(), "M n/a");
    let fields = json!({"first_name": "Ada", "no_sync": true, "oper_status": "up", "backend_code": 1});
    assert_eq!(serde_json::to_value(&o.fields).unwrap(), fields);
    assert_eq!((o.meta.generation, o.meta.created.unwrap().to_string().as_str()), (3, "2026-01-02T03:04:05Z"));
    assert_eq!(o.intent.touch.as_deref(), Some("t1"));
    assert_eq!(o.intent.spec, SpecHash::of(&json!({"firstName": "Ada", "noSync": true})));
}

#[test]
fn status_does_not_change_the_intent() {
    let spec = json!({"firstName": "Ada"});
    let a = read(&resource(spec.clone(), json!({})));
    let b = read(&resource(spec, json!({"operStatus": "up"})));
    assert_eq!(a.intent, b.intent);
}

#[test]
fn what_cannot_be_read_counts_as_absent() {
    let bad = json!({"conditions": "none", "observedGeneration": 3, "synchronizers": [{"name": 1}]});
    let status = read(&resource(json!({}), bad)).status;
    assert_eq!(status, Status { observed_generation: Some(3), ..Status::default() });
    let mut o = resource(json!({}), json!({}));
    o.metadata.annotations = Some([("xos.opencord.org/quiet-saves".to_owned(), "not json".to_owned())].into());
    assert!(read(&o).quiet_saves.is_empty());
}

#[test]
fn a_new_status_keeps_what_others_put_there() {
    let before = read(&resource(json!({"firstName": "Ada"}), json!({"operStatus": "up", "theirs": {"a": [1]}})));
    assert_eq!(new_status(&model(), &before, &before.clone()).unwrap(), None);
    let mut after = before.clone();
    after.set("oper_status", json!("down"));
    after.status.observed_generation = Some(3);
    let expected = json!({
        "apiVersion": "m.xos.opencord.org/v1", "kind": "M",
        "metadata": {"name": "a", "namespace": "n", "resourceVersion": "7"},
        "status": {"operStatus": "down", "observedGeneration": 3, "theirs": {"a": [1]}},
    });
    let written = new_status(&model(), &before, &after).unwrap().unwrap();
    assert_eq!(serde_json::to_value(written).unwrap(), expected);
}

#[test]
fn a_quiet_save() {
    let spec = [("first_name", json!("Eve")), ("age", Value::Null)].into();
    let hash = |n| SpecHash::of(&json!(n));
    let saves = [QuietSave { from: hash(1), to: hash(2), by: Pass::Sync }];
    let mut o = Object::named("M", "n", "a");
    (o.meta.uid, o.meta.resource_version) = ("u".to_owned(), "7".to_owned());
    let patch = quiet_save_patch(&o, &spec, &saves, Some("t"), None).unwrap();
    assert_eq!(patch["spec"], json!({"firstName": "Eve", "age": null}));
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    let record = patch["metadata"]["annotations"]["xos.opencord.org/quiet-saves"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Vec<QuietSave>>(record).unwrap(), saves);
}

#[test]
fn what_is_created_is_names_and_spec() {
    let mut o = Object::named("M", "n", "a");
    for (field, value) in [("first_name", json!("Ada")), ("no_sync", json!(true)), ("oper_status", json!("up"))] {
        o.set(field, value);
    }
    let created = json!({
        "apiVersion": "m.xos.opencord.org/v1", "kind": "M", "metadata": {"name": "a", "namespace": "n"},
        "spec": {"firstName": "Ada", "noSync": true},
    });
    assert_eq!(serde_json::to_value(new_custom_resource(&model(), &o)).unwrap(), created);
    assert_eq!(serde_json::to_value(o.new_custom_resource(&models()).unwrap()).unwrap(), created);
}

#[test]
fn the_whole_of_a_custom_resource_is_written_as_it_was_read() {
    let saves = [QuietSave { from: SpecHash::of(&json!(1)), to: SpecHash::of(&json!(2)), by: Pass::Sync }];
    let mut saves = serde_json::to_value(&saves).unwrap();
    saves[0]["objectUid"] = json!("u");
    let mut whole = resource(json!({"firstName": "Ada"}), json!({"operStatus": "up", "backendCode": 1}));
    whole.metadata.annotations = Some(
        [
            ("xos.opencord.org/touch".to_owned(), "t1".to_owned()),
            ("xos.opencord.org/quiet-saves".to_owned(), saves.to_string()),
        ]
        .into(),
    );
    whole.metadata.deletion_timestamp = whole.metadata.creation_timestamp.clone();
    let written = to_custom_resource(&model(), &read(&whole)).unwrap();
    assert_eq!(serde_json::to_value(&written).unwrap(), serde_json::to_value(&whole).unwrap());
    assert_eq!(Object::from_custom_resource(&models(), &written).unwrap(), read(&whole));
}

#[test]
fn a_kind_without_a_model_is_named() {
    let mut other = resource(json!({}), json!({}));
    other.types.as_mut().unwrap().kind = "N".to_owned();
    let error = Object::from_custom_resource(&models(), &other).unwrap_err().to_string();
    assert_eq!(error, "there is no model for the kind `N`");
}

proptest! {
    /// What is written to status is read back the same, and the hash of the fields is the hash of the spec they came
    /// from.
    #[test]
    fn round_trip(
        name in ".{0,20}", age in any::<i32>(), switch in any::<bool>(), status in proptest::option::of("[a-z]{0,9}"),
    ) {
        let spec = json!({"firstName": name, "age": age, "lazyBlocked": switch});
        let o = read(&resource(spec.clone(), json!({"operStatus": status, "backendCode": 2})));
        prop_assert_eq!(spec_hash(&model(), &o.fields), SpecHash::of(&spec));
        let again = read(&resource(spec, status_json(&model(), &o).unwrap()));
        prop_assert_eq!(again, o);
    }
}

#[test]
fn bookkeeping_of_another_object_counts_for_nothing() {
    let handled = json!({"handled": {"spec": "0123456789abcdef"}, "generation": 3});
    let at = |time: &str| json!([{"type": "Ready", "status": "True", "reason": "R", "message": "", "lastTransitionTime": time}]);
    let (after, before) = (at("2026-01-02T03:04:09Z"), at("2025-12-31T00:00:00Z"));
    let table = [
        ("its own", json!({"name": "me", "objectUid": "u", "sync": handled}), &before, true),
        ("another one's", json!({"name": "me", "objectUid": "other", "sync": handled}), &after, false),
        ("of an earlier version", json!({"name": "me", "sync": handled}), &after, true),
        ("of an earlier version, and older than the object", json!({"name": "me", "sync": handled}), &before, false),
        (
            "of an earlier version, and of a generation that the object has not had",
            json!({"name": "me", "sync": {"handled": {"spec": "0123456789abcdef"}, "generation": 9}}),
            &after,
            false,
        ),
    ];
    for (what, entry, conditions, is_own) in table {
        let status = json!({
            "synchronizers": [entry], "conditions": conditions, "backendCode": 1, "backendHandle": "h", "operStatus": "up",
            "observedGeneration": 3,
        });
        let o = read(&resource(json!({"firstName": "Ada"}), status));
        let sync = &o.status.of("me").unwrap().sync;
        assert_eq!((sync.handled.is_some(), sync.pending), (is_own, !is_own), "{what}");
        assert_eq!(o.fields.contains_key("backend_code"), is_own, "{what}");
        assert_eq!((o.text("backend_handle"), o.text("oper_status")), (Some("h"), Some("up")), "{what}");
        let again = status_json(&model(), &o).unwrap();
        assert_eq!(again["synchronizers"][0]["objectUid"], "u", "{what}");
    }
}

#[test]
fn quiet_saves_of_another_object_count_for_nothing() {
    let save = |uid: Option<&str>| {
        let mut save = json!({"from": "0123456789abcdef", "to": "fedcba9876543210", "by": "sync"});
        if let Some(uid) = uid {
            save["objectUid"] = json!(uid);
        }
        json!([save]).to_string()
    };
    let early = json!({"synchronizers": [{"name": "me", "sync": {"handled": {"spec": "0123456789abcdef"}}}]});
    let table = [
        (save(Some("u")), json!({}), 1),
        (save(Some("other")), json!({}), 0),
        (save(Some("other")), early.clone(), 0),
        (save(None), json!({}), 0),
        (save(None), early, 1),
    ];
    for (text, status, expected) in table {
        let mut whole = resource(json!({"firstName": "Ada"}), status);
        whole.metadata.annotations = Some([("xos.opencord.org/quiet-saves".to_owned(), text.clone())].into());
        assert_eq!(read(&whole).quiet_saves.len(), expected, "{text}");
    }
}

#[test]
fn the_handle_is_recalled_unless_status_has_it_or_it_is_a_copy_s() {
    let kept = |of: &str| json!({"of": of, "status": {"backendHandle": "kept", "operStatus": "up"}}).to_string();
    let table = [
        (kept("n/a"), json!({}), Some("kept")),
        (kept("n/a"), json!({"backendHandle": "newer"}), Some("newer")),
        (kept("n/b"), json!({}), None),
        ("no JSON".to_owned(), json!({}), None),
    ];
    for (text, status, expected) in table {
        let mut whole = resource(json!({"firstName": "Ada"}), status);
        whole.metadata.annotations = Some([("xos.opencord.org/kept-status".to_owned(), text.clone())].into());
        let o = read(&whole);
        assert_eq!((o.text("backend_handle"), o.text("oper_status")), (expected, None), "{text}");
    }
}

#[test]
fn what_is_received_says_who_set_which_field() {
    let mut resource = resource(json!({"firstName": "Ada", "age": 7}), json!({"operStatus": "up"}));
    let by = |manager: &str, fields: Value| json!({"manager": manager, "operation": "Update", "fieldsV1": fields});
    let managed = json!([
        by("kubectl", json!({"f:spec": {".": {}, "f:firstName": {}}, "f:metadata": {"f:labels": {"f:a": {}}}})),
        by("xos/m/step", json!({"f:spec": {"f:age": {}}})),
        by("other", json!({"f:status": {"f:operStatus": {}}})),
    ]);
    resource.metadata.managed_fields = Some(serde_json::from_value(managed).unwrap());
    assert_eq!(read(&resource).meta.operator_fields, ["first_name".into()]);
}
