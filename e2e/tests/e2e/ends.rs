//! Deletion of a namespace, and of a definition, with linked objects.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};
use xos_harness::example::SOON;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{TestNamespace, eventually, namespace};
use xos_runtime::Synchronizer;

fn models(label: &str) -> String {
    format!(
        "option app_label = \"{label}\";
        message Node (XOSBase) {{ required string name = 1 [max_length = 32];
            optional manytoone up->Node:down = 2:1001; }}"
    )
}

/// Starts a synchronizer, and creates a chain of three objects that become Ready.
async fn chain(namespace: &TestNamespace, label: &str, calls: &Calls) -> (Controller, Objects) {
    let models = models(label);
    let synchronizer =
        Synchronizer::new(label).models(&[("ends.xproto", &models)]).sync_step(Scripted::noting("step", "Node", calls));
    let controller = Controller::start(namespace, label, synchronizer, &Value::Null).unwrap();
    let objects = Objects::new(namespace, &models).unwrap();
    objects.served("Node").await.unwrap();
    for (name, up) in [("a", None), ("b", Some("a")), ("c", Some("b"))] {
        let mut spec = json!({"name": name});
        if let Some(up) = up {
            spec["up"] = json!({"name": up});
        }
        objects.create("Node", name, spec).await.unwrap();
    }
    objects.ready("Node", "c").await.unwrap();
    (controller, objects)
}

#[tokio::test]
async fn a_namespace_that_is_deleted_takes_its_objects_along() {
    namespace::with("ends-ns", async |namespace| {
        let calls = Calls::default();
        let (controller, _) = chain(namespace, "endsns", &calls).await;
        let namespaces: Api<Namespace> = Api::all(namespace.client());
        namespaces.delete(namespace.name(), &DeleteParams::background()).await.unwrap();
        eventually(SOON, "the namespace to be gone", async || match namespaces.get_opt(namespace.name()).await {
            Ok(None) => Ok(()),
            Ok(Some(there)) => Err(format!("{:?}", there.status)),
            Err(error) => Err(error.to_string()),
        })
        .await
        .unwrap();
        let deleted = ["step delete c", "step delete b", "step delete a"];
        controller.stop().await.unwrap();
        assert_eq!(calls.all()[3..], deleted);
    })
    .await
    // The namespace is gone already.
    .unwrap_or_default();
}

#[tokio::test]
async fn a_definition_that_is_deleted_takes_its_objects_along() {
    namespace::with("ends-crd", async |namespace| {
        let calls = Calls::default();
        let (controller, _) = chain(namespace, "endscrd", &calls).await;
        let definitions: Api<CustomResourceDefinition> = Api::all(namespace.client());
        let name = "nodes.endscrd.xos.opencord.org";
        definitions.delete(name, &DeleteParams::default()).await.unwrap();
        eventually(SOON, "the definition to be gone", async || match definitions.get_opt(name).await {
            Ok(None) => Ok(()),
            Ok(Some(there)) => Err(format!("{:?}", there.status)),
            Err(error) => Err(error.to_string()),
        })
        .await
        .unwrap();
        controller.stop().await.unwrap();
        assert_eq!(calls.all()[3..], ["step delete c", "step delete b", "step delete a"]);
    })
    .await
    .unwrap();
}
