//! Kubernetes Events of objects: each cause has its own, and no name is too long for one.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::{eventually, example::SOON, namespace};
use xos_runtime::Synchronizer;
use xos_steps::StepError;

const MODELS: &str = "option app_label = \"objectevents\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn each_cause_is_told_also_of_objects_with_long_names() {
    namespace::with("objectevents", async |namespace| {
        let calls = Calls::default();
        let script: Script = Arc::new(|_, _, o| {
            let cause = format!("cause {}", o.text("name").unwrap_or_default());
            Box::pin(async move { Err(StepError::failed(cause)) })
        });
        let synchronizer = Synchronizer::new("objectevents")
            .models(&[("objectevents.xproto", MODELS)])
            .sync_step(Scripted::doing("step", "Thing", &calls, script));
        let controller = Controller::start(namespace, "objectevents", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        // 253 letters, the longest; and one whose name would be cut after a dash.
        let names = ["a".repeat(253), format!("{}-b", "b-".repeat(120))];
        let told = async |what: &str| {
            eventually(SOON, what, async || {
                let text = namespace.kubectl(&["get", "events", "-o", "json"]).await.map_err(|e| e.to_string())?;
                let all: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
                let all = all["items"].as_array().cloned().unwrap_or_default();
                let has = |name: &String| {
                    let is = |one: &Value| one["involvedObject"]["name"] == **name && one["message"] == what;
                    all.iter().any(is)
                };
                if names.iter().all(has) { Ok(()) } else { Err(format!("{all:#?}")) }
            })
            .await
            .unwrap();
        };
        for name in &names {
            objects.create("Thing", name, json!({"name": "one"})).await.unwrap();
        }
        told("cause one").await;
        for name in &names {
            objects.edit("Thing", name, json!({"name": "two"})).await.unwrap();
        }
        told("cause two").await;
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
