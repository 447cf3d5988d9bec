//! A step that sleeps for ten minutes and a hundred objects that always fail do not delay other objects.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;
use xos_steps::StepError;

const SLOW: usize = 40;
const BAD: usize = 100;
const MODELS: &str = "option app_label = \"fairness\";
    message Slow (XOSBase) { required string name = 1 [max_length = 32]; }
    message Bad (XOSBase) { required string name = 1 [max_length = 32]; }
    message Good (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn slow_and_failing_objects_delay_nobody_else() {
    namespace::with("fairness", async |namespace| {
        let calls = Calls::default();
        let sleep = Scripted::doing(
            "slow",
            "Slow",
            &calls,
            Arc::new(|_, _, _| {
                Box::pin(async {
                    tokio::time::sleep(Duration::from_secs(600)).await;
                    Ok(())
                })
            }),
        );
        let fail = Scripted::doing(
            "bad",
            "Bad",
            &calls,
            Arc::new(|_, _, o| {
                let is_bad = o.text("name") != Some("good");
                Box::pin(async move { if is_bad { Err(StepError::failed("no")) } else { Ok(()) } })
            }),
        );
        let synchronizer = Synchronizer::new("fairness")
            .models(&[("fairness.xproto", MODELS)])
            .sync_step(sleep)
            .sync_step(fail)
            .sync_step(Scripted::noting("good", "Good", &calls));
        let more = json!({"concurrency": 4, "slow_after": "200ms", "shutdown_grace": "0s"});
        let controller = Controller::start(namespace, "fairness", synchronizer, &more).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        for model in ["Slow", "Bad", "Good"] {
            objects.served(model).await.unwrap();
        }
        for at in 0..SLOW {
            objects.create("Slow", &format!("s{at}"), json!({"name": "s"})).await.unwrap();
        }
        for at in 0..BAD {
            objects.create("Bad", &format!("b{at}"), json!({"name": "b"})).await.unwrap();
        }
        let failed = |object: &Value| condition(object, "Ready")["reason"] == "SyncFailed";
        objects.until("Bad", "b99", "failed", failed).await.unwrap();
        objects.create("Good", "g", json!({"name": "g"})).await.unwrap();
        objects.ready("Good", "g").await.unwrap();
        objects.edit("Bad", "b50", json!({"name": "good"})).await.unwrap();
        objects.ready("Bad", "b50").await.unwrap();
        let begun = || calls.all().iter().filter(|call| call.starts_with("slow sync")).count();
        assert_eq!(begun(), SLOW, "each once, all at once, and none has ended");
        controller.stop().await.unwrap();
        assert_eq!(begun(), SLOW, "none was begun again");
    })
    .await
    .unwrap();
}
