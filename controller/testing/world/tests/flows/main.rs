//! Pull steps and event steps in a world: the Synchronizer Reference's examples, and `Listing`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod held;
mod namespaces;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use xos_model::{NaturalKey, Object, Outcome};
use xos_steps::{BusEvent, EventStep, PullStep, StepContext, StepError, SyncStep};
use xos_testing::{Fault, World};

const MODELS: &str = "option app_label = \"t\";
    message MyModel (XOSBase) { required string first_name = 1 [max_length = 32];
        required string last_name = 2 [max_length = 32]; }
    message Device (XOSBase) { required string serial = 1 [max_length = 32, tosca_key = True];
        optional string state = 2 [max_length = 32]; optional string wish = 3 [max_length = 32];
        optional string port = 4 [max_length = 9]; }";

fn object(model: &str, name: &str, fields: Value) -> Object {
    Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "default", name) }
}

/// A sync step that counts its calls, and fails on demand.
#[derive(Clone, Default)]
struct Count {
    model: &'static str,
    calls: Arc<Mutex<Vec<String>>>,
    fails: Arc<Mutex<bool>>,
}

impl SyncStep for Count {
    type Model = Object;
    fn observes(&self) -> &str {
        self.model
    }
    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(o.meta.name.clone());
        if *self.fails.lock().unwrap() { Err(StepError::failed("away")) } else { Ok(()) }
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

impl Count {
    fn on(model: &'static str) -> Self {
        Self { model, ..Self::default() }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

/// The Reference's pull step: it creates a person who is not synchronized.
struct ExamplePullStep;

impl PullStep for ExamplePullStep {
    type Model = Object;
    fn observes(&self) -> &str {
        "MyModel"
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let john = json!({"first_name": "John", "last_name": "Doe", "no_sync": true, "xos_managed": false});
        ctx.models_of("MyModel").find_or_create(object("MyModel", "", john), ["first_name", "last_name"]).await?;
        Ok(())
    }
}

#[tokio::test]
async fn the_references_pull_step_makes_somebody_who_is_not_synchronized() {
    let count = Count::on("MyModel");
    let world = World::of(&[("t.xproto", MODELS)]).pull_step(ExamplePullStep).sync_step(count.clone());
    let mut world = world.start().unwrap();
    world.settle().await;
    assert_eq!(world.pulled("ExamplePullStep"), Some(&Outcome::Succeeded));
    let john = world.all::<Object>().unwrap().pop().unwrap();
    assert_eq!((john.text("first_name"), john.text("last_name")), (Some("John"), Some("Doe")));
    assert!(john.flag("no_sync") && !john.flag("xos_managed"));
    world.take_changes();
    world.pass(Duration::from_secs(5)).await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.take_saves(), [""; 0]);
    assert_eq!(count.take(), [""; 0]);
}

#[derive(Deserialize)]
struct Person {
    first_name: String,
    last_name: String,
}

/// The Reference's event step.
struct ExampleEventStep;

impl EventStep for ExampleEventStep {
    const TOPICS: &'static [&'static str] = &["MyTopic"];
    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let person: Person = event.json()?;
        let new = object("MyModel", "", json!({"first_name": person.first_name, "last_name": person.last_name}));
        let key = ["first_name", "last_name"];
        let (mut found, made) = ctx.models_of("MyModel").find_or_create(new, key).await?;
        if !made {
            ctx.touch(&mut found).await?;
        }
        ctx.producer().json("seen", event.key_text().unwrap_or("none"), &json!({"name": found.meta.name})).await?;
        Ok(())
    }
}

