//! Ready is true only when policies and step have handled the object as it is: not after the policies alone, not while
//! the backend fails, not after a touch that failed.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::{condition, is_ready};
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"readyisdone\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }
    message Thing (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone site->Site:things = 2:1001; optional string note = 3 [max_length = 32]; }";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, _, o| {
        let closed = what == "sync" && o.text("note") == Some("closed");
        Box::pin(async move { if closed { Err(StepError::failed("503 Service Unavailable")) } else { Ok(()) } })
    });
    Setup::new("readyisdone", MODELS, move |calls| {
        let site = Scripted::noting("site", "Site", calls);
        let step = Scripted::doing("step", "Thing", calls, Arc::clone(&script));
        Steps::new().sync_step(site).sync_step(step).policy(Scripted::noting("policy", "Thing", calls))
    })
}

fn reason(o: &Value) -> &Value {
    &condition(o, "Ready")["reason"]
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    // The policies are done, and the step has to wait for a site.
    stage.create("Thing", "a", json!({"name": "a", "site": {"name": "rome"}})).await;
    let policed = stage.until("Thing", "a", "policed", |o| condition(o, "PolicyApplied")["status"] == "True").await;
    assert!(!is_ready(&policed), "{policed:#}");
    assert!(["SyncPending", "WaitingForDependency"].map(Value::from).contains(reason(&policed)), "{policed:#}");
    assert_eq!(condition(&policed, "Reconciling")["status"], "True", "{policed:#}");
    stage.until("Thing", "a", "waiting", |o| reason(o) == "WaitingForDependency").await;
    stage.create("Site", "rome", json!({"name": "rome"})).await;
    let ready = stage.ready("Thing", "a").await;
    assert_eq!((reason(&ready), &condition(&ready, "Ready")["message"]), (&json!("SyncSucceeded"), &json!("OK")));
    assert!(condition(&ready, "Reconciling").is_null(), "{ready:#}");

    // The backend is closed: an edit, and then a touch of the same generation.
    stage.edit("Thing", "a", json!({"note": "closed"})).await;
    stage.until("Thing", "a", "failed", |o| reason(o) == "SyncFailed").await;
    stage.edit("Thing", "a", json!({"note": "open"})).await;
    stage.ready("Thing", "a").await;
    stage.edit("Thing", "a", json!({"note": "closed"})).await;
    let failed = stage.until("Thing", "a", "failed again", |o| reason(o) == "SyncFailed").await;
    let policed = stage.count("policy update a");
    stage.patch("Thing", "a", json!({"metadata": {"annotations": {"xos.opencord.org/touch": "1"}}})).await;
    stage.until_calls("policies again", |calls| {
        calls.iter().filter(|call| *call == "policy update a").count() > policed
    }).await;
    for _ in 0..3 {
        let now = stage.until("Thing", "a", "there", Value::is_object).await;
        assert_eq!(now["metadata"]["generation"], failed["metadata"]["generation"]);
        assert!(!is_ready(&now), "{now:#}");
    }
}
