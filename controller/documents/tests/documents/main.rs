//! Documents: what is refused, and what the others do in a world in memory, on a backend that listens on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod backend;
mod cluster;
mod commands;
mod guide;
mod kubernetes;
mod policies;
mod refused;
mod served;
mod sources;
mod synchronized;

use serde_json::{Value, json};
use xos_documents::Documents;
use xos_model::Object;
use xos_model::condition::find;
use xos_testing::World;
use xos_xproto::{ModelSet, Sources, compile};

pub(crate) const MODELS: &str = r#"
    option app_label = "t";
    message Site (XOSBase) { required string name = 1 [max_length = 30]; optional bool is_open = 2; }
    message Person (XOSBase) {
        required string name = 1 [max_length = 30];
        optional string title = 2 [max_length = 30];
        optional string directory_id = 3 [max_length = 30, feedback_state = True];
        optional string state = 4 [max_length = 30, feedback_state = True];
        optional int32 age = 5;
        optional manytoone site->Site:people = 6:1001;
        optional string password = 7 [max_length = 30, secret = True];
    }
    message Account (XOSBase) {
        required string login = 1 [max_length = 30];
        required manytoone person->Person:accounts = 2:1002;
    }
"#;

pub(crate) fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.models
}

/// Returns a document: its kind, its name, and what is under `spec`.
pub(crate) fn document(kind: &str, name: &str, spec: &str) -> String {
    let spec: String = spec.trim_matches('\n').lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: xos.opencord.org/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{spec}")
}

/// Returns a world with the steps of documents, and these settings.
pub(crate) fn world(documents: &[String], settings: Value) -> World {
    let texts: Vec<_> = documents.iter().map(|text| ("steps.yaml", text.as_str())).collect();
    let steps = Documents::of(&texts).compile(&models()).unwrap_or_else(|found| {
        let all: Vec<_> = found.iter().map(|one| one.render(false)).collect();
        panic!("{}", all.join("\n\n"))
    });
    World::of(&[("t.xproto", MODELS)]).steps(steps).settings(settings).start().unwrap()
}

pub(crate) fn person(name: &str, fields: Value) -> Object {
    let mut object =
        Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named("Person", "default", name) };
    object.set("name", json!(name));
    object
}

/// Returns the reason and message of `Ready` of an object.
pub(crate) fn ready(world: &World, name: &str) -> (String, String) {
    let object = world.object::<Object>(name).unwrap();
    let ready = find(&object.status.conditions, "Ready").unwrap();
    (ready.reason.clone(), ready.message.clone())
}
