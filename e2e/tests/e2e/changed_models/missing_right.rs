//! A change that cannot be checked is refused; the message names the missing right. Only breaking changes need this
//! right.

use std::fs;

use serde_json::{Value, json};
use xos_harness::synchronizer::Access;

use super::{Service, assert_says, with_service};

const OLD: &str = "required string name = 1 [max_length = 32];";

#[tokio::test]
async fn a_controller_that_may_not_list_everywhere_cannot_break_anything() {
    with_service("changed-rights", async |service| {
        // All rights in its namespace, and none elsewhere.
        limit_rights(service).await;
        service.install("old", OLD).await;
        service.install("longer", &OLD.replace("32", "33")).await;
        let version = service.version().await;

        let (code, said) = service.refused("shorter", &OLD.replace("32", "4")).await;
        assert_eq!(code, Some(1), "{said}");
        let right = format!("help: allow it to `list` people (API group {}) in all namespaces", service.group);
        assert_says(&said, &["spec.name: maxLength 33 → 4", "cannot list resource \"people\"", &right]);
        assert_eq!(service.version().await, version);
    })
    .await;
}

async fn limit_rights(service: &mut Service<'_>) {
    let namespace = service.namespace;
    let group = &service.group;
    let name = namespace.name();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "limited"}});
    let definitions = json!([
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["create"]},
        {
            "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
            "resourceNames": [format!("people.{group}")], "verbs": ["get", "list", "watch", "patch"],
        },
    ]);
    let objects = json!([{"apiGroups": [group], "resources": ["people"], "verbs": ["get", "list", "watch", "patch"]}]);
    let documents = [
        account,
        role("ClusterRole", name, &definitions),
        binding("ClusterRole", name),
        role("Role", name, &objects),
        binding("Role", name),
    ];
    let manifest = namespace.folder().join("rbac.yaml");
    fs::write(&manifest, documents.map(|document| document.to_string()).join("\n---\n")).unwrap();
    let admin = namespace.cluster().kubectl();
    let access = Access::grant(admin, &namespace.client(), &manifest, name, namespace.folder()).await.unwrap();
    service.kubeconfig = access.kubeconfig().to_owned();
}

fn role(kind: &str, name: &str, rules: &Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules})
}

fn binding(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": "default"}],
    })
}
