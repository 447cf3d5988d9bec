//! A synchronizer says in the cluster that it is installed; its admission policy agrees with that, whatever was
//! configured before; and deleted objects say who is missed.

use kube::{
    Api,
    api::{DynamicObject, ListParams, PostParams},
};
use serde_json::{Value, json};
use xos_harness::{
    TestNamespace, eventually,
    example::{SOON, condition},
    inprocess::{Calls, Controller, Objects, Scripted},
    namespace,
};
use xos_runtime::Synchronizer;

fn models(label: &str) -> String {
    format!("option app_label = \"{label}\"; message Thing (XOSBase) {{ required string name = 1 [max_length = 32]; }}")
}

fn synchronizer(name: &str, label: &str, calls: &Calls) -> Synchronizer {
    Synchronizer::new(name)
        .models(&[("installation.xproto", &models(label))])
        .sync_step(Scripted::noting("step", "Thing", calls))
}

/// The finalizers that the API server would give to a new object.
async fn at_creation(namespace: &TestNamespace, label: &str) -> Result<Vec<String>, kube::Error> {
    let objects = Objects::new(namespace, &models(label)).unwrap();
    let trial: DynamicObject = serde_json::from_value(json!({
        "apiVersion": format!("{label}.xos.opencord.org/v1"), "kind": "Thing",
        "metadata": {"name": "trial"}, "spec": {"name": "trial"},
    }))
    .unwrap();
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let created = objects.api("Thing").unwrap().create(&parameters, &trial).await?;
    Ok(created.metadata.finalizers.unwrap_or_default())
}