#[tokio::test]
async fn the_references_event_step_finds_or_makes_and_has_it_synchronized_each_time() {
    let count = Count::on("MyModel");
    let world = World::of(&[("t.xproto", MODELS)]).event_step(ExampleEventStep).sync_step(count.clone());
    let mut world = world.start().unwrap();
    let event = BusEvent::new("MyTopic", r#"{"first_name": "John", "last_name": "Doe"}"#).with_key("j");
    assert_eq!(world.send(&event).await, [("ExampleEventStep".to_owned(), Outcome::Succeeded)]);
    assert_eq!(count.take().len(), 1);
    world.send(&event).await;
    assert_eq!((count.take().len(), world.all::<Object>().unwrap().len()), (1, 1), "touched, and not made again");
    let messages = world.take_messages();
    assert_eq!((messages.len(), messages[0].topic.as_str(), messages[0].key.as_deref()), (2, "seen", Some(&b"j"[..])));
    assert_eq!(world.send(&BusEvent::new("other", "{}")).await, []);
    let bad = world.send(&BusEvent::new("MyTopic", "{")).await.pop().unwrap().1;
    assert!(bad.message().unwrap().starts_with("the event's value cannot be read as JSON"), "{bad:?}");
}

/// The list of a backend: serial and state; none while it does not answer.
type Backend = Arc<Mutex<Option<BTreeMap<String, String>>>>;

struct PullDevices(Backend);

impl PullStep for PullDevices {
    type Model = Object;
    fn observes(&self) -> &str {
        "Device"
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let listed = self.0.lock().unwrap().clone().ok_or_else(|| StepError::failed("no route to the backend"))?;
        let listed: Vec<_> = listed.into_iter().collect();
        let listing = ctx.listing_of("Device", NaturalKey).within("port", "1");
        let pulled = listing.reconcile(
            &listed,
            |_| Object::named("Device", "", ""),
            |(serial, state), o| {
                o.set("serial", json!(serial));
                o.set("state", json!(state));
                o.set("port", json!("1"));
            },
        );
        let pulled = pulled.await?;
        assert!(pulled.to_string().contains(" left alone"), "{pulled}");
        Ok(())
    }
}

struct Stage {
    world: World,
    backend: Backend,
    count: Count,
}

async fn stage(things: &[(&str, &str)]) -> Stage {
    let backend = Backend::default();
    let count = Count::on("Device");
    let world =
        World::of(&[("t.xproto", MODELS)]).pull_step(PullDevices(Arc::clone(&backend))).sync_step(count.clone());
    let mut stage = Stage { world: world.start().unwrap(), backend, count };
    stage.list(things);
    stage.world.settle().await;
    stage.world.take_changes();
    stage
}

impl Stage {
    fn list(&self, things: &[(&str, &str)]) {
        let things = things.iter().map(|&(serial, state)| (serial.to_owned(), state.to_owned()));
        *self.backend.lock().unwrap() = Some(things.collect());
    }

    async fn pull(&mut self) -> Vec<String> {
        self.world.pass(Duration::from_secs(5)).await;
        self.world.take_saves()
    }
}

#[tokio::test]
async fn a_listing_makes_saves_and_deletes_only_what_changed() {
    let mut stage = stage(&[("a", "up"), ("b", "up")]).await;
    assert_eq!(stage.count.take(), ["a", "b"], "what was made is synchronized");
    assert!(!stage.world.get::<Object>("a").unwrap().flag("xos_managed"));
    assert_eq!(stage.pull().await, [""; 0]);
    stage.list(&[("a", "down"), ("c", "up")]);
    let saves = stage.pull().await;
    assert_eq!(saves[0], "Spec Device default/a by PullDevices: state");
    assert!(saves[1].starts_with("Created Device default/c by PullDevices"), "{saves:?}");
    assert!(saves[2].starts_with("Deleted Device default/b"), "{saves:?}");
    assert_eq!((saves.len(), stage.count.take()), (3, vec!["c".to_owned()]), "a quiet save runs no step");
    assert!(!stage.world.has::<Object>("b"));
}

#[tokio::test]
async fn an_unchanged_pull_of_many_makes_no_write_at_all() {
    let things: Vec<_> = (0..500).map(|n| (format!("s{n}"), "up".to_owned())).collect();
    let things: Vec<_> = things.iter().map(|(serial, state)| (serial.as_str(), state.as_str())).collect();
    let stage = &mut stage(&things).await;
    stage.world.pass(Duration::from_secs(5)).await;
    assert_eq!(stage.world.take_changes(), []);
}

#[tokio::test]
async fn a_backend_that_is_away_changes_nothing() {
    let mut stage = stage(&[("a", "up")]).await;
    *stage.backend.lock().unwrap() = None;
    assert_eq!(stage.pull().await, [""; 0]);
    let ended = stage.world.pulled("PullDevices").unwrap();
    assert_eq!(ended, &Outcome::Failed("no route to the backend".to_owned()));
    assert!(stage.world.has::<Object>("a"));
    stage.list(&[]);
    stage.pull().await;
    assert!(!stage.world.has::<Object>("a"), "an empty listing is an answer");
}

#[tokio::test]
async fn an_object_with_an_operators_change_in_flight_is_left_alone() {
    let mut stage = stage(&[("a", "up")]).await;
    *stage.count.fails.lock().unwrap() = true;
    stage.world.edit::<Object>("a", |o| o.set("wish", json!("off"))).unwrap();
    stage.world.settle().await;
    stage.list(&[("a", "down")]);
    assert_eq!(stage.pull().await, [""; 0]);
    stage.list(&[]);
    assert_eq!(stage.pull().await, [""; 0], "nor is it deleted");
    *stage.count.fails.lock().unwrap() = false;
    stage.list(&[("a", "down")]);
    stage.world.pass(Duration::from_secs(60)).await;
    assert_eq!(stage.world.get::<Object>("a").unwrap().text("state"), Some("down"), "once it is in the backend");
}

#[tokio::test]
async fn what_an_operator_made_or_another_listing_is_not_taken_for_vanished() {
    let mut stage = stage(&[("a", "up")]).await;
    stage.world.apply(&object("Device", "mine", json!({"serial": "mine", "port": "1", "xos_managed": true}))).unwrap();
    stage.world.apply(&object("Device", "far", json!({"serial": "far", "port": "2", "xos_managed": false}))).unwrap();
    stage.list(&[]);
    assert_eq!(stage.pull().await, ["Deleted Device default/a: "]);
    assert!(stage.world.has::<Object>("mine") && stage.world.has::<Object>("far"));
    // One that is listed and an operator's is adopted: what the backend says is saved.
    stage.list(&[("mine", "up")]);
    assert_eq!(stage.pull().await, ["Spec Device default/mine by PullDevices: state"]);
    assert!(stage.world.get::<Object>("mine").unwrap().flag("xos_managed"));
}

#[tokio::test]
async fn one_bad_item_neither_stops_the_others_nor_what_has_vanished() {
    let mut stage = stage(&[("a", "up"), ("b", "up")]).await;
    stage.list(&[("b", "up"), ("c", "up"), ("d", "up")]);
    stage.world.inject(Fault::Unavailable("busy".to_owned()));
    let saves = stage.pull().await;
    assert_eq!(saves.len(), 2, "one is made, one is deleted: {saves:?}");
    assert!(!stage.world.has::<Object>("a"));
    let Some(Outcome::Failed(text)) = stage.world.pulled("PullDevices") else { panic!() };
    assert_eq!(text, "1 of 3 items could not be handled, Device default/c cannot be made: the API server: busy");
    let events = stage.world.take_events().join("\n");
    assert!(events.contains("busy; 1 created, 0 saved, 1 deleted"), "{events}");
    let saves = stage.pull().await;
    assert_eq!(saves.len(), 1, "the next one mends it: {saves:?}");
}

#[tokio::test]
async fn objects_that_cannot_be_told_apart_are_kept_and_others_go() {
    let mut stage = stage(&[("a", "up"), ("b", "up")]).await;
    for name in ["twin-1", "twin-2"] {
        let twin = json!({"serial": "twin", "port": "1", "xos_managed": false});
        stage.world.api().put(Object { fields: serde_json::from_value(twin).unwrap(), ..there(&stage, name) });
    }
    stage.list(&[("a", "up"), ("twin", "up")]);
    stage.pull().await;
    let Some(Outcome::Failed(text)) = stage.world.pulled("PullDevices") else { panic!() };
    assert!(text.contains("there are 2 of Device") && text.contains("twin-1"), "{text}");
    assert!(!stage.world.has::<Object>("b"), "it is not listed");
    assert!(["a", "twin-1", "twin-2"].iter().all(|name| stage.world.has::<Object>(name)));
}

/// A stored object of this name, with the values of `a`.
fn there(stage: &Stage, name: &str) -> Object {
    let mut object = stage.world.object::<Object>("a").unwrap();
    (object.meta.name, object.meta.uid) = (name.to_owned(), format!("uid-{name}"));
    object
}

#[tokio::test]
async fn a_deletion_that_fails_stops_no_other_and_a_protected_object_is_left_alone() {
    let mut stage = stage(&[("a", "up"), ("b", "up"), ("c", "up")]).await;
    stage.world.edit::<Object>("b", |o| o.set("write_protect", json!(true))).unwrap();
    stage.world.settle().await;
    stage.list(&[]);
    stage.world.inject(Fault::Unavailable("no".to_owned()));
    stage.pull().await;
    assert!(stage.world.has::<Object>("a") && stage.world.has::<Object>("b") && !stage.world.has::<Object>("c"));
    let Some(Outcome::Failed(text)) = stage.world.pulled("PullDevices") else { panic!() };
    assert_eq!(text, "1 object could not be deleted: Device default/a cannot be deleted: the API server: no");
    stage.pull().await;
    assert_eq!(stage.world.pulled("PullDevices"), Some(&Outcome::Succeeded));
    assert!(!stage.world.has::<Object>("a") && stage.world.has::<Object>("b"));
}

struct Unheard;

impl EventStep for Unheard {
    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        Ok(())
    }
}

#[test]
fn steps_that_do_not_fit_are_refused_by_name() {
    let error = World::of(&[("t.xproto", MODELS)]).event_step(Unheard).start().unwrap_err();
    assert!(error.to_string().contains("event step Unheard has neither TOPICS nor PATTERN"), "{error}");
    let other = "option app_label = \"t\"; message Other (XOSBase) { required string name = 1 [max_length = 9]; }";
    let error = World::of(&[("t.xproto", other)]).pull_step(ExamplePullStep).start().unwrap_err();
    assert!(error.to_string().contains("pull step ExamplePullStep observes model `MyModel`"), "{error}");
}
