//! Policies and the sync step of one object: when each runs, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::{TestNamespace, namespace};
use xos_model::Object;
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"passes\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional string wish = 2 [max_length = 32];
        optional string seen = 3 [max_length = 32, feedback_state = True]; }";

/// What a pass changes in the object. `edit` is an operator's change, done once while the handler runs.
struct Does {
    change: fn(&mut Object),
    edit: Option<Value>,
}

const NOTHING: Does = Does { change: |_| {}, edit: None };

fn script(namespace: &TestNamespace, does: Does) -> Script {
    let objects = Arc::new(Objects::new(namespace, MODELS).unwrap());
    let edited = Arc::new(AtomicBool::new(does.edit.is_none()));
    let change = does.change;
    let edit = Arc::new(does.edit.unwrap_or_default());
    Arc::new(move |_, _, o| {
        let objects = Arc::clone(&objects);
        let edited = Arc::clone(&edited);
        let edit = Arc::clone(&edit);
        Box::pin(async move {
            if !edited.swap(true, Ordering::SeqCst) {
                objects.edit("Thing", &o.meta.name, (*edit).clone()).await.unwrap();
            }
            change(o);
            Ok(())
        })
    })
}

/// Creates an object, and checks that exactly the expected handlers are called, also after a restart.
async fn settles(title: &str, policy: Does, step: Does, expected: &[&str], holds: impl Fn(&Value) -> bool) {
    namespace::with(title, async |namespace| {
        let calls = Calls::default();
        let synchronizer = Synchronizer::new("passes")
            .models(&[("passes.xproto", MODELS)])
            .policy(Scripted::doing("policy", "Thing", &calls, script(namespace, policy)))
            .sync_step(Scripted::doing("step", "Thing", &calls, script(namespace, step)));
        let controller = Controller::start(namespace, "passes", synchronizer, &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        objects.create("Thing", "x", json!({"name": "x"})).await.unwrap();
        calls.become_these(expected).await.unwrap();
        let ready = |object: &Value| xos_harness::example::is_ready(object) && holds(object);
        let settled = objects.until("Thing", "x", "settled", ready).await.unwrap();
        // A stop waits for running handlers; after a start all objects are checked again.
        controller.stop().await.unwrap();
        let synchronizer = Synchronizer::new("passes")
            .models(&[("passes.xproto", MODELS)])
            .policy(Scripted::noting("policy", "Thing", &calls))
            .sync_step(Scripted::noting("step", "Thing", &calls));
        let again = Controller::start(namespace, "passes", synchronizer, &Value::Null).unwrap();
        objects.create("Thing", "mark", json!({"name": "mark"})).await.unwrap();
        objects.ready("Thing", "mark").await.unwrap();
        let marked: Vec<_> = expected.iter().copied().chain(["policy create mark", "step sync mark"]).collect();
        again.stop().await.unwrap();
        assert_eq!(calls.all(), marked);
        let after = objects.get("Thing", "x").await.unwrap();
        assert_eq!(after["metadata"]["resourceVersion"], settled["metadata"]["resourceVersion"]);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_policy_sees_what_the_step_changed() {
    let step = Does { change: |o| o.set("seen", json!("up")), edit: None };
    let expected = ["policy create x", "step sync x", "policy update x"];
    settles("policy-after-sync", NOTHING, step, &expected, |o| o["status"]["seen"] == "up").await;
}

#[tokio::test]
async fn a_policy_sees_what_the_step_changed_and_an_operator_meanwhile() {
    let step = Does { change: |o| o.set("seen", json!("up")), edit: Some(json!({"wish": "more"})) };
    let expected = ["policy create x", "step sync x", "policy update x", "step sync x"];
    settles("policy-after-sync-edit", NOTHING, step, &expected, |o| o["spec"]["wish"] == "more").await;
}

#[tokio::test]
async fn a_step_sees_what_the_policy_changed() {
    let policy = Does { change: |o| o.set("wish", json!("granted")), edit: None };
    let expected = ["policy create x", "step sync x"];
    settles("sync-after-policy", policy, NOTHING, &expected, |o| o["spec"]["wish"] == "granted").await;
}

#[tokio::test]
async fn a_step_sees_what_the_policy_changed_and_an_operator_meanwhile() {
    let policy = Does { change: |o| o.set("wish", json!("granted")), edit: Some(json!({"name": "renamed"})) };
    // The policy's change does not overwrite the operator's: it runs again on what is there.
    let expected = ["policy create x", "policy create x", "step sync x"];
    let holds = |o: &Value| o["spec"]["wish"] == "granted" && o["spec"]["name"] == "renamed";
    settles("sync-after-policy-edit", policy, NOTHING, &expected, holds).await;
}

#[tokio::test]
async fn a_step_and_a_policy_that_both_change_the_object_settle() {
    let policy = Does { change: |o| o.set("wish", json!("granted")), edit: None };
    let step = Does {
        change: |o| {
            let wish = o.fields.get("wish").cloned().unwrap_or_default();
            o.set("seen", wish);
        },
        edit: None,
    };
    let expected = ["policy create x", "step sync x", "policy update x"];
    settles("both", policy, step, &expected, |o| o["status"]["seen"] == "granted").await;
}
