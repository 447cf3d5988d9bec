//! An error of 900 kB makes an object that is as small as any other, and says what it can.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_model::message::LONGEST;
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"longerrors\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|_, _, _| {
        let long = format!("no route: {}", "ä".repeat(450_000));
        Box::pin(async move { Err(StepError::failed(long)) })
    });
    Setup::new("longerrors", MODELS, move |calls| {
        let step = Scripted::doing("step", "Thing", calls, Arc::clone(&script));
        Steps::new().sync_step(step).policy(Scripted::doing("policy", "Thing", calls, Arc::clone(&script)))
    })
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Thing", "a", json!({"name": "a"})).await;
    let both = |o: &Value| ["PolicyApplied", "Synced"].iter().all(|kind| condition(o, kind)["status"] == "False");
    let failed = stage.until("Thing", "a", "failed", both).await;
    for kind in ["PolicyApplied", "Synced", "Ready"] {
        let message = condition(&failed, kind)["message"].as_str().unwrap();
        assert!(message.starts_with("no route: ää") && message.ends_with("ä…"), "{message}");
        assert_eq!(message.chars().count(), LONGEST, "{kind}");
    }
    let status = failed["status"].to_string();
    assert!(status.len() < 20 * LONGEST, "{} bytes: {status}", status.len());
    // The status is written, so both are tried again with growing delay and not all the time.
    stage.until_calls("again", |calls| calls.iter().filter(|call| *call == "step sync a").count() >= 3).await;
}
