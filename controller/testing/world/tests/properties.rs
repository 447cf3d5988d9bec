//! Properties in a world: computed when what they depend on changes, and only then.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use serde_json::{Value, json};
use xos_model::{Object, Operator, condition};
use xos_steps::{PropertyError, StepContext, StepError, SyncStep};
use xos_testing::{ChangeKind, World};

const MODELS: &str = r#"
    option app_label = "t";
    message Node (XOSBase) {
        required string name = 1 [max_length = 9];
        optional string label = 2 [max_length = 9];
        optional string note = 3 [max_length = 9];
        optional manytoone next->Node:previous = 4:1001;
        optional string address = 5 [max_length = 9, feedback_state = True];
    }
    message Hub (Node) { optional int32 size = 1; }
    message Plain (XOSBase) { required string name = 1 [max_length = 9]; optional manytoone node->Node:plains = 2:1002; }
"#;

const PROPERTIES: &str = r#"
Node:
  way: "self.next == null ? self.label : self.label + '>' + self.next.way"
  place: "self.name + '@' + self.address"
  plain_names: self.plains.map(p, p.name)
Hub:
  place: "'hub ' + self.name"
"#;

fn world(properties: &str) -> xos_testing::Builder {
    World::of(&[("t.xproto", MODELS), ("convenience/t.yaml", properties)])
}

fn object(model: &str, name: &str, fields: Value) -> Object {
    Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "default", name) }
}

fn node(name: &str, next: Option<&str>) -> Object {
    let mut node = object("Node", name, json!({"name": name, "label": name}));
    if let Some(next) = next {
        node.set("next", json!({"name": next}));
    }
    node
}

fn properties(world: &World, name: &str) -> Value {
    json!(world.object::<Object>(name).unwrap().status.properties)
}

fn told(world: &World, name: &str) -> Option<String> {
    let status = world.object::<Object>(name).unwrap().status;
    condition::find(&status.conditions, condition::COMPUTED).map(|told| told.message.clone())
}

/// Gives nodes their addresses.
struct Address;

impl SyncStep for Address {
    type Model = Object;

    fn observes(&self) -> &str {
        "Node"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        o.set("address", json!("1.1.1.1"));
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

fn status_writes(world: &World) -> usize {
    world.take_changes().iter().filter(|change| change.what == ChangeKind::Status).count()
}

#[tokio::test]
async fn they_are_in_status_also_where_nobody_has_a_step() {
    let mut world = world(PROPERTIES).start().unwrap();
    world.apply(&node("a", None)).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "a"), json!({"way": "a", "plainNames": []}));
    assert_eq!(told(&world, "a").unwrap(), "place: a part of it has no value (null)");
    assert_eq!(world.object::<Object>("a").unwrap().status.properties_of.as_deref(), Some("test"));
    world.take_changes();
    // An heir has another one, and what leads back is seen when it comes and goes.
    world.apply(&object("Hub", "h", json!({"name": "h", "label": "h"}))).unwrap();
    world.apply(&object("Plain", "p", json!({"name": "p", "node": {"name": "h", "kind": "Hub"}}))).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "h"), json!({"way": "h", "plainNames": ["p"], "place": "hub h"}));
    assert_eq!(told(&world, "h"), None);
    world.delete::<Object>("p").unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "h")["plainNames"], json!([]));
}

#[tokio::test]
async fn they_are_written_together_with_what_a_step_leaves() {
    let mut world = world(PROPERTIES).sync_step(Address).start().unwrap();
    world.apply(&node("a", None)).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "a"), json!({"way": "a", "plainNames": [], "place": "a@1.1.1.1"}));
    assert_eq!(status_writes(&world), 1);
    world.edit::<Object>("a", |node| node.set("label", json!("A"))).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "a")["way"], json!("A"));
    assert_eq!(status_writes(&world), 1);
}

#[tokio::test]
async fn a_change_at_the_end_of_a_chain_is_seen_at_its_beginning() {
    let mut world = world(PROPERTIES).start().unwrap();
    let name = |at: usize| format!("n{at}");
    for at in (0..=10).rev() {
        world.apply(&node(&name(at), (at < 10).then(|| name(at + 1)).as_deref())).unwrap();
    }
    world.settle().await;
    assert_eq!(properties(&world, "n0")["way"], json!("n0>n1>n2>n3>n4>n5>n6>n7>n8>n9>n10"));
    let before = world.properties_computed();
    world.take_changes();
    world.edit::<Object>("n10", |node| node.set("label", json!("end"))).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "n0")["way"], json!("n0>n1>n2>n3>n4>n5>n6>n7>n8>n9>end"));
    assert_eq!(world.properties_computed() - before, 11);
    assert_eq!(status_writes(&world), 11);
    // A link that leads nowhere is followed when there is something.
    world.delete::<Object>("n10").unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "n8")["way"], json!("n8>n9"));
    world.apply(&node("n10", None)).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "n8")["way"], json!("n8>n9>n10"));
}

