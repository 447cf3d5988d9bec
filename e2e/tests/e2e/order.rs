//! Linked objects: their order, and the status of an object that waits.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;
use xos_steps::StepError;

const MODELS: &str = "option app_label = \"order\";
    message Step (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone after->Step:before = 2:1001; }";

/// Objects called `bad` fail.
fn script() -> Script {
    Arc::new(|what, _, o| {
        let fails = what == "sync" && o.text("name") == Some("bad");
        Box::pin(async move { if fails { Err(StepError::failed("the backend says no")) } else { Ok(()) } })
    })
}

fn synchronizer(calls: &Calls) -> Synchronizer {
    Synchronizer::new("order").models(&[("order.xproto", MODELS)]).sync_step(Scripted::doing(
        "step",
        "Step",
        calls,
        script(),
    ))
}

fn after(name: &str, other: &str) -> Value {
    json!({"name": name, "after": {"name": other}})
}

fn says(text: &str) -> impl Fn(&Value) -> bool + '_ {
    move |object| condition(object, "Ready")["message"] == text
}

#[tokio::test]
async fn each_waits_for_what_it_leads_to_and_goes_before_it() {
    namespace::with("order", async |namespace| {
        let calls = Calls::default();
        let controller = Controller::start(namespace, "order", synchronizer(&calls), &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Step").await.unwrap();
        // The last one first: a linked object may be created later.
        for (name, other) in [("d", "c"), ("c", "b"), ("b", "a")] {
            objects.create("Step", name, after(name, other)).await.unwrap();
        }
        let root = "waits for Step c, which waits for Step a, which does not exist";
        objects.until("Step", "d", "told what it waits for", says(root)).await.unwrap();
        assert_eq!(calls.all(), [""; 0]);
        objects.create("Step", "a", json!({"name": "bad"})).await.unwrap();
        let failed = "waits for Step c, which waits for Step a, which failed: the backend says no";
        objects.until("Step", "d", "told of the failure", says(failed)).await.unwrap();
        objects.edit("Step", "a", json!({"name": "a"})).await.unwrap();
        for name in ["a", "b", "c", "d"] {
            objects.ready("Step", name).await.unwrap();
        }
        let tried: Vec<_> = calls.all().into_iter().filter(|call| call != "step sync a").collect();
        assert_eq!(tried, ["step sync b", "step sync c", "step sync d"]);

        // The root is deleted by the operator; the leaves are deleted first.
        let before = calls.all().len();
        objects.delete("Step", "a").await.unwrap();
        objects.gone("Step", "a").await.unwrap();
        let deleted = ["step delete d", "step delete c", "step delete b", "step delete a"];
        controller.stop().await.unwrap();
        assert_eq!(calls.all()[before..], deleted);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_circle_is_not_waited_for() {
    namespace::with("circle", async |namespace| {
        let calls = Calls::default();
        let controller = Controller::start(namespace, "order", synchronizer(&calls), &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Step").await.unwrap();
        for (name, other) in [("x", "y"), ("y", "z"), ("z", "x"), ("outside", "x")] {
            objects.create("Step", name, after(name, other)).await.unwrap();
        }
        for name in ["x", "y", "z", "outside"] {
            objects.ready("Step", name).await.unwrap();
        }
        assert_eq!(calls.all().len(), 4, "{:?}", calls.all());
        objects.delete("Step", "y").await.unwrap();
        for name in ["x", "y", "z", "outside"] {
            objects.gone("Step", name).await.unwrap();
        }
        controller.stop().await.unwrap();
        let mut all = calls.all();
        all.sort();
        let each = |what: &str| ["outside", "x", "y", "z"].map(|name| format!("step {what} {name}"));
        assert_eq!(all, [each("delete"), each("sync")].concat());
    })
    .await
    .unwrap();
}
