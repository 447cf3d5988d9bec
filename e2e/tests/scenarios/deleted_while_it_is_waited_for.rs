//! A failed parent is deleted while others wait for it: those that go with it are never tried, and a link to many holds
//! nobody up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"deletedwaiting\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }
    message Slice (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone site->Site:slices = 2:1001; optional manytomany uses->Site:users = 3:1002; }
    message Port (XOSBase) { required string name = 1 [max_length = 32]; required manytoone slice->Slice:ports = 2:1001; }";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, _, o| {
        let fails = match (what, o.text("name")) {
            ("sync", Some("bad")) => Some("no route"),
            ("delete", Some("bad")) => Some("in use"),
            _ => None,
        };
        Box::pin(async move { fails.map_or(Ok(()), |why| Err(StepError::failed(why))) })
    });
    Setup::new("deletedwaiting", MODELS, move |calls| {
        let step = |name, model| Scripted::doing(name, model, calls, Arc::clone(&script));
        let steps = Steps::new().sync_step(step("site", "Site")).sync_step(step("slice", "Slice"));
        steps.sync_step(step("port", "Port")).policy(Scripted::noting("policy", "Port", calls))
    })
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Site", "s", json!({"name": "bad"})).await;
    stage.create("Site", "other", json!({"name": "bad"})).await;
    stage.create("Slice", "a", json!({"name": "a", "site": {"name": "s"}})).await;
    stage.create("Port", "p", json!({"name": "p", "slice": {"name": "a"}})).await;
    let many = json!([{"name": "s"}, {"name": "later"}]);
    stage.create("Slice", "b", json!({"name": "b", "site": {"name": "other"}, "uses": many})).await;
    let told = "waits for Site other, which failed: no route; Site s, which failed: no route; and Site later, which does \
        not exist";
    let says = |told: &'static str| move |o: &Value| condition(o, "Ready")["message"] == told;
    stage.until("Slice", "b", "told of all it waits for", says(told)).await;
    stage.until("Slice", "a", "waiting", says("waits for Site s, which failed: no route")).await;

    stage.delete("Site", "s").await;
    stage.gone("Port", "p").await;
    stage.gone("Slice", "a").await;
    // Created while the deletion fails.
    stage.create("Slice", "late", json!({"name": "late", "site": {"name": "s"}})).await;
    stage.gone("Slice", "late").await;
    let told = "waits for Site other, which failed: no route; and Site later, which does not exist";
    stage.until("Slice", "b", "no longer waiting for what is being deleted", says(told)).await;
    stage.edit("Site", "s", json!({"name": "good"})).await;
    stage.gone("Site", "s").await;
    stage.pass(Duration::from_secs(1)).await;
    let calls = stage.calls().all();
    let tried: Vec<_> = calls.iter().filter(|call| ["slice", "port"].iter().any(|step| call.starts_with(step))).collect();
    assert!(tried.is_empty(), "{tried:?}");
}
