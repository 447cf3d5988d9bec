//! What a step or policy has changed is kept, whatever it returns, so that progress shows. After a panic nothing is.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_model::Object;
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"progress\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional string wish = 2 [max_length = 32];
        optional string progress = 3 [max_length = 32, feedback_state = True];
        optional string plan = 4 [max_length = 32, feedback_state = True]; }";

fn outcome(o: &Object) -> Result<(), StepError> {
    match o.text("name") {
        Some("defers") => Err(StepError::deferred("starting")),
        Some("fails") => Err(StepError::failed("starting")),
        Some("soothes") => Err(StepError::innocuous("starting")),
        Some("panics") => panic!("starting"),
        _ => Ok(()),
    }
}

pub(crate) fn setup() -> Setup {
    let step: Script = Arc::new(|what, _, o| {
        Box::pin(async move {
            if what == "delete" {
                return Ok(());
            }
            o.set("progress", json!("40 %"));
            o.set("wish", json!("granted"));
            outcome(o)
        })
    });
    let policy: Script = Arc::new(|_, _, o| {
        Box::pin(async move {
            o.set("plan", json!("made"));
            outcome(o)
        })
    });
    let setup = Setup::new("progress", MODELS, move |calls| {
        let policy = Scripted::doing("policy", "Thing", calls, Arc::clone(&policy));
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&step))).policy(policy)
    });
    setup.config(json!({"deferred_every": "1s", "backoff": {"initial": "1h", "max": "1h", "jitter": 0}}))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    let shows = |o: &Value| {
        o["status"]["progress"] == "40 %"
            && o["status"]["plan"] == "made"
            && o["spec"]["wish"] == "granted"
            && condition(o, "Synced")["message"] == "starting"
            && condition(o, "PolicyApplied")["message"] == "starting"
    };
    for name in ["defers", "fails", "soothes", "panics"] {
        stage.create("Thing", name, json!({"name": name})).await;
    }
    for name in ["defers", "fails", "soothes"] {
        stage.until("Thing", name, "shown as started", shows).await;
    }
    let panicked = |o: &Value| condition(o, "Synced")["message"] == "the step panicked: starting";
    let panicked = stage.until("Thing", "panics", "shown as panicked", panicked).await;
    assert_eq!((&panicked["status"]["progress"], &panicked["spec"]["wish"]), (&Value::Null, &Value::Null));

    // The same values again are not written.
    let runs = stage.count("step sync defers");
    let before = stage.get("Thing", "defers").await;
    let again = |calls: &[String]| calls.iter().filter(|call| *call == "step sync defers").count() >= runs + 2;
    stage.until_calls("deferred again", again).await;
    stage.pass(Duration::from_millis(100)).await;
    assert_eq!(stage.get("Thing", "defers").await["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
}