async fn become_these(namespace: &TestNamespace, label: &str, expected: &[&str]) {
    eventually(SOON, format!("finalizers at creation: {expected:?}"), async || {
        match at_creation(namespace, label).await {
            Ok(finalizers) if finalizers == expected => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

async fn installed(namespace: &TestNamespace, name: &str) -> Vec<DynamicObject> {
    let api: Api<DynamicObject> = Api::all_with(namespace.client(), &xos_engine::installation::resource());
    let labelled = ListParams::default().labels(&format!("xos.opencord.org/synchronizer={name}"));
    api.list(&labelled).await.map(|list| list.items).unwrap_or_default()
}

async fn policies(namespace: &TestNamespace, name: &str) -> String {
    let label = format!("xos.opencord.org/synchronizer={name}");
    let kinds = "mutatingadmissionpolicies,mutatingadmissionpolicybindings";
    namespace.kubectl(&["get", kinds, "-l", &label, "-o", "name"]).await.unwrap()
}

/// Waits until the policy that an earlier version made is removed.
async fn without_legacy(namespace: &TestNamespace, name: &str) {
    let legacy = format!("xos-{name}-sync");
    eventually(SOON, "the policy of an earlier version is removed", async || match policies(namespace, name).await {
        some if some.contains(&legacy) => Err(some),
        _ => Ok(()),
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_policy_agrees_with_the_configuration_at_each_start() {
    namespace::with("agree", async |namespace| {
        let calls = Calls::default();
        let start =
            |more: Value| Controller::start(namespace, "agree", synchronizer("agree", "agree", &calls), &more).unwrap();
        let ours = ["sync.xos.opencord.org/agree"];
        // All namespaces.
        let controller = start(json!({"namespaces": []}));
        Objects::new(namespace, &models("agree")).unwrap().served("Thing").await.unwrap();
        become_these(namespace, "agree", &ours).await;
        // What an earlier version left: it has no parameter, so it sets finalizers whoever is there.
        namespace.apply(&legacy("agree")).await.unwrap();
        controller.stop().await.unwrap();
        let stopped = installed(namespace, "agree").await;
        assert!(stopped[0].data["status"]["stoppedAt"].is_string(), "{:#}", stopped[0].data);

        // Narrowed to another one: objects of this one are not touched any more.
        let controller = start(json!({"namespaces": ["elsewhere"]}));
        // The one that was left may not be in force yet: that no finalizer is set does not tell that it is gone.
        without_legacy(namespace, "agree").await;
        become_these(namespace, "agree", &[]).await;
        controller.stop().await.unwrap();
        let left = installed(namespace, "agree").await;
        assert_eq!(left.len(), 1, "{left:#?}");
        assert_eq!(left[0].data["spec"]["namespaces"], json!(["elsewhere"]));

        // A kind that has no step any more.
        let controller = start(json!({"namespaces": []}));
        become_these(namespace, "agree", &ours).await;
        controller.stop().await.unwrap();
        let without_step = Synchronizer::new("agree").models(&[("installation.xproto", &models("agree"))]);
        let controller = Controller::start(namespace, "agree", without_step, &json!({"namespaces": []})).unwrap();
        become_these(namespace, "agree", &[]).await;
        controller.stop().await.unwrap();

        // Back again, and switched off.
        let controller = start(json!({"namespaces": []}));
        become_these(namespace, "agree", &ours).await;
        controller.stop().await.unwrap();
        let controller = start(json!({"namespaces": [], "finalizers_at_creation": false}));
        become_these(namespace, "agree", &[]).await;
        eventually(SOON, "no policies", async || match policies(namespace, "agree").await {
            none if none.is_empty() => Ok(()),
            some => Err(some),
        })
        .await
        .unwrap();

        // Without the parameter the policy sets nothing, whoever left it.
        controller.stop().await.unwrap();
        let controller = start(json!({"namespaces": []}));
        become_these(namespace, "agree", &ours).await;
        // A policy that was deleted is in force for a moment: both new ones are to be there before the end.
        eventually(SOON, "a policy and its binding", async || {
            let some = policies(namespace, "agree").await;
            if some.lines().count() == 2 { Ok(()) } else { Err(some) }
        })
        .await
        .unwrap();
        controller.kill().await;
        namespace.kubectl(&["delete", "synchronizers", "agree"]).await.unwrap();
        become_these(namespace, "agree", &[]).await;
        assert!(policies(namespace, "agree").await.contains("xos-agree"));
        namespace
            .kubectl(&["delete", "mutatingadmissionpolicies,mutatingadmissionpolicybindings", "xos-agree"])
            .await
            .unwrap();
    })
    .await
    .unwrap();
}

/// A policy as earlier versions made it.
fn legacy(name: &str) -> String {
    let metadata = json!({"name": format!("xos-{name}-sync"), "labels": {"xos.opencord.org/synchronizer": name}});
    let rule = json!({"apiGroups": [format!("{name}.xos.opencord.org")], "apiVersions": ["v1"],
        "operations": ["CREATE"], "resources": ["things"]});
    let expression = format!("Object{{metadata: Object.metadata{{finalizers: [\"sync.xos.opencord.org/{name}\"]}}}}");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": metadata,
        "spec": {
            "failurePolicy": "Ignore", "reinvocationPolicy": "Never", "matchConstraints": {"resourceRules": [rule]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata, "spec": {"policyName": format!("xos-{name}-sync")},
    });
    format!("{policy}\n---\n{binding}")
}

#[tokio::test]
async fn a_deleted_object_says_who_is_missed() {
    namespace::with("missed", async |namespace| {
        let calls = Calls::default();
        let off = json!({"finalizers_at_creation": false});
        let controller =
            Controller::start(namespace, "missing", synchronizer("missing", "missed", &calls), &off).unwrap();
        let objects = Objects::new(namespace, &models("missed")).unwrap();
        objects.served("Thing").await.unwrap();
        // One that was tried once under this name, and is gone.
        let old = json!({"metadata": {"name": "x", "finalizers": ["sync.xos.opencord.org/missed-old"]},
            "spec": {"name": "x"}});
        objects.create_whole("Thing", old).await.unwrap();
        objects.ready("Thing", "x").await.unwrap();
        objects.delete("Thing", "x").await.unwrap();
        let kind = "missing.xos.opencord.org/Abandoned";
        let says = |o: &Value| {
            let said = condition(o, kind);
            said["status"] == "True"
                && said["message"].as_str().is_some_and(|text| {
                    text.contains("of the synchronizer missed-old, which is not installed")
                        && text.contains("`xos uninstall missed-old`")
                })
        };
        objects.until("Thing", "x", "told who is missed", says).await.unwrap();
        // Once it is installed, it is expected.
        let second = Calls::default();
        let returns = Synchronizer::new("missed-old").models(&[("installation.xproto", &models("missed"))]).sync_step(
            Scripted::doing(
                "old",
                "Thing",
                &second,
                std::sync::Arc::new(|_, _, _| Box::pin(async { Err(xos_steps::StepError::failed("not yet")) })),
            ),
        );
        let returned = Controller::start(namespace, "missed-old", returns, &off).unwrap();
        objects.until("Thing", "x", "not missed any more", |o| condition(o, kind).is_null()).await.unwrap();
        for controller in [controller, returned] {
            controller.stop().await.unwrap();
        }
    })
    .await
    .unwrap();
}
