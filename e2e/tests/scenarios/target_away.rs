//! While the target of a step is away its objects wait, each told once, and one at a time tries; other steps notice
//! nothing. When it is back all are taken up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_model::Object;
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

/// The target is away while there is an `Outage`.
const MODELS: &str = "option app_label = \"targetaway\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }
    message Other (XOSBase) { required string name = 1 [max_length = 32]; }
    message Outage (XOSBase) { required string name = 1 [max_length = 32]; }";

const THINGS: usize = 12;

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|_, ctx, _| {
        let outage = ctx.models_of("Outage").named("now").map(|found: Option<Object>| found.is_some());
        Box::pin(async move { if outage? { Err(StepError::unavailable("no route")) } else { Ok(()) } })
    });
    let steps = move |calls: &_| {
        let thing = Scripted::doing("step", "Thing", calls, Arc::clone(&script));
        Steps::new().sync_step(thing).sync_step(Scripted::noting("other", "Other", calls))
    };
    let probes = json!({"initial": "200ms", "max": "1s", "jitter": 0});
    Setup::new("targetaway", MODELS, steps).config(json!({ "probe_backoff": probes }))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    let names: Vec<String> = (0..THINGS).map(|n| format!("t{n}")).collect();
    stage.create("Thing", "first", json!({"name": "x"})).await;
    stage.ready("Thing", "first").await;
    stage.create("Outage", "now", json!({"name": "x"})).await;
    stage.pass(Duration::from_millis(500)).await;
    for name in &names {
        stage.create("Thing", name, json!({"name": "x"})).await;
    }
    stage.delete("Thing", "first").await;
    let is_told = |o: &Value| {
        let ready = condition(o, "Ready");
        ready["reason"] == "TargetUnavailable" && ready["message"].as_str().unwrap().contains("no route")
    };
    let mut told = vec![];
    for name in &names {
        told.push(stage.until("Thing", name, "told that the target is away", is_told).await);
    }
    stage.create("Other", "o", json!({"name": "x"})).await;
    stage.ready("Other", "o").await;

    let before = stage.calls().all().len();
    stage.pass(Duration::from_secs(3)).await;
    let probes = stage.calls().all().len() - before;
    assert!(probes <= 5, "{probes} in 3 s, one at a time");
    for (name, then) in names.iter().zip(&told) {
        let now = stage.get("Thing", name).await;
        // Finalizers may come with the first attempt.
        assert_eq!(now["status"], then["status"], "{name}: written once");
    }

    stage.delete("Outage", "now").await;
    for name in &names {
        let one = stage.ready("Thing", name).await;
        assert!(one["status"]["history"].as_array().unwrap().iter().all(|line| !line.as_str().unwrap().contains(" Failed ")));
    }
    stage.gone("Thing", "first").await;
}
