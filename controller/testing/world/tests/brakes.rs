//! Deletions that take many along are held until they are confirmed.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use xos_engine::Options;
use xos_model::condition::find;
use xos_model::{Object, ObjectKey};
use xos_steps::{StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"t\";
    message Olt (XOSBase) { required string name = 1 [max_length = 32]; }
    message Port (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone olt->Olt:ports = 2:1001; }
    message Onu (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone port->Port:onus = 2:1001; optional string wish = 3 [max_length = 9]; }";

/// A step that records its calls.
#[derive(Clone)]
struct Count(&'static str, Arc<Mutex<Vec<String>>>);

impl SyncStep for Count {
    type Model = Object;
    fn observes(&self) -> &str {
        self.0
    }
    fn name(&self) -> &str {
        self.0
    }
    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.1.lock().unwrap().push(format!("sync {}", o.meta.name));
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.1.lock().unwrap().push(format!("delete {}", o.meta.name));
        Ok(())
    }
}

struct Stage {
    world: World,
    calls: Arc<Mutex<Vec<String>>>,
}

fn apply(world: &World, model: &str, name: &str, to: Option<(&str, &str)>) {
    let mut object = Object::named(model, "default", name);
    object.set("name", json!(name));
    if let Some((port, peer)) = to {
        object.set(port, json!({ "name": peer }));
    }
    world.apply(&object).unwrap();
}

/// An OLT with so many ports, and so many ONUs on each.
async fn stage(ports: usize, onus: usize) -> Stage {
    stage_with(&["Olt", "Port", "Onu"], ports, onus).await
}

/// The same, with steps for these models only.
async fn stage_with(steps: &[&'static str], ports: usize, onus: usize) -> Stage {
    let calls = Arc::new(Mutex::new(vec![]));
    let world = World::of(&[("t.xproto", MODELS)]);
    let world = steps.iter().fold(world, |world, model| world.sync_step(Count(model, Arc::clone(&calls))));
    let mut world = world.start().unwrap();
    apply(&world, "Olt", "olt", None);
    for port in 0..ports {
        let name = format!("port-{port}");
        apply(&world, "Port", &name, Some(("olt", "olt")));
        (0..onus).for_each(|onu| apply(&world, "Onu", &format!("onu-{port}-{onu}"), Some(("port", &name))));
    }
    world.settle().await;
    world.take_events();
    world.take_changes();
    Stage { world, calls }
}

impl Stage {
    fn key(model: &str, name: &str) -> ObjectKey {
        ObjectKey::new(model, "default", name)
    }

    fn confirm(&self, model: &str, name: &str, text: &str) {
        let mut object = self.world.api().get(&Self::key(model, name)).unwrap();
        object.meta.annotations.insert("confirm-deletion".into(), text.to_owned());
        self.world.api().replace(&object).unwrap();
    }

    fn delete(&self, model: &str, name: &str) {
        assert!(self.world.api().remove(&Self::key(model, name)));
    }

    /// Returns what `Ready` says.
    fn told(&self, model: &str, name: &str) -> (String, String) {
        let object = self.world.api().get(&Self::key(model, name)).unwrap();
        let ready = find(&object.status.conditions, "Ready").unwrap().clone();
        (ready.reason, ready.message)
    }

    fn live(&self) -> usize {
        self.world.api().objects().iter().filter(|object| object.meta.deleting.is_none()).count()
    }
}

#[tokio::test]
async fn ten_thousand_are_not_deleted_before_it_is_confirmed() {
    // Without a step for the ONUs, which only would take time here.
    let mut stage = stage_with(&["Olt", "Port"], 100, 99).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    assert_eq!((stage.live(), stage.world.take_changes()), (10_000, vec![]));
    stage.world.pass(Duration::from_secs(3)).await;
    let (reason, message) = stage.told("Olt", "olt");
    assert_eq!(reason, "DeletionHeld");
    assert_eq!(
        message,
        "the deletion takes 10000 other objects along (9900 Onu, 100 Port), more than 100: they stay, and go on as \
         before, until it is confirmed. kubectl annotate --overwrite -n default olts.t.xos.opencord.org olt \
         xos.opencord.org/confirm-deletion=10000"
    );
    let event = format!("Warning DeletionHeld: {message} (Olt default/olt)");
    assert_eq!(stage.world.take_events(), [event]);
    stage.world.take_changes();
    stage.world.pass(Duration::from_secs(7200)).await;
    assert_eq!((stage.live(), stage.world.take_changes()), (10_000, vec![]), "it waits, and writes nothing");

    // Fewer are no confirmation; the restart forgets nothing.
    stage.confirm("Olt", "olt", "9999");
    stage.world.settle().await;
    let (_, message) = stage.told("Olt", "olt");
    assert!(message.contains("xos.opencord.org/confirm-deletion says 9999, and they are more"), "{message}");
    stage.world.restart().unwrap();
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(10)).await;
    assert_eq!(stage.live(), 10_000);

    stage.calls.lock().unwrap().clear();
    stage.confirm("Olt", "olt", "10000");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(60)).await;
    assert_eq!(stage.world.api().objects().len(), 0);
    let calls = stage.calls.lock().unwrap().clone();
    assert_eq!((calls.len(), calls.last().map(String::as_str)), (101, Some("delete olt")));
}

