//! Values that come from Secrets: what steps see of them, and what a changed one does.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_model::Object;
use xos_model::condition::find;
use xos_steps::{StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"t\";
    message Login (XOSBase) { required string name = 1 [max_length = 9];
        required string password = 2 [max_length = 32, secret = True]; }";

/// Notes the password that it is given, for `sync` and `delete`.
#[derive(Clone, Default)]
struct Note(Arc<Mutex<Vec<String>>>);

impl Note {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn add(&self, what: &str, o: &Object) {
        self.0.lock().unwrap().push(format!("{what} {}", o.text("password").unwrap_or("nothing")));
    }
}

impl SyncStep for Note {
    type Model = Object;
    fn observes(&self) -> &str {
        "Login"
    }
    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.add("sync", o);
        o.set("backend_handle", json!("h"));
        // A save of the step's own has the value in hand, does not store it, and leaves it there.
        let before = o.text("password").map(str::to_owned);
        ctx.save(o).await?;
        assert_eq!(o.text("password"), before.as_deref());
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.add("delete", o);
        Ok(())
    }
}

fn login(fields: Value) -> Object {
    Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named("Login", "default", "ada") }
}

fn world() -> (World, Note) {
    let note = Note::default();
    (World::of(&[("t.xproto", MODELS)]).sync_step(note.clone()).start().unwrap(), note)
}

fn from(name: &str, key: &str) -> Value {
    json!({"name": "ada", "password_from": {"secretKeyRef": {"name": name, "key": key}}})
}

fn ready(world: &World) -> (String, String) {
    let ada = world.object::<Object>("ada").unwrap();
    let ready = find(&ada.status.conditions, "Ready").unwrap();
    (ready.reason.clone(), ready.message.clone())
}

#[tokio::test]
async fn a_step_sees_the_value_and_nothing_stores_it() {
    let (mut world, note) = world();
    world.secret("ada", "password", "open-sesame");
    world.apply(&login(from("ada", "password"))).unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["sync open-sesame"]);
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!((ada.text("password"), ada.text("backend_handle")), (None, Some("h")));
    assert!(!format!("{:?} {:?}", ada.fields, ada.status).contains("open-sesame"), "{:?}", ada.fields);
    world.pass(Duration::from_secs(600)).await;
    assert_eq!(note.take(), [""; 0], "its own save is no news");
}

#[tokio::test]
async fn a_changed_secret_synchronizes_its_users_again_and_no_others() {
    let (mut world, note) = world();
    world.secret("ada", "password", "one");
    world.secret("bob", "password", "another");
    world.apply(&login(from("ada", "password"))).unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["sync one"]);
    world.secret("bob", "password", "yet another");
    world.settle().await;
    assert_eq!(note.take(), [""; 0]);
    world.secret("ada", "password", "two");
    world.settle().await;
    assert_eq!(note.take(), ["sync two"]);
    world.restart().unwrap();
    world.settle().await;
    assert_eq!(note.take(), [""; 0], "nothing has changed since");
}

#[tokio::test]
async fn an_object_waits_for_its_secret_and_for_the_key() {
    let (mut world, note) = world();
    world.apply(&login(from("ada", "password"))).unwrap();
    world.settle().await;
    let missing = "there is no Secret default/ada, from which password comes";
    assert_eq!(ready(&world), ("NoSecret".to_owned(), missing.to_owned()));
    world.secret("ada", "user", "ada");
    world.settle().await;
    let (_, message) = ready(&world);
    assert!(message.contains("Secret default/ada has no key password, from which password comes"), "{message}");
    assert_eq!(note.take(), [""; 0]);
    world.secret("ada", "password", "open-sesame");
    world.settle().await;
    assert_eq!(note.take(), ["sync open-sesame"]);
    world.api().remove_secret("default", "ada");
    world.settle().await;
    assert_eq!(ready(&world).0, "NoSecret");
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert_eq!(note.take(), ["delete nothing"], "a deletion does not wait for what may be gone already");
}
