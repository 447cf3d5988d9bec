//! Objects that are not accepted because of other objects, and the conditions of objects that wait.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_model::condition::find;
use xos_model::{ConditionStatus, Object};
use xos_steps::{StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"t\";
    policy same_site < obj.slice.site = obj.node.site >
    policy no_other_root < obj.name = \"root\" -> not exists Site: (Site.alias = \"root\") >
    message Site (XOSBase) { option validators = \"no_other_root:There is a root already\";
        required string name = 1 [max_length = 9, unique = True]; optional string alias = 2 [max_length = 9];
        optional manytoone up->Site:down = 3:1005; }
    message Slice (XOSBase) { required string name = 1 [max_length = 9];
        required manytoone site->Site:slices = 2:1001; }
    message Node (XOSBase) { required string name = 1 [max_length = 9]; required manytoone site->Site:nodes = 2:1002; }
    message Use (XOSBase) { option validators = \"same_site:{obj.slice.name} is not of the node's site\";
        required manytoone slice->Slice:uses = 1:1003; required manytoone node->Node:uses = 2:1004; }";

fn object(model: &str, name: &str, fields: Value) -> Object {
    Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "default", name) }
}

/// A step on all models that records the objects for which it is called.
#[derive(Clone, Default)]
struct Note(Arc<Mutex<Vec<String>>>);

impl Note {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl SyncStep for Note {
    type Model = Object;
    fn observes(&self) -> &str {
        "Site"
    }
    fn also_observes(&self) -> Vec<String> {
        ["Slice", "Node", "Use"].map(str::to_owned).to_vec()
    }
    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.lock().unwrap().push(o.meta.name.clone());
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

fn world() -> (World, Note) {
    let note = Note::default();
    (World::of(&[("t.xproto", MODELS)]).sync_step(note.clone()).start().unwrap(), note)
}

/// Returns reason and message of Ready, and the status of Accepted, if there is one.
fn state(world: &World, name: &str) -> (String, String, Option<bool>) {
    let o = world.object::<Object>(name).unwrap();
    let ready = find(&o.status.conditions, "Ready").unwrap();
    let accepted = find(&o.status.conditions, "Accepted").map(|c| c.status == ConditionStatus::True);
    (ready.reason.clone(), ready.message.clone(), accepted)
}

fn is_ready(world: &World, name: &str) -> bool {
    let o = world.object::<Object>(name).unwrap();
    let is_true = |kind: &str| find(&o.status.conditions, kind).is_some_and(|c| c.status == ConditionStatus::True);
    let is_there = |kind: &str| find(&o.status.conditions, kind).is_some();
    is_true("Ready") && is_true("Synced") && !is_there("Stalled") && !is_there("Reconciling")
}

#[tokio::test]
async fn a_second_object_of_a_name_waits_until_the_first_gives_it_up() {
    let (mut world, note) = world();
    world.apply(&object("Site", "a", json!({"name": "Rome"}))).unwrap();
    world.apply(&object("Site", "b", json!({"name": "Rome", "up": {"name": "a"}}))).unwrap();
    world.apply(&object("Slice", "s", json!({"name": "s", "site": {"name": "b"}}))).unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["a"]);
    let told = "Site a has name \"Rome\" already; change or delete one of them".to_owned();
    assert_eq!(state(&world, "b"), ("NotUnique".into(), told.clone(), Some(false)));
    assert!(find(&world.object::<Object>("b").unwrap().status.conditions, "Stalled").is_some());
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(state(&world, "s").1, format!("waits for Site b, which is not accepted: {told}"));

    world.take_changes();
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.take_changes(), [], "it is told once");

    world.edit::<Object>("a", |o| o.set("name", json!("Roma"))).unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["a", "b", "s"]);
    assert_eq!(state(&world, "b").2, Some(true));
    assert!(is_ready(&world, "b") && is_ready(&world, "s"));

    // What is in use already keeps its name, though it is younger.
    world.edit::<Object>("a", |o| o.set("name", json!("Rome"))).unwrap();
    world.settle().await;
    assert_eq!(state(&world, "a").0, "NotUnique");
    world.edit::<Object>("a", |o| o.set("name", json!("Roma"))).unwrap();
    world.settle().await;
    assert!(is_ready(&world, "a"), "{:?}", world.object::<Object>("a").unwrap().status);
    assert_eq!(note.take(), ["a"], "its status says that it was not run: so it is");

    world.edit::<Object>("a", |o| o.set("name", json!("Rome"))).unwrap();
    world.settle().await;
    world.delete::<Object>("b").unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["a"]);
    assert_eq!(state(&world, "a").2, Some(true));
}