#[tokio::test]
async fn a_hundred_go_at_once() {
    let mut stage = stage(4, 24).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    assert_eq!(stage.world.api().objects().len(), 0);
}

#[tokio::test]
async fn what_would_go_along_stays_and_works() {
    let mut stage = stage(2, 60).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(3)).await;
    assert_eq!(stage.told("Olt", "olt").0, "DeletionHeld");
    stage.calls.lock().unwrap().clear();
    stage.world.edit::<Object>("onu-0-7", |o| o.set("wish", json!("on"))).unwrap();
    let mut port = stage.world.api().get(&Stage::key("Port", "port-0")).unwrap();
    port.set("name", json!("renamed"));
    stage.world.api().replace(&port).unwrap();
    stage.world.settle().await;
    let mut calls = stage.calls.lock().unwrap().clone();
    calls.sort();
    assert_eq!(calls, ["sync onu-0-7", "sync port-0"]);
    assert_eq!(stage.told("Onu", "onu-0-7").0, "SyncSucceeded");
    assert_eq!(stage.told("Port", "port-0").0, "SyncSucceeded");
}

#[tokio::test]
async fn a_confirmation_is_good_for_the_deletions_below_it() {
    let mut stage = stage(1, 200).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(3)).await;
    stage.confirm("Olt", "olt", "201");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(10)).await;
    assert_eq!(stage.world.api().objects().len(), 0, "the port is not asked about again");
}

#[tokio::test]
async fn a_deletion_below_a_held_one_is_held_for_itself() {
    let mut stage = stage(2, 150).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(3)).await;
    stage.delete("Port", "port-0");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(3)).await;
    assert_eq!((stage.told("Port", "port-0").0.as_str(), stage.live()), ("DeletionHeld", 301));
    stage.confirm("Port", "port-0", "150");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(10)).await;
    assert_eq!(stage.live(), 151, "the other port and what hangs on it");
    assert_eq!(stage.told("Olt", "olt").0, "DeletionHeld");
}

#[tokio::test]
async fn objects_that_are_all_deleted_as_in_a_namespace_are_not_held() {
    let mut stage = stage(3, 100).await;
    let objects = stage.world.api().objects();
    // The namespace controller takes one kind after the other.
    for kind in ["Olt", "Onu", "Port"] {
        for object in objects.iter().filter(|object| *object.model == *kind) {
            stage.world.api().remove(&object.key());
        }
        stage.world.settle().await;
        stage.world.pass(Duration::from_secs(2)).await;
    }
    stage.world.pass(Duration::from_secs(10)).await;
    assert_eq!(stage.world.api().objects().len(), 0);
    let events = stage.world.take_events().join("\n");
    assert!(!events.contains("DeletionHeld"), "{events}");
}

#[tokio::test]
async fn a_held_deletion_goes_on_when_few_enough_are_left() {
    let mut stage = stage(1, 150).await;
    stage.delete("Olt", "olt");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(3)).await;
    for onu in 0..50 {
        stage.delete("Onu", &format!("onu-0-{onu}"));
    }
    stage.world.settle().await;
    assert_eq!(stage.live(), 101);
    stage.delete("Onu", "onu-0-50");
    stage.world.settle().await;
    stage.world.pass(Duration::from_secs(10)).await;
    assert_eq!(stage.world.api().objects().len(), 0);
}

#[tokio::test]
async fn the_limit_is_configured() {
    let mut options = Options::default();
    options.brakes.cascade = 0;
    let mut world = World::of(&[("t.xproto", MODELS)]).sync_step(Count("Olt", Arc::default())).options(options);
    world = world.sync_step(Count("Port", Arc::default()));
    let mut world = world.start().unwrap();
    apply(&world, "Olt", "olt", None);
    apply(&world, "Port", "port", Some(("olt", "olt")));
    world.settle().await;
    world.delete::<Object>("olt").unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(3)).await;
    assert!(world.has::<Object>("port"));
}
