//! A right that is missing for one kind stops that kind only, also from the start.

use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::namespace;
use xos_harness::synchronizer::Access;

use super::{Monitoring, synchronizer};

const GROUP: &str = "unseen.xos.opencord.org";
const MODELS: &str = "option app_label = \"unseen\";
    message Seen (XOSBase) { required string name = 1 [max_length = 32]; }
    message Unseen (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn it_is_told_and_the_other_kinds_are_handled() {
    namespace::with("right-missing", async |namespace| {
        let name = namespace.name();
        let definitions = json!([{
            "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
            "verbs": ["create", "get", "list", "watch", "patch"],
        }]);
        let objects = json!([{
            "apiGroups": [GROUP], "resources": ["seens", "seens/status"],
            "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
        }]);
        let documents = [
            role("ClusterRole", name, &definitions),
            binding("ClusterRole", name),
            role("Role", name, &objects),
            binding("Role", name),
        ];
        let manifest = namespace.folder().join("rbac.yaml");
        std::fs::write(&manifest, documents.map(|document| document.to_string()).join("\n---\n")).unwrap();
        let admin = namespace.cluster().kubectl();
        let access = Access::grant(admin, &namespace.client(), &manifest, name, namespace.folder()).await.unwrap();
        let client = namespace.cluster().client_of(access.kubeconfig()).await.unwrap();

        let calls = Calls::default();
        let monitoring = Monitoring::new();
        let synchronizer = synchronizer("unseen", MODELS, &["Seen", "Unseen"], &calls);
        let controller = Controller::start_as(client, namespace, "unseen", synchronizer, &monitoring.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Seen").await.unwrap();
        objects.create("Seen", "a", json!({"name": "a"})).await.unwrap();
        objects.ready("Seen", "a").await.unwrap();
        let told = ["changes of Unseen in namespace", "cannot list resource \"unseens\"", "system:serviceaccount"];
        monitoring.not_ready(&told).await;
        assert_eq!(calls.all(), ["Seen sync a"]);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

fn role(kind: &str, name: &str, rules: &Value) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules})
}

fn binding(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "unseen", "namespace": "default"}],
    })
}