#[tokio::test]
async fn what_they_do_not_read_lets_nothing_be_computed() {
    let mut world = world(PROPERTIES).sync_step(Address).start().unwrap();
    for at in 0..100 {
        world
            .apply(&node(
                &format!("n{at}"),
                (at > 0).then(|| format!("n{}", at - 1)).filter(|_| at % 7 != 0).as_deref(),
            ))
            .unwrap();
    }
    world.settle().await;
    let before = world.properties_computed();
    for at in 0..100 {
        world.edit::<Object>(&format!("n{at}"), |node| node.set("note", json!("x"))).unwrap();
    }
    world.settle().await;
    assert_eq!(world.properties_computed(), before);
    world.take_changes();
    // Nor is anything written at rest, or at a start.
    world.restart().unwrap();
    world.settle().await;
    assert_eq!(world.properties_computed(), 100);
    assert_eq!(status_writes(&world), 0);
}

#[tokio::test]
async fn a_fault_shows_until_it_is_mended() {
    let mut world = world("Node: {shout: \"self.note.upperAscii()\", same: self.name}").start().unwrap();
    world.apply(&node("a", None)).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "a"), json!({"same": "a"}));
    let message = told(&world, "a").unwrap();
    assert!(message.starts_with("shout: "), "{message}");
    world.edit::<Object>("a", |node| node.set("note", json!("x"))).unwrap();
    world.settle().await;
    assert_eq!((properties(&world, "a"), told(&world, "a")), (json!({"same": "a", "shout": "X"}), None));
}

#[tokio::test]
async fn what_is_declared_no_longer_goes() {
    let mut with = world("Node: {same: self.name}").start().unwrap();
    with.apply(&node("a", None)).unwrap();
    with.settle().await;
    let stored = with.object::<Object>("a").unwrap();
    let mut without = World::of(&[("t.xproto", MODELS)]).start().unwrap();
    without.api().put(stored.clone());
    without.settle().await;
    let status = without.object::<Object>("a").unwrap().status;
    assert_eq!((json!(status.properties), status.properties_of), (json!({}), None));
    // What another synchronizer has computed stays.
    let mut other = world("Node: {same: \"'other'\"}").named("other").start().unwrap();
    other.api().put(stored);
    other.settle().await;
    assert_eq!(properties(&other, "a"), json!({"same": "a"}));
}

#[tokio::test]
async fn the_api_server_may_not_take_them_for_a_while() {
    let mut world = world("Node: {same: self.name}").start().unwrap();
    world.api().refuse_status(Some("not now"));
    world.apply(&node("a", None)).unwrap();
    world.settle().await;
    assert_eq!(properties(&world, "a"), json!({}));
    world.api().refuse_status(None);
    world.pass(std::time::Duration::from_secs(600)).await;
    assert_eq!(properties(&world, "a"), json!({"same": "a"}));
}

#[tokio::test]
async fn steps_ask_for_them_and_find_by_them() {
    let mut world = world(PROPERTIES).start().unwrap();
    world.apply(&node("b", None)).unwrap();
    world.apply(&node("a", Some("b"))).unwrap();
    world.settle().await;
    let ctx = world.context();
    let found: Vec<Object> = ctx.models_of("Node").filter("way", "a>b").all().unwrap();
    assert_eq!(found.iter().map(|node| node.meta.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let none = ctx.models_of("Node").filter_by("way", Operator::Contains, "c").exists().unwrap();
    assert!(!none && ctx.models_of("Node").filter("wya", "x").exists().is_err());
    let mut a = found.into_iter().next().unwrap();
    // What is not saved yet counts, too.
    a.set("label", json!("A"));
    assert_eq!(ctx.property::<String>(&a, "way").unwrap().as_deref(), Some("A>b"));
    assert_eq!(ctx.property::<Vec<String>>(&a, "plain_names").unwrap(), Some(vec![]));
    assert!(matches!(ctx.property::<i64>(&a, "way"), Err(PropertyError::Type { .. })));
    assert!(matches!(ctx.property::<String>(&a, "wya"), Err(PropertyError::Unknown { .. })));
    let error = ctx.property::<String>(&a, "place").unwrap_err().to_string();
    assert!(error.starts_with("`place` of Node default/a cannot be computed: "), "{error}");
    world.edit::<Object>("b", |node| node.set("label", json!("B"))).unwrap();
    world.settle().await;
    assert_eq!(world.context().models_of("Node").filter("way", "a>B").count().unwrap(), 1);
    assert_eq!(world.context().models_of("Node").filter("way", "a>b").count().unwrap(), 0);
}

#[test]
fn what_is_wrong_with_them_is_told() {
    let error = world("Node: {way: self.lable}").start().err().unwrap().to_string();
    assert!(error.contains("error[D037]: model Node has no field or link `lable`"), "{error}");
}
