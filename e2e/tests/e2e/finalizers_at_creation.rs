//! Finalizers are set in the request that creates an object, or by one write of the controller.

use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use xos_harness::example::SOON;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

fn models(label: &str) -> String {
    format!("option app_label = \"{label}\"; message Thing (XOSBase) {{ required string name = 1 [max_length = 32]; }}")
}

fn managers(object: &Value) -> Vec<&str> {
    let entries = object["metadata"]["managedFields"].as_array();
    entries.into_iter().flatten().filter_map(|entry| entry["manager"].as_str()).collect()
}

fn synchronizer(label: &'static str, calls: &Calls) -> Synchronizer {
    Synchronizer::new(label)
        .models(&[("creation.xproto", &models(label))])
        .sync_step(Scripted::noting("step", "Thing", calls))
        .policy(Scripted::noting("policy", "Thing", calls).handling_delete())
}

/// The policy is in force a moment after it was made.
async fn in_force(objects: &Objects) {
    let api = objects.api("Thing").unwrap();
    let trial: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "creation.xos.opencord.org/v1", "kind": "Thing",
        "metadata": {"name": "trial"}, "spec": {"name": "trial"},
    }))
    .unwrap();
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    eventually(SOON, "finalizers at creation", async || match api.create(&parameters, &trial).await {
        Ok(created) if created.metadata.finalizers.is_some() => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn an_admission_policy_sets_them_in_the_create_request() {
    namespace::with("creation", async |namespace| {
        let calls = Calls::default();
        let controller =
            Controller::start(namespace, "creation", synchronizer("creation", &calls), &Value::Null).unwrap();
        let objects = Objects::new(namespace, &models("creation")).unwrap();
        objects.served("Thing").await.unwrap();
        in_force(&objects).await;

        let manifest = json!({"apiVersion": "creation.xos.opencord.org/v1", "kind": "Thing",
            "metadata": {"name": "x"}, "spec": {"name": "x"}});
        namespace.apply(&manifest.to_string()).await.unwrap();
        let thing = objects.ready("Thing", "x").await.unwrap();
        let both = json!(["sync.xos.opencord.org/creation", "policy.xos.opencord.org/creation"]);
        assert_eq!(thing["metadata"]["finalizers"], both);
        assert!(!managers(&thing).contains(&"xos/creation/finalizers"), "no write of the controller: {thing:#}");
        // No field manager owns them, so another apply does not remove them.
        namespace.apply(&manifest.to_string()).await.unwrap();
        assert_eq!(objects.get("Thing", "x").await.unwrap()["metadata"]["finalizers"], both);

        // For an object that no step was started for, delete_record does not run: the backend has nothing.
        objects.create("Thing", "held", json!({"name": "held", "noSync": true})).await.unwrap();
        objects.until("Thing", "held", "held", |o| o["status"]["policyCode"] == 1).await.unwrap();
        objects.delete("Thing", "held").await.unwrap();
        objects.gone("Thing", "held").await.unwrap();
        objects.delete("Thing", "x").await.unwrap();
        objects.gone("Thing", "x").await.unwrap();
        let expected =
            ["policy create x", "step sync x", "policy create held", "policy delete held", "policy delete x"];
        let all = [&expected[..], &["step delete x"]].concat();
        controller.stop().await.unwrap();
        assert_eq!(calls.all(), all);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_a_policy_the_controller_sets_them_before_the_first_attempt() {
    namespace::with("no-policies", async |namespace| {
        let calls = Calls::default();
        let more = json!({"finalizers_at_creation": false});
        let controller = Controller::start(namespace, "nopolicies", synchronizer("nopolicies", &calls), &more).unwrap();
        let objects = Objects::new(namespace, &models("nopolicies")).unwrap();
        objects.served("Thing").await.unwrap();
        objects.create("Thing", "x", json!({"name": "x"})).await.unwrap();
        let thing = objects.ready("Thing", "x").await.unwrap();
        assert_eq!(thing["metadata"]["finalizers"].as_array().unwrap().len(), 2);
        assert!(managers(&thing).contains(&"xos/nopolicies/finalizers"), "{thing:#}");
        objects.delete("Thing", "x").await.unwrap();
        objects.gone("Thing", "x").await.unwrap();
        controller.stop().await.unwrap();
        assert_eq!(calls.all(), ["policy create x", "step sync x", "policy delete x", "step delete x"]);
    })
    .await
    .unwrap();
}
