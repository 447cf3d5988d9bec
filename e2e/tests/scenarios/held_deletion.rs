//! A deletion that would take many along is held until it is confirmed, and what it would take along goes on.

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::Scripted;
use xos_steps::Steps;

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"helddeletion\";
    message Switch (XOSBase) { required string name = 1 [max_length = 32]; }
    message Line (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone on_switch->Switch:lines = 2:1001; }";
const LINES: usize = 7;

pub(crate) fn setup() -> Setup {
    let setup = Setup::new("helddeletion", MODELS, move |calls| {
        let step = |model| Scripted::noting(model, model, calls);
        Steps::new().sync_step(step("Switch")).sync_step(step("Line"))
    });
    setup.config(json!({"brakes": {"cascade": 5}}))
}

fn is_held(object: &Value) -> bool {
    condition(object, "Ready")["reason"] == "DeletionHeld"
}

fn confirmation(text: &str) -> Value {
    json!({"metadata": {"annotations": {"xos.opencord.org/confirm-deletion": text}}})
}

async fn create(stage: &mut Stage<'_>, switch: &str, lines: usize) {
    stage.create("Switch", switch, json!({"name": switch})).await;
    for n in 0..lines {
        let line = format!("{switch}-{n}");
        stage.create("Line", &line, json!({"name": line, "onSwitch": {"name": switch}})).await;
    }
    for n in 0..lines {
        stage.ready("Line", &format!("{switch}-{n}")).await;
    }
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    create(stage, "few", 5).await;
    stage.delete("Switch", "few").await;
    stage.gone("Switch", "few").await;

    create(stage, "many", LINES).await;
    stage.delete("Switch", "many").await;
    let held = stage.until("Switch", "many", "held", is_held).await;
    let message = condition(&held, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("takes 7 other objects along (7 Line), more than 5"), "{message}");
    assert!(message.ends_with(" many xos.opencord.org/confirm-deletion=7"), "{message}");

    // Those that it would take along go on as before.
    let before = stage.count("Line sync many-3");
    stage.edit("Line", "many-3", json!({"name": "renamed"})).await;
    stage.until_calls("one more", |calls| calls.iter().filter(|call| *call == "Line sync many-3").count() > before).await;
    stage.ready("Line", "many-3").await;

    stage.patch("Switch", "many", confirmation("6")).await;
    let fewer = |o: &Value| condition(o, "Ready")["message"].as_str().unwrap_or_default().contains("says 6");
    stage.until("Switch", "many", "still held", fewer).await;
    stage.restart().await;
    stage.edit("Line", "many-4", json!({"name": "again"})).await;
    stage.ready("Line", "many-4").await;
    for n in 0..LINES {
        let line = stage.get("Line", &format!("many-{n}")).await;
        assert!(!line.is_null() && line["metadata"]["deletionTimestamp"].is_null(), "{line:#}");
    }

    stage.patch("Switch", "many", confirmation("7")).await;
    stage.gone("Switch", "many").await;
    for n in 0..LINES {
        stage.gone("Line", &format!("many-{n}")).await;
    }
    assert_eq!(stage.calls().all().last().map(String::as_str), Some("Switch delete many"));
}
