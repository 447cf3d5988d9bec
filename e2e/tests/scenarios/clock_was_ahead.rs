//! A next attempt that a clock which was ahead has written is not waited for: no wait is longer than the longest delay.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"clockahead\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
const AHEAD: &str = "next=2099-01-01T00:00:00Z";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|_, ctx, _| {
        let is_first = ctx.failures() == 0;
        Box::pin(async move { if is_first { Err(StepError::failed("not yet")) } else { Ok(()) } })
    });
    let setup = Setup::new("clockahead", MODELS, move |calls| {
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script)))
    });
    // Nothing is tried again by itself while the scenario lasts.
    setup.config(json!({"backoff": {"initial": "10h", "max": "10h", "jitter": 0}}))
}

/// Sets the next attempt of a pass, in the line that is stored of it.
fn put_ahead(pass: &mut Value) {
    let line = pass.as_str().unwrap();
    let words: Vec<_> = line.split(' ').map(|word| if word.starts_with("next=") { AHEAD } else { word }).collect();
    assert!(words.contains(&AHEAD), "{line}");
    *pass = words.join(" ").into();
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    for (name, restarts) in [("running", false), ("restarted", true)] {
        stage.create("Thing", name, json!({"name": name})).await;
        let failed = |o: &Value| condition(o, "Ready")["reason"] == "SyncFailed";
        let mut status = stage.until("Thing", name, "failed", failed).await["status"].clone();
        put_ahead(&mut status["synchronizers"][0]["sync"]);
        stage.replace_status("Thing", name, status).await;
        if restarts {
            stage.restart().await;
        }
        stage.ready("Thing", name).await;
        // On deletion the step fails once, too.
        stage.delete("Thing", name).await;
        let mut object = stage.until("Thing", name, "failed to go", |o| !o["status"]["synchronizers"][0]["delete"].is_null()).await;
        put_ahead(&mut object["status"]["synchronizers"][0]["delete"]);
        stage.replace_status("Thing", name, object["status"].clone()).await;
        stage.gone("Thing", name).await;
    }
}
