//! What the operator does in the meantime.

use serde_json::{Value, json};
use xos_engine::memory::MemoryApi;
use xos_model::Object;

use crate::world::{Act, End, key};

fn create(at: u64, model: &'static str, name: &'static str, fields: &'static [(&'static str, &'static str)]) -> Act {
    let act = move |api: &MemoryApi| {
        let mut o = Object::named(model, "default", name);
        o.set("name", json!(name));
        for (field, value) in fields {
            // A link, or a text.
            let value = value.strip_prefix('@').map_or_else(|| json!(value), |peer| json!({ "name": peer }));
            o.set(field, value);
        }
        api.apply(&o).unwrap();
    };
    (at, Box::new(act))
}

fn edit(at: u64, model: &'static str, name: &'static str, field: &'static str, value: Value) -> Act {
    // An object may be gone, or not made yet, where the controller is late: not in this story.
    let act = move |api: &MemoryApi| {
        api.edit(&key(model, name), |o| o.set(field, value.clone())).unwrap();
    };
    (at, Box::new(act))
}

fn touch(at: u64, model: &'static str, name: &'static str) -> Act {
    let act = move |api: &MemoryApi| {
        api.edit(&key(model, name), |o| o.intent.touch = Some("by hand".to_owned())).unwrap();
    };
    (at, Box::new(act))
}

fn delete(at: u64, model: &'static str, name: &'static str) -> Act {
    let act = move |api: &MemoryApi| {
        assert!(api.remove(&key(model, name)), "{model} {name} is there");
    };
    (at, Box::new(act))
}

/// Those with changes that are taken back: an intent of theirs is there twice.
pub(crate) const TAKEN_BACK: [&str; 2] = ["Site default/paris", "Slice default/quick"];

/// Sites and slices come and go, change, and change back.
pub(crate) fn story() -> Vec<Act> {
    vec![
        create(0, "Slice", "early", &[("site", "@paris")]),
        create(100, "Site", "paris", &[("region", "fr")]),
        create(150, "Slice", "quick", &[("site", "@paris")]),
        edit(200, "Slice", "early", "size", json!(2)),
        edit(700, "Slice", "early", "size", json!(3)),
        create(800, "Site", "rome", &[]),
        create(900, "Slice", "moving", &[("site", "@rome")]),
        create(900, "Slice", "doomed", &[("site", "@rome")]),
        edit(2100, "Slice", "quick", "size", json!(7)),
        // Taken back, maybe while somebody acts on it.
        edit(2350, "Slice", "quick", "size", Value::Null),
        edit(2600, "Site", "paris", "region", json!("eu")),
        edit(2650, "Slice", "moving", "site", json!({"name": "paris"})),
        touch(3000, "Slice", "early"),
        delete(4000, "Site", "rome"),
        edit(4300, "Slice", "quick", "no_sync", json!(true)),
        edit(4400, "Slice", "quick", "size", json!(9)),
        edit(4900, "Slice", "quick", "no_sync", Value::Null),
        delete(6000, "Slice", "early"),
        edit(6100, "Site", "paris", "region", json!("europe")),
        edit(6300, "Site", "paris", "region", json!("eu")),
        create(30_000, "Slice", "early", &[("site", "@paris")]),
        create(30_100, "Site", "rome", &[("region", "it")]),
    ]
}

/// The end of the story, as far as it is told in words.
pub(crate) fn check(end: &End) {
    let objects: Vec<_> = end.picture.keys().filter(|key| !key.starts_with("backend")).map(String::as_str).collect();
    let expected = [
        "Port default/early-port",
        "Port default/moving-port",
        "Port default/quick-port",
        "Site default/paris",
        "Site default/rome",
        "Slice default/early",
        "Slice default/moving",
        "Slice default/quick",
    ];
    assert_eq!(objects, expected);
    let backend: Vec<_> = end.picture.keys().filter_map(|key| key.strip_prefix("backend: ")).collect();
    assert_eq!(backend, expected, "no orphan, and nothing missing");
    let quick = &end.picture["backend: Slice default/quick"];
    assert_eq!(*quick, json!({"size": 9, "label": "quick of size 9", "region": "eu", "macs": ["mac of quick-port"]}));
    for key in expected {
        let o = &end.picture[key];
        assert_eq!(
            (&o["sync"], &o["observed"], &o["fields"]["backend_code"]),
            (&json!("Clean"), &json!(true), &json!(1)),
            "{key}: {o:#}"
        );
    }
    let pulled = &end.picture["Slice default/quick"]["fields"];
    assert_eq!((&pulled["seen"], &pulled["note"]), (&json!(9), &json!("seen at size 9")));
}
