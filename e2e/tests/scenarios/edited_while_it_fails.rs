//! An object whose step fails is tried again with growing delay, and at once after an edit.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"editedfails\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, _, o| {
        let fails = what == "sync" && o.text("name") == Some("bad");
        Box::pin(async move { if fails { Err(StepError::failed("the backend says no")) } else { Ok(()) } })
    });
    Setup::new("editedfails", MODELS, move |calls| {
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script)))
    })
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Thing", "a", json!({"name": "bad"})).await;
    let failed = |o: &Value| condition(o, "Ready")["message"] == "the backend says no";
    stage.until("Thing", "a", "failed", failed).await;
    stage.until_calls("tried three times", |calls| calls.len() >= 3).await;
    stage.edit("Thing", "a", json!({"name": "good"})).await;
    stage.ready("Thing", "a").await;
    stage.restart().await;
    let before = stage.calls().all().len();
    stage.edit("Thing", "a", json!({"name": "better"})).await;
    stage.until_calls("once more", |calls| calls.len() > before).await;
    stage.ready("Thing", "a").await;
    stage.delete("Thing", "a").await;
    stage.gone("Thing", "a").await;
    assert_eq!(stage.calls().all().last().map(String::as_str), Some("step delete a"));
}
