//! A backend that was restored to an older state is put right within one period, without a write; where that fails the
//! object is not Ready, and an operator may ask for it at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"resync\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What the backend has, and whether it answers.
#[derive(Default)]
struct Backend {
    has: BTreeSet<String>,
    is_away: bool,
}

/// The backend of the scenario that plays in this thread.
fn backend() -> Arc<Mutex<Backend>> {
    thread_local! { static BACKEND: Arc<Mutex<Backend>> = Arc::default(); }
    BACKEND.with(Arc::clone)
}

pub(crate) fn setup() -> Setup {
    let backend = backend();
    let script: Script = Arc::new(move |what, _, o| {
        let mut backend = backend.lock().unwrap();
        let outcome = match what {
            _ if backend.is_away => Err(StepError::failed("no answer")),
            "delete" => {
                backend.has.remove(&o.meta.name);
                Ok(())
            },
            _ => {
                backend.has.insert(o.meta.name.clone());
                Ok(())
            },
        };
        Box::pin(async move { outcome })
    });
    let setup = Setup::new("resync", MODELS, move |calls| {
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script)))
    });
    setup.config(json!({"resync": "2s"}))
}

async fn versions(stage: &Stage<'_>) -> Vec<Value> {
    let mut versions = vec![];
    for name in NAMES {
        versions.push(stage.get("Thing", name).await["metadata"]["resourceVersion"].clone());
    }
    versions
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    for name in NAMES {
        stage.create("Thing", name, json!({"name": name})).await;
        stage.ready("Thing", name).await;
    }
    let backend = backend();
    let before = versions(stage).await;
    for restarts in [false, true] {
        if restarts {
            stage.restart().await;
        }
        backend.lock().unwrap().has.clear();
        stage.until_calls("all are back", |_| backend.lock().unwrap().has.len() == NAMES.len()).await;
    }
    assert_eq!(versions(stage).await, before, "nothing is written at rest");

    // One that has turned it off is left alone; one that asks for a run gets it at once.
    stage.patch("Thing", "a", json!({"metadata": {"annotations": {"xos.opencord.org/resync": "off"}}})).await;
    stage.patch("Thing", "b", json!({"metadata": {"annotations": {"xos.opencord.org/resync": "1h"}}})).await;
    stage.pass(Duration::from_secs(3)).await;
    backend.lock().unwrap().has.clear();
    stage.until_calls("c is back", |_| backend.lock().unwrap().has.contains("c")).await;
    stage.pass(Duration::from_secs(5)).await;
    assert_eq!(backend.lock().unwrap().has, ["c".to_owned()].into());
    for name in ["a", "b"] {
        stage.patch("Thing", name, json!({"metadata": {"annotations": {"xos.opencord.org/touch": "restored"}}})).await;
    }
    stage.until_calls("all are back", |_| backend.lock().unwrap().has.len() == NAMES.len()).await;

    // What fails is not Ready until it is put right.
    *backend.lock().unwrap() = Backend { has: BTreeSet::new(), is_away: true };
    let unready = |o: &Value| condition(o, "Ready")["status"] == "False" && condition(o, "Ready")["message"] == "no answer";
    stage.until("Thing", "c", "not Ready", unready).await;
    backend.lock().unwrap().is_away = false;
    stage.ready("Thing", "c").await;
    assert!(backend.lock().unwrap().has.contains("c"));
}
