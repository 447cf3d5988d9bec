//! Events that wait for an object are taken up when it comes or changes, in the order of their key.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_model::{Object, Outcome};
use xos_steps::{BusEvent, EventStep, StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"t\";
    message Device (XOSBase) { option abstract = True; required string name = 1 [max_length = 32]; }
    message Olt (Device) { required string serial = 2 [max_length = 32, tosca_key = True];
        optional string state = 3 [max_length = 32]; optional int32 slot = 4; }
    message Onu (XOSBase) { required string name = 1 [max_length = 32]; }";

fn olt(name: &str, fields: Value) -> Object {
    let fields = serde_json::from_value(fields).unwrap();
    Object { fields, ..Object::named("Olt", "default", name) }
}

/// Each event is about an ONU, and says what it waits for: `name serial`, `slot 7`, `kind name` or `nonsense x`.
#[derive(Clone, Default)]
struct Onus {
    handled: Arc<Mutex<Vec<String>>>,
    calls: Arc<Mutex<usize>>,
}

impl Onus {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.handled.lock().unwrap())
    }

    fn calls(&self) -> usize {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl EventStep for Onus {
    const TOPICS: &'static [&'static str] = &["onus"];

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        *self.calls.lock().unwrap() += 1;
        let text = event.text()?;
        let (what, value) = text.split_once(' ').unwrap_or((text, ""));
        let olts = ctx.models_of("Olt");
        match what {
            "slot" => {
                let slot: i64 = value.parse()?;
                if olts.filter("slot", slot).first()?.is_none() {
                    return Err(StepError::waits_for("Olt", ("slot", slot)));
                }
            }
            "kind" => {
                if olts.filter("name", value).first()?.is_none() {
                    return Err(StepError::waits_for("Device", value));
                }
            }
            "nonsense" => return Err(StepError::waits_for("Nothing", value)),
            "free" => {}
            _ => match olts.filter("serial", value).first()? {
                Some(olt) if olt.text("state") == Some("up") => {}
                _ => return Err(StepError::waits_for("Olt", value)),
            },
        }
        self.handled.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

fn event(key: &str, value: &str) -> BusEvent {
    BusEvent::new("onus", value).with_key(key)
}

async fn send(world: &mut World, key: &str, value: &str) -> Outcome {
    world.send(&event(key, value)).await.pop().unwrap().1
}

#[tokio::test]
async fn an_event_is_taken_up_when_its_object_comes_and_is_as_it_needs_it() {
    let onus = Onus::default();
    let mut world = World::of(&[("t.xproto", MODELS)]).event_step(onus.clone()).start().unwrap();
    assert_eq!(send(&mut world, "a", "1 s-1").await, Outcome::Deferred("waits for Olt s-1".to_owned()));
    let behind = send(&mut world, "a", "free 2").await;
    assert_eq!(behind, Outcome::Deferred("an earlier event of its key waits".to_owned()));
    assert_eq!(send(&mut world, "b", "free 3").await, Outcome::Succeeded);
    assert_eq!(onus.take(), ["free 3"], "other keys go on");
    onus.calls();

    world.apply(&olt("other", json!({"name": "other", "serial": "s-2", "state": "up"}))).unwrap();
    world.settle().await;
    assert_eq!((onus.calls(), world.waiting().len()), (0, 2), "that is another one");
    world.apply(&olt("one", json!({"name": "one", "serial": "s-1", "state": "down"}))).unwrap();
    world.settle().await;
    assert_eq!((onus.calls(), world.waiting().len()), (1, 2), "it has come, but is not as it needs it");
    world.edit::<Object>("one", |olt| olt.set("state", "up".into())).unwrap();
    world.settle().await;
    assert_eq!(onus.take(), ["1 s-1", "free 2"], "in order");
    assert_eq!(world.waiting(), []);
}

#[tokio::test]
async fn an_object_is_known_by_any_field_and_by_its_base() {
    let onus = Onus::default();
    let mut world = World::of(&[("t.xproto", MODELS)]).event_step(onus.clone()).start().unwrap();
    assert_eq!(send(&mut world, "a", "slot 7").await, Outcome::Deferred("waits for Olt with slot = 7".to_owned()));
    assert_eq!(send(&mut world, "b", "kind one").await, Outcome::Deferred("waits for Device one".to_owned()));
    world.apply(&olt("one", json!({"name": "one", "serial": "s-1", "slot": 7}))).unwrap();
    world.settle().await;
    let mut handled = onus.take();
    handled.sort();
    assert_eq!(handled, ["kind one", "slot 7"]);
}

#[tokio::test]
async fn what_never_comes_is_looked_for_at_an_even_pace() {
    let onus = Onus::default();
    let mut world = World::of(&[("t.xproto", MODELS)]).event_step(onus.clone()).start().unwrap();
    send(&mut world, "a", "1 s-1").await;
    send(&mut world, "b", "nonsense x").await;
    onus.calls();
    for _ in 0..20 {
        world.pass(Duration::from_secs(29)).await;
        assert_eq!(onus.calls(), 0);
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(onus.calls(), 2);
    }
    world.restart().unwrap();
    world.settle().await;
    assert_eq!((onus.calls(), world.waiting().len()), (2, 2), "a new controller tries them at once");
}

/// A sync step of ONUs that waits for the OLT of that serial number.
struct SyncOnu(Arc<Mutex<usize>>);

impl SyncStep for SyncOnu {
    type Model = Object;

    fn observes(&self) -> &str {
        "Onu"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        *self.0.lock().unwrap() += 1;
        let serial = o.text("name").unwrap_or_default().to_owned();
        match ctx.models_of("Olt").filter("serial", serial.as_str()).first()? {
            Some(olt) if olt.text("state") == Some("up") => Ok(()),
            _ => Err(StepError::waits_for("Olt", serial)),
        }
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_sync_step_that_waits_for_an_object_runs_when_it_comes_or_changes() {
    let calls = Arc::new(Mutex::new(0));
    let take = || std::mem::take(&mut *calls.lock().unwrap());
    let mut world = World::of(&[("t.xproto", MODELS)]).sync_step(SyncOnu(Arc::clone(&calls))).start().unwrap();
    let mut onu = Object::named("Onu", "default", "onu");
    onu.set("name", "s-1".into());
    world.apply(&onu).unwrap();
    world.settle().await;
    assert_eq!(take(), 1);
    world.apply(&olt("other", json!({"name": "other", "serial": "s-2"}))).unwrap();
    world.settle().await;
    assert_eq!(take(), 0, "that is another one");
    world.apply(&olt("one", json!({"name": "one", "serial": "s-1"}))).unwrap();
    world.settle().await;
    assert_eq!(take(), 1);
    world.edit::<Object>("one", |olt| olt.set("state", "up".into())).unwrap();
    world.settle().await;
    assert_eq!(take(), 1);
    assert_eq!(world.get::<Object>("onu").unwrap().text("backend_status"), Some("OK"));
    world.edit::<Object>("one", |olt| olt.set("state", "down".into())).unwrap();
    world.settle().await;
    assert_eq!(take(), 0, "it waits no longer");
}
