//! A peer is deleted with `--cascade=orphan`: those that lead to it stay, say what they miss, and are handled again once it
//! is back. That is not forgotten when the controller is started again.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"orphaned\";
    message Rack (XOSBase) { required string name = 1 [max_length = 32]; }
    message Unit (XOSBase) { required string name = 1 [max_length = 32]; required manytoone rack->Rack:units = 2:1001; }";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, _, o| {
        let fails = what == "delete" && o.text("name") == Some("bad");
        Box::pin(async move { if fails { Err(StepError::failed("in use")) } else { Ok(()) } })
    });
    Setup::new("orphaned", MODELS, move |calls| {
        let step = |name, model| Scripted::doing(name, model, calls, Arc::clone(&script));
        Steps::new().sync_step(step("rack", "Rack")).sync_step(step("unit", "Unit"))
    })
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    stage.create("Rack", "r", json!({"name": "bad"})).await;
    stage.create("Unit", "u", json!({"name": "u", "rack": {"name": "r"}})).await;
    stage.ready("Unit", "u").await;
    stage.delete_orphaning("Rack", "r").await;
    let is_orphaned = |o: &Value| {
        let finalizers: Vec<_> = o["metadata"]["finalizers"].as_array().into_iter().flatten().collect();
        !finalizers.contains(&&json!("orphan")) && condition(o, "Ready")["message"] == "in use"
    };
    stage.until("Rack", "r", "left by the garbage collector, and failing", is_orphaned).await;
    stage.restart().await;
    let calls = |stage: &Stage<'_>| stage.count("rack delete r");
    let before = calls(stage);
    stage.until_calls("tried again", |all| all.iter().filter(|call| *call == "rack delete r").count() > before).await;
    stage.edit("Rack", "r", json!({"name": "good"})).await;
    stage.gone("Rack", "r").await;
    let misses = |o: &Value| condition(o, "Ready")["message"] == "waits for Rack r, which does not exist";
    let unit = stage.until("Unit", "u", "told of what it misses", misses).await;
    assert_eq!(condition(&unit, "Ready")["status"], "False");
    assert!(unit["metadata"]["deletionTimestamp"].is_null());
    assert_eq!((stage.count("unit sync u"), stage.count("unit delete u")), (1, 0));

    stage.create("Rack", "r", json!({"name": "new"})).await;
    stage.ready("Unit", "u").await;
    assert_eq!(stage.count("unit sync u"), 2, "it is handled again");
    // Without the option it goes along.
    stage.delete("Rack", "r").await;
    stage.gone("Rack", "r").await;
    stage.gone("Unit", "u").await;
}
