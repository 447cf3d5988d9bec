//! A pull step that finds nothing new writes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::{SOON, is_ready};
use xos_harness::inprocess::{Controller, Objects};
use xos_harness::{eventually, namespace};
use xos_model::{NaturalKey, Object};
use xos_runtime::Synchronizer;
use xos_steps::{PullStep, StepContext, StepError};

const MODELS: &str = "option app_label = \"pulled\";
    message Device (XOSBase) { required string serial = 1 [max_length = 32, tosca_key = True];
        optional string state = 2 [max_length = 32]; }";
const COUNT: usize = 300;

/// A pull step that lists devices, and counts its runs.
struct PullDevices(Arc<AtomicUsize>);

impl PullStep for PullDevices {
    type Model = Object;
    fn observes(&self) -> &str {
        "Device"
    }
    fn period(&self) -> Duration {
        Duration::from_millis(200)
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let serials: Vec<String> = (0..COUNT).map(|n| format!("s{n}")).collect();
        let new = |_: &String| Object::named("Device", "", "");
        let listing = ctx.listing_of("Device", NaturalKey);
        listing
            .reconcile(&serials, new, |serial, o| {
                o.set("serial", json!(serial));
                o.set("state", json!("up"));
            })
            .await?;
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn an_unchanged_listing_writes_nothing() {
    namespace::with("unchanged", async |namespace| {
        let runs = Arc::new(AtomicUsize::new(0));
        let synchronizer =
            Synchronizer::new("pulled").models(&[("pulled.xproto", MODELS)]).pull_step(PullDevices(Arc::clone(&runs)));
        let controller = Controller::start(namespace, "pulled", synchronizer, &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Device").await.unwrap();
        let more_runs = async |more: usize| {
            let now = runs.load(Ordering::SeqCst);
            let look = async || if runs.load(Ordering::SeqCst) >= now + more { Ok(()) } else { Err("fewer") };
            eventually(SOON, format!("{more} more runs"), look).await.unwrap();
        };
        more_runs(1).await;
        // Each is told once that nothing is to be done for it.
        let all_ready = async || {
            let all = objects.all("Device").await.map_err(|error| error.to_string())?;
            let ready = all.iter().filter(|one| is_ready(one)).count();
            if ready == COUNT { Ok(()) } else { Err(format!("{ready} are")) }
        };
        eventually(SOON, "all to be Ready", all_ready).await.unwrap();
        let versions = async || -> Vec<Value> {
            objects.all("Device").await.unwrap().iter().map(|one| one["metadata"]["resourceVersion"].clone()).collect()
        };
        let before = versions().await;
        assert_eq!(before.len(), COUNT);
        more_runs(3).await;
        assert_eq!(versions().await, before);

        // A field that the backend sets is set again after an edit.
        objects.edit("Device", "s7", json!({"state": "down"})).await.unwrap();
        objects.until("Device", "s7", "up again", |o| o["spec"]["state"] == "up").await.unwrap();
        controller.stop().await.unwrap();
        let state = |one: &Value| one["spec"]["state"] == "up";
        assert!(objects.all("Device").await.unwrap().iter().all(state), "and so it stays");
    })
    .await
    .unwrap();
}
