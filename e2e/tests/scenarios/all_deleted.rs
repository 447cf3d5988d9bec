//! Objects that are all deleted by themselves, as when their namespace is deleted, wait for no confirmation.

use serde_json::json;
use xos_harness::inprocess::Scripted;
use xos_steps::Steps;

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"alldeleted\";
    message Switch (XOSBase) { required string name = 1 [max_length = 32]; }
    message Line (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone on_switch->Switch:lines = 2:1001; }";
const LINES: usize = 8;

pub(crate) fn setup() -> Setup {
    let setup = Setup::new("alldeleted", MODELS, move |calls| {
        let step = |model| Scripted::noting(model, model, calls);
        Steps::new().sync_step(step("Switch")).sync_step(step("Line"))
    });
    setup.config(json!({"brakes": {"cascade": 5}}))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Switch", "s", json!({"name": "s"})).await;
    for n in 0..LINES {
        stage.create("Line", &format!("l{n}"), json!({"name": format!("l{n}"), "onSwitch": {"name": "s"}})).await;
    }
    for n in 0..LINES {
        stage.ready("Line", &format!("l{n}")).await;
    }
    stage.delete("Switch", "s").await;
    for n in 0..LINES {
        stage.delete("Line", &format!("l{n}")).await;
    }
    stage.gone("Switch", "s").await;
    assert_eq!(stage.calls().all().last().map(String::as_str), Some("Switch delete s"));
}
