//! Pull steps and event steps.

use serde_json::json;
use xos_model::{Object, Outcome};
use xos_steps::BusEvent;
use xos_testing::World;

use super::backend::Backend;
use super::{document, world};

fn people(world: &World) -> Vec<String> {
    let objects = world.api().objects();
    let people = objects.iter().filter(|object| &*object.model == "Person" && object.meta.deleting.is_none());
    let told = |object: &Object| format!("{}/{}", object.text("name").unwrap(), object.text("state").unwrap_or("-"));
    people.map(told).collect()
}

const PULL: &str = "
model: Person
every: 30s
http: {url: \"${settings.url}/list\"}
items: ${response.body.people}
when: ${item.kind != 'robot'}
key: [name]
fields: {name: \"${item.id}\", state: \"${item.state}\"}
";

#[tokio::test]
async fn objects_agree_with_the_list() {
    let (backend, url) = Backend::start().await;
    let item = |id: &str, state: &str| json!({"id": id, "state": state, "kind": "person"});
    let list = json!({"people": [item("ada", "up"), item("bob", "up"), {"id": "r2", "kind": "robot", "state": "up"}]});
    backend.answers(200, list);
    let mut world = world(&[document("PullStep", "pull", PULL)], json!({"url": url}));
    world.settle().await;
    assert_eq!(people(&world), ["ada/up", "bob/up"]);
    backend.answers(200, json!({"people": [item("ada", "down")]}));
    world.pass(std::time::Duration::from_secs(40)).await;
    assert_eq!(people(&world), ["ada/down"], "bob has vanished");
    // One item that cannot be read: others are handled, nothing is taken for vanished.
    backend.answers(200, json!({"people": [item("eve", "up"), {"name": "no id", "kind": "x"}]}));
    world.pass(std::time::Duration::from_secs(40)).await;
    assert_eq!(people(&world), ["ada/down", "eve/up"]);
    let outcome = world.pulled("pull").unwrap();
    let message = outcome.message().unwrap();
    assert!(
        message.contains("1 of 2 items could not be read, the first one: item 1: `item.id`: there is no `id` in it"),
        "{message}"
    );
    backend.answers(503, json!("later"));
    world.pass(std::time::Duration::from_secs(40)).await;
    assert_eq!(people(&world), ["ada/down", "eve/up"]);
}

#[tokio::test]
async fn an_event_finds_or_makes_an_object() {
    let spec = "
topics: [people]
when: ${event.value.type == 'seen'}
model: Person
key: [name]
fields: {name: \"${event.value.who}\", state: \"${event.topic}\"}
";
    let mut world = world(&[document("EventStep", "seen", spec)], json!({}));
    let event = |text: &str| BusEvent::new("people", text);
    let outcomes = world.send(&event(r#"{"type": "seen", "who": "ada"}"#)).await;
    assert_eq!(outcomes, [("seen".to_owned(), Outcome::Succeeded)]);
    world.send(&event(r#"{"type": "other", "who": "bob"}"#)).await;
    assert_eq!(people(&world), ["ada/people"]);
    let outcomes = world.send(&event(r#"{"type": "seen"}"#)).await;
    assert!(outcomes[0].1.message().unwrap().contains("`event.value.who`: there is no `who` in it"), "{outcomes:?}");
    let spec = format!("{}\ncreate: false\nsave: touch", spec.trim());
    let mut world = super::world(&[document("EventStep", "seen", &spec)], json!({}));
    let outcomes = world.send(&event(r#"{"type": "seen", "who": "ada"}"#)).await;
    assert!(
        matches!(&outcomes[0].1, Outcome::Deferred(why) if why == "there is no Person with name \"ada\""),
        "{outcomes:?}"
    );
}
