//! A handled object whose finalizers somebody has taken away (`kubectl replace` of a manifest does) gets them back, at
//! once and at a start, so that its deletion is undone in the backend.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::inprocess::{Script, Scripted};
use xos_steps::{StepError, Steps};

use crate::stage::{Setup, Stage};

const MODELS: &str = "option app_label = \"takenaway\";
    message Peer (XOSBase) { required string name = 1 [max_length = 32]; }
    message Thing (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone peer->Peer:things = 2:1001; }";

const SYNC: &str = "sync.xos.opencord.org/takenaway";
const POLICY: &str = "policy.xos.opencord.org/takenaway";
const LINKS: &str = "links.xos.opencord.org/takenaway";

pub(crate) fn setup() -> Setup {
    let script: Script = Arc::new(|what, _, o| {
        let outcome = match (what, o.text("name")) {
            ("sync", Some("fails")) => Err(StepError::failed("the backend says no")),
            ("sync", Some("defers")) => Err(StepError::deferred("not yet")),
            _ => Ok(()),
        };
        Box::pin(async move { outcome })
    });
    let setup = Setup::new("takenaway", MODELS, move |calls| {
        let policy = Scripted::noting("policy", "Thing", calls).handling_delete();
        Steps::new().sync_step(Scripted::doing("step", "Thing", calls, Arc::clone(&script))).policy(policy)
    });
    setup.config(json!({"deferred_every": "1h", "backoff": {"initial": "1h", "max": "1h", "jitter": 0}}))
}

fn has(o: &Value, finalizers: &[&str]) -> bool {
    let there = o["metadata"]["finalizers"].as_array().map(Vec::as_slice).unwrap_or_default();
    finalizers.iter().all(|one| there.contains(&json!(one)))
}

pub(crate) async fn story(stage: &mut Stage<'_>) {
    let bare = json!({"metadata": {"finalizers": null}});
    let things = ["works", "fails", "defers", "held"];
    stage.create("Peer", "p", json!({"name": "p"})).await;
    for name in things {
        stage.create("Thing", name, json!({"name": name, "peer": {"name": "p"}})).await;
    }
    let tried = |calls: &[String]| things.iter().all(|name| calls.contains(&format!("step sync {name}")));
    stage.until_calls("all tried", tried).await;
    for name in things {
        stage.until("Thing", name, "recorded", |o| !o["status"]["backendStatus"].is_null()).await;
    }
    stage.edit("Thing", "held", json!({"noSync": true})).await;
    stage.until("Peer", "p", "held", |o| has(o, &[LINKS])).await;

    for name in things {
        stage.patch("Thing", name, bare.clone()).await;
    }
    stage.patch("Peer", "p", bare.clone()).await;
    for name in things {
        stage.until("Thing", name, "held again", |o| has(o, &[SYNC, POLICY])).await;
    }
    stage.until("Peer", "p", "held again", |o| has(o, &[LINKS])).await;

    stage.kill().await;
    for name in things {
        stage.patch("Thing", name, bare.clone()).await;
    }
    stage.patch("Peer", "p", bare).await;
    stage.start();
    for name in things {
        stage.until("Thing", name, "held after a start", |o| has(o, &[SYNC, POLICY])).await;
    }
    stage.until("Peer", "p", "held after a start", |o| has(o, &[LINKS])).await;

    stage.delete("Peer", "p").await;
    for name in things {
        stage.gone("Thing", name).await;
        assert_eq!(stage.count(&format!("step delete {name}")), 1, "{name}");
        assert_eq!(stage.count(&format!("policy delete {name}")), 1, "{name}");
    }
    stage.gone("Peer", "p").await;
}
