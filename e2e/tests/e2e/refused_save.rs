//! What the API server refuses of a step's changes shows: in status, in an Event, and by growing delays.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::{TestNamespace, eventually, example::SOON, namespace};
use xos_runtime::Synchronizer;
use xos_steps::Steps;

/// Has an admission policy refuse what `expression` does not allow, in this namespace, for as long as it lives.
async fn admission(namespace: &TestNamespace, group: &str, resource: &str, expression: &str, message: &str) {
    let name = format!("{}-{}", namespace.name(), resource.replace('/', "-"));
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [group], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [resource],
            }]},
            "validations": [{"expression": expression, "message": message}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {
                "kubernetes.io/metadata.name": namespace.name(),
            }}},
        },
    });
    for object in [policy, binding] {
        namespace.cluster().kubectl().apply(&[], &object.to_string()).await.unwrap();
    }
}

fn start(namespace: &TestNamespace, name: &'static str, models: &'static str, steps: Steps) -> Controller {
    let synchronizer = Synchronizer::new(name).models(&[("models.xproto", models)]).steps(steps);
    let backoff = json!({"backoff": {"initial": "200ms", "max": "20s", "jitter": 0}});
    Controller::start(namespace, name, synchronizer, &backoff).unwrap()
}

#[tokio::test]
async fn a_save_that_admission_refuses_is_a_failure_in_its_own_words() {
    const MODELS: &str = "option app_label = \"refusedsave\";
        message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional int32 size = 2;
            optional string seen = 3 [max_length = 32, feedback_state = True]; }";
    namespace::with("refusedsave", async |namespace| {
        let calls = Calls::default();
        let script: Script = Arc::new(|_, _, o| {
            let size = if o.text("name") == Some("lucky") { 7 } else { 13 };
            o.set("size", json!(size));
            o.set("seen", json!("yes"));
            Box::pin(async { Ok(()) })
        });
        let steps = Steps::new().sync_step(Scripted::doing("step", "Thing", &calls, script));
        let controller = start(namespace, "refusedsave", MODELS, steps);
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        let group = "refusedsave.xos.opencord.org";
        admission(namespace, group, "things", "!has(object.spec.size) || object.spec.size != 13", "13 is unlucky")
            .await;
        eventually(SOON, "admission to refuse", async || {
            objects.create("Thing", "probe", json!({"name": "lucky", "noSync": true})).await.ok();
            match objects.edit("Thing", "probe", json!({"size": 13})).await {
                Err(_) => Ok(()),
                Ok(_) => objects
                    .edit("Thing", "probe", json!({"size": 1}))
                    .await
                    .map_or_else(|e| Err(e.to_string()), |_| Err("not yet".to_owned())),
            }
        })
        .await
        .unwrap();
        let before = calls.all().len();
        objects.create("Thing", "a", json!({"name": "a"})).await.unwrap();
        let failed = |o: &Value| condition(o, "Ready")["reason"] == "SyncFailed";
        let a = objects.until("Thing", "a", "failed", failed).await.unwrap();
        let message = condition(&a, "Ready")["message"].as_str().unwrap();
        assert!(message.contains("what step changed in spec is not saved"), "{message}");
        assert!(message.contains("13 is unlucky") && !message.contains("Status {"), "{message}");
        assert_eq!(
            (&a["status"]["backendCode"], &a["status"]["seen"], &a["spec"]["size"]),
            (&json!(2), &json!("yes"), &Value::Null),
            "what is not refused is kept"
        );
        let event = namespace.one_event("Warning", "SyncFailed").await.unwrap();
        assert!(event["message"].as_str().unwrap().contains("13 is unlucky"), "{event:#}");
        // 0.2, 0.4, 0.8, 1.6, 3.2 s: growing, not at once.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(calls.all().len() - before <= 6, "{:?}", calls.all());
        objects.edit("Thing", "a", json!({"name": "lucky"})).await.unwrap();
        let a = objects.ready("Thing", "a").await.unwrap();
        assert_eq!(a["spec"]["size"], 7);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_status_that_cannot_be_written_is_no_reason_to_run_all_the_time() {
    const MODELS: &str = "option app_label = \"nostatus\";
        message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
    namespace::with("nostatus", async |namespace| {
        let calls = Calls::default();
        let steps = Steps::new()
            .sync_step(Scripted::noting("step", "Thing", &calls))
            .policy(Scripted::noting("policy", "Thing", &calls));
        let controller = start(namespace, "nostatus", MODELS, steps);
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        let group = "nostatus.xos.opencord.org";
        let forbid = "object.metadata.name != 'a'";
        admission(namespace, group, "things/status", forbid, "nothing is to be written here").await;
        objects.create("Thing", "probe", json!({"name": "probe"})).await.unwrap();
        objects.ready("Thing", "probe").await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        objects.create("Thing", "a", json!({"name": "a"})).await.unwrap();
        tokio::time::sleep(Duration::from_secs(6)).await;
        let count = |what: &str| calls.all().iter().filter(|call| *call == what).count();
        let (policies, steps) = (count("policy create a"), count("step sync a"));
        // At 0, 0.2, 0.6, 1.4, 3.0 and 6.2 s.
        assert!((2..=7).contains(&steps) && policies <= 7, "{policies} and {steps} in 6 s: {:?}", calls.all());
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
