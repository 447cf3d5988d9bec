//! Pull steps and event steps of step servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_model::{Object, Outcome as Ended};
use xos_step_server::v1::listing::Item;
use xos_step_server::v1::request::Request as Asked;
use xos_step_server::v1::{self, Kind, Listing, Outcome, answer};
use xos_steps::BusEvent;
use xos_testing::World;

use super::super::{document, world};
use super::server::{Plan, Talk, done, ended};

fn people(world: &World) -> Vec<String> {
    let objects = world.api().objects();
    let people = objects.iter().filter(|object| &*object.model == "Person" && object.meta.deleting.is_none());
    people.map(|object| format!("{}/{}", object.text("name").unwrap(), object.text("state").unwrap_or("-"))).collect()
}

#[tokio::test]
async fn objects_agree_with_the_list_that_a_pull_step_gives() {
    let list: Arc<Mutex<Vec<Value>>> = Arc::default();
    let told = Arc::clone(&list);
    let server = Plan::of(&[(Kind::PullStep, "desk")], move |_, mut talk: Talk| {
        let list = told.lock().unwrap().clone();
        let items = list.iter().map(|item| Item { fields: item.to_string(), ..Item::default() });
        let listing = Listing { model: "Person".to_owned(), items: items.collect(), ..Listing::default() };
        async move {
            match talk.ask(Asked::Reconcile(listing)).await {
                answer::Answer::Pulled(_) => Ok(done(&json!({}))),
                answer::Answer::Error(error) => {
                    Ok(v1::Result { failed_request: 1, ..ended(Outcome::Failed, &error.message) })
                }
                _ => panic!("another answer"),
            }
        }
    })
    .start();
    let step = "model: Person\nevery: 30s\ngrpc: {address: \"${settings.server}\"}";
    *list.lock().unwrap() = vec![json!({"name": "ada", "state": "up"}), json!({"name": "bob", "state": "up"})];
    let mut world = world(&[document("PullStep", "desk", step)], server.settings());
    world.settle().await;
    assert_eq!(people(&world), ["ada/up", "bob/up"]);
    *list.lock().unwrap() = vec![json!({"name": "ada", "state": "down"})];
    world.pass(Duration::from_secs(40)).await;
    assert_eq!(people(&world), ["ada/down"], "bob has vanished");
    *list.lock().unwrap() = vec![json!({"nam": "ada"})];
    world.pass(Duration::from_secs(40)).await;
    let outcome = world.pulled("desk").unwrap();
    assert!(
        outcome.message().unwrap().contains("an item of the list has no `name`, by which its object is found"),
        "{outcome:?}"
    );
    assert_eq!(people(&world), ["ada/down"]);
}

#[tokio::test]
async fn an_event_is_processed() {
    let server = Plan::of(&[(Kind::EventStep, "seen")], async |begin, mut talk| {
        let event = begin.event.unwrap();
        assert_eq!((event.topic.as_str(), event.key.as_deref()), ("people", Some(&b"k"[..])));
        let Ok(value) = serde_json::from_slice::<Value>(&event.value.unwrap()) else {
            return Ok(ended(Outcome::Unusable, "no JSON"));
        };
        let fields = json!({"name": value["who"], "state": "seen"}).to_string();
        let object = Some(v1::Object { model: "Person".to_owned(), fields, ..v1::Object::default() });
        let new = v1::FindOrCreate { object, key: vec!["name".to_owned()] };
        let answer = talk.ask(Asked::FindOrCreate(new)).await;
        assert!(matches!(answer, answer::Answer::Found(found) if found.created));
        Ok(done(&json!({})))
    })
    .start();
    let step = "topics: [people]\nwhen: ${event.text != 'skip'}\ngrpc: {address: \"${settings.server}\"}";
    let documents = [document("EventStep", "seen", step)];
    let mut world = world(&documents, server.settings());
    let event = |text: &str| BusEvent::new("people", text).with_key("k");
    let outcomes = world.send(&event(r#"{"who": "ada"}"#)).await;
    assert_eq!(outcomes, [("seen".to_owned(), Ended::Succeeded)]);
    assert_eq!(people(&world), ["ada/seen"]);
    assert_eq!(world.send(&event("skip")).await[0].1, Ended::Succeeded);
    let outcomes = world.send(&event("{")).await;
    assert!(matches!(&outcomes[0].1, Ended::Failed(why) if why == "no JSON"), "{outcomes:?}");

    // A server that does not have the step: the event waits, and is not parked.
    let other = Plan::of(&[(Kind::EventStep, "other")], async |_, _| Ok(done(&json!({})))).start();
    let mut world = super::world(&documents, other.settings());
    let outcomes = world.send(&event("{}")).await;
    assert!(matches!(&outcomes[0].1, Ended::Unavailable(why) if why.contains("has no event step `seen`, but `other`")));
    assert!(world.object::<Object>("ada").is_err());
}
