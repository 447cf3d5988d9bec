//! A node: pods, what they reach, and what is left when it has ended. One node serves all tests that do not end it.
//!
//! These tests need root. Without it there are no namespaces, mounts and cgroups to make a node of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod bill;
mod bus;
mod chart;
mod containerfiles;
mod demo;
mod exits;
mod images;
mod pods;
mod rolling;
mod services;

use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::{Cluster, TestNamespace, eventually, namespace, node};

/// Until something that is about to happen is seen.
const SOON: Duration = Duration::from_secs(60);
/// The image of the program that answers and asks.
const PROBE: &str = node::images::PROBE;

/// Runs a test in a namespace of the shared node that takes only pods without any privilege.
async fn on_the_node<T>(title: &str, test: impl AsyncFnOnce(&TestNamespace) -> T) -> T {
    let cluster = node::shared().await.unwrap_or_else(|error| panic!("{}", causes(&error)));
    within(cluster, title, test).await
}

/// Does the same on a node of the test's own.
async fn within<T>(cluster: &Cluster, title: &str, test: impl AsyncFnOnce(&TestNamespace) -> T) -> T {
    let restricted = async |namespace: &TestNamespace| {
        let label = "pod-security.kubernetes.io/enforce=restricted";
        namespace.kubectl(&["label", "namespace", namespace.name(), label]).await.unwrap();
        test(namespace).await
    };
    namespace::with_in(cluster.clone(), title, restricted).await.unwrap()
}

/// A pod as the strictest rules for pods want it. Its name is also its label.
fn pod(name: &str, image: &str, arguments: &[&str]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "main",
                "image": image,
                "imagePullPolicy": "Never",
                "args": arguments,
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}

/// Creates a pod, and waits until it is in this phase.
async fn run(namespace: &TestNamespace, pod: &Value, phase: &str) {
    namespace.apply(&pod.to_string()).await.unwrap();
    let name = pod["metadata"]["name"].as_str().unwrap();
    let asked = eventually(SOON, format!("the pod {name} to be {phase}"), async || {
        let status = namespace.kubectl(&["get", "pod", name, "-o", "jsonpath={.status}"]).await;
        let status: Value = serde_json::from_str(&status.unwrap()).unwrap();
        if status["phase"] == phase { Ok(()) } else { Err(status) }
    });
    asked.await.unwrap();
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    xos_harness::cli::chain(error)
}
