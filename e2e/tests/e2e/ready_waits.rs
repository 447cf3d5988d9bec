//! `kubectl wait --for=condition=Ready` does not return before the backend has the object: with the tour of the README,
//! whose people have policies and a step, and a backend that answers 503. With `--all` it does return where there is
//! nothing to do for some of the objects.

use std::time::Duration;

use serde_json::json;
use xos_harness::example::{condition, is_ready};
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;

use crate::with_example;

#[tokio::test]
async fn kubectl_wait_does_not_return_while_the_backend_fails() {
    with_example("ready", async |example| {
        example.directory.fail(503, "closed for maintenance").await.unwrap();
        for name in ["ada", "grace", "alan"] {
            let manifest = json!({
                "apiVersion": "example.xos.opencord.org/v1", "kind": "MyModel", "metadata": {"name": name},
                "spec": {"firstName": name, "lastName": "Lovelace", "department": "engines"},
            });
            example.namespace.apply(&manifest.to_string()).await.unwrap();
            let object = format!("mymodel/{name}");
            let waited = example.namespace.kubectl(&["wait", "--for=condition=Ready", &object, "--timeout=3s"]).await;
            let waited = waited.unwrap_err().to_string();
            assert!(waited.contains("timed out"), "{waited}");
        }
        example.directory.recover().await.unwrap();
        for name in ["ada", "grace", "alan"] {
            let object = format!("mymodel/{name}");
            example.namespace.kubectl(&["wait", "--for=condition=Ready", &object, "--timeout=60s"]).await.unwrap();
        }
        assert_eq!(example.full_names().await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_touched_object_is_not_ready_while_its_step_runs() {
    const MODELS: &str = "option app_label = \"slowtouch\";
        message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
    namespace::with("slowtouch", async |namespace| {
        let calls = Calls::default();
        let script: Script = std::sync::Arc::new(|_, _, o| {
            let touched = o.intent.touch.is_some();
            Box::pin(async move {
                tokio::time::sleep(if touched { Duration::from_secs(3) } else { Duration::ZERO }).await;
                Ok(())
            })
        });
        let synchronizer = Synchronizer::new("slowtouch")
            .models(&[("slowtouch.xproto", MODELS)])
            .sync_step(Scripted::doing("step", "Thing", &calls, script))
            .policy(Scripted::noting("policy", "Thing", &calls));
        let controller = Controller::start(namespace, "slowtouch", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        objects.create("Thing", "a", json!({"name": "a"})).await.unwrap();
        objects.ready("Thing", "a").await.unwrap();
        let touch = json!({"metadata": {"annotations": {"xos.opencord.org/touch": "1"}}});
        objects.patch("Thing", "a", touch).await.unwrap();
        let runs = |o: &serde_json::Value| condition(o, "Ready")["reason"] == "SyncPending";
        let running = objects.until("Thing", "a", "told to be synchronized", runs).await.unwrap();
        assert!(!is_ready(&running) && condition(&running, "Reconciling")["status"] == "True", "{running:#}");
        objects.ready("Thing", "a").await.unwrap();
        assert_eq!(calls.all(), ["policy create a", "step sync a", "policy update a", "step sync a"]);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn kubectl_wait_for_all_ends_where_there_is_nothing_to_do() {
    const MODELS: &str = "option app_label = \"waitall\";
        message Site (XOSBase) { required string name = 1 [max_length = 32]; }
        message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
    namespace::with("waitall", async |namespace| {
        let calls = Calls::default();
        let synchronizer = Synchronizer::new("waitall")
            .models(&[("waitall.xproto", MODELS)])
            .sync_step(Scripted::noting("step", "Thing", &calls));
        let controller = Controller::start(namespace, "waitall", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        for model in ["Site", "Thing"] {
            objects.served(model).await.unwrap();
        }
        // Nobody has a step for sites; the pulled one is in the backend already; the other one is paused later.
        objects.create("Site", "rome", json!({"name": "rome"})).await.unwrap();
        objects.create("Thing", "pulled", json!({"name": "pulled", "noSync": true})).await.unwrap();
        objects.create("Thing", "paused", json!({"name": "paused"})).await.unwrap();
        let kinds = "sites.waitall.xos.opencord.org,things.waitall.xos.opencord.org";
        let wait = async |timeout: &str| {
            namespace.kubectl(&["wait", "--for=condition=Ready", kinds, "--all", &format!("--timeout={timeout}")]).await
        };
        let met = wait("60s").await.unwrap();
        assert_eq!(met.lines().count(), 3, "{met}");
        objects.edit("Thing", "paused", json!({"noSync": true})).await.unwrap();
        let reason = |o: &serde_json::Value| condition(o, "Ready")["reason"].clone();
        let off = objects.until("Thing", "paused", "paused", |o| reason(o) == "NoSync" && is_ready(o)).await.unwrap();
        assert_eq!(condition(&off, "Synced")["reason"], "Held", "{off:#}");
        wait("60s").await.unwrap();
        // Now there is something to do for it.
        objects.edit("Thing", "paused", json!({"name": "renamed"})).await.unwrap();
        objects.until("Thing", "paused", "held back", |o| reason(o) == "Held" && !is_ready(o)).await.unwrap();
        let waited = wait("2s").await.unwrap_err().to_string();
        assert!(waited.contains("timed out") && waited.contains("paused"), "{waited}");
        // Kubernetes' tools look at the generation, also of objects that nobody handles.
        objects.edit("Site", "rome", json!({"name": "Rome"})).await.unwrap();
        objects.ready("Site", "rome").await.unwrap();
        objects.edit("Thing", "paused", json!({"noSync": null})).await.unwrap();
        wait("60s").await.unwrap();
        assert_eq!(calls.all(), ["step sync paused", "step sync paused"]);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