#[tokio::test]
async fn validators_that_follow_links_are_asked() {
    let (mut world, note) = world();
    for (model, name, fields) in [
        ("Site", "x", json!({"name": "x"})),
        ("Site", "y", json!({"name": "y"})),
        ("Slice", "sl", json!({"name": "sl", "site": {"name": "x"}})),
        ("Node", "no", json!({"name": "no", "site": {"name": "y"}})),
        ("Use", "u", json!({"slice": {"name": "sl"}, "node": {"name": "no"}})),
    ] {
        world.apply(&object(model, name, fields)).unwrap();
    }
    world.settle().await;
    assert_eq!(state(&world, "u"), ("Invalid".into(), "sl is not of the node's site".into(), Some(false)));
    assert!(!note.take().contains(&"u".to_owned()));
    world.edit::<Object>("no", |o| o.set("site", json!({"name": "x"}))).unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["no", "u"]);
    assert!(is_ready(&world, "u"));
}

#[tokio::test]
async fn a_quantifier_s_answer_changes_with_objects_that_come_and_go() {
    let (mut world, note) = world();
    world.apply(&object("Site", "other", json!({"name": "other", "alias": "root"}))).unwrap();
    world.apply(&object("Site", "r", json!({"name": "root"}))).unwrap();
    world.settle().await;
    assert_eq!((note.take(), state(&world, "r").1.as_str()), (vec!["other".to_owned()], "There is a root already"));
    world.delete::<Object>("other").unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["r"]);
}

#[tokio::test]
async fn an_edit_that_is_taken_back_leaves_no_trace_in_conditions() {
    let (mut world, note) = world();
    world.apply(&object("Site", "a", json!({"name": "a"}))).unwrap();
    world.settle().await;
    world.edit::<Object>("a", |o| o.set("up", json!({"name": "missing"}))).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(state(&world, "a").0, "WaitingForDependency");
    world.edit::<Object>("a", |o| o.set("up", Value::Null)).unwrap();
    world.settle().await;
    assert!(is_ready(&world, "a"), "{:?}", world.object::<Object>("a").unwrap().status);

    world.edit::<Object>("a", |o| o.set("no_sync", json!(true))).unwrap();
    world.settle().await;
    assert_eq!(state(&world, "a").0, "NoSync");
    world.take_changes();
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(world.take_changes(), []);
    world.edit::<Object>("a", |o| o.set("no_sync", json!(false))).unwrap();
    world.settle().await;
    assert!(is_ready(&world, "a"), "{:?}", world.object::<Object>("a").unwrap().status);
    assert_eq!(note.take(), ["a", "a", "a"], "as XOS does: a release is a change");

    world.touch::<Object>("a", "again").unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["a"]);
}

#[tokio::test]
async fn a_refusal_is_told_once_as_an_event() {
    let (mut world, _) = world();
    world.apply(&object("Site", "a", json!({"name": "Rome"}))).unwrap();
    world.apply(&object("Site", "b", json!({"name": "Rome"}))).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;
    let told = "Warning NotUnique: Site a has name \"Rome\" already; change or delete one of them (Site default/b)";
    assert_eq!(world.take_events(), [told]);
}

#[tokio::test]
async fn what_the_definition_forbids_is_refused_at_once_and_nothing_is_stored() {
    const MODELS: &str = "option app_label = \"t\";
        message Line (XOSBase) { required string number = 1 [max_length = 5, min_length = 2, pattern = \"^[0-9]+$\"];
            required int32 seats = 2; optional string kind = 3 [max_length = 9, choices = \"(('a', 'A'), ('b', 'B'))\"]; }";
    let mut world = World::of(&[("t.xproto", MODELS)]).start().unwrap();
    let bad = [
        (json!({"seats": 1}), "number"),
        (json!({"number": "123456", "seats": 1}), "number"),
        (json!({"number": "1", "seats": 1}), "number"),
        (json!({"number": "12a", "seats": 1}), "number"),
        (json!({"number": "123", "seats": "many"}), "seats"),
        (json!({"number": "123", "seats": 1, "kind": "c"}), "kind"),
    ];
    for (fields, field) in bad {
        let refused = world.apply(&object("Line", "a", fields.clone())).unwrap_err().to_string();
        assert!(refused.contains(field), "{fields}: {refused}");
        assert!(world.all::<Object>().unwrap().is_empty(), "{fields}");
    }
    world.apply(&object("Line", "a", json!({"number": "123", "seats": 1, "kind": "a"}))).unwrap();
    world.settle().await;
    let edited = world.edit::<Object>("a", |o| o.set("number", json!("none")));
    assert!(edited.unwrap_err().to_string().contains("number"));
    assert_eq!(world.object::<Object>("a").unwrap().text("number"), Some("123"));
}
