//! A right that is missing for one kind stops that kind only, also from the start.

use kube::Client;
use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::synchronizer::Access;
use xos_harness::{TestNamespace, namespace};

use super::{Monitoring, synchronizer};

const GROUP: &str = "unseen.xos.opencord.org";
const MODELS: &str = "option app_label = \"unseen\";
    message Seen (XOSBase) { required string name = 1 [max_length = 32]; }
    message Unseen (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn it_is_told_and_the_other_kinds_are_handled() {
    namespace::with("right-missing", async |namespace| {
        let client = client_for(namespace, GROUP, "seens").await;
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

const LOCKED: &str = "option app_label = \"locked\";
    message Locked (XOSBase) { required string name = 1 [max_length = 32];
        required string code = 2 [max_length = 32, secret = True]; }";

#[tokio::test]
async fn objects_wait_for_the_right_to_read_secrets_and_for_nothing_else() {
    namespace::with("secrets-unseen", async |namespace| {
        let client = client_for(namespace, "locked.xos.opencord.org", "lockeds").await;
        let calls = Calls::default();
        let monitoring = Monitoring::new();
        let synchronizer = synchronizer("locked", LOCKED, &["Locked"], &calls);
        let controller = Controller::start_as(client, namespace, "locked", synchronizer, &monitoring.config()).unwrap();
        let objects = Objects::new(namespace, LOCKED).unwrap();
        objects.served("Locked").await.unwrap();
        objects.create("Locked", "own", json!({"name": "own", "code": "1234"})).await.unwrap();
        objects.ready("Locked", "own").await.unwrap();
        let from = json!({"name": "from", "codeFrom": {"secretKeyRef": {"name": "codes", "key": "from"}}});
        objects.create("Locked", "from", from).await.unwrap();
        let says = |object: &Value, words: &str| object["status"]["conditions"].to_string().contains(words);
        let waits = |object: &Value| says(object, "SecretsForbidden") && says(object, "get, list and watch secrets");
        objects.until("Locked", "from", "to wait", waits).await.unwrap();
        monitoring.not_ready(&["changes of v1/Secret in namespace", "cannot list resource \"secrets\""]).await;

        let secret = ["create", "secret", "generic", "codes", "--from-literal=from=5678"];
        namespace.kubectl(&secret).await.unwrap();
        let right = ["create", "role", "secrets", "--verb=get,list,watch", "--resource=secrets"];
        namespace.kubectl(&right).await.unwrap();
        let account = format!("--serviceaccount={}:unseen", namespace.name());
        let bound = ["create", "rolebinding", "secrets", "--role=secrets", &account];
        namespace.kubectl(&bound).await.unwrap();
        objects.ready("Locked", "from").await.unwrap();
        monitoring.ready().await;
        assert_eq!(calls.all(), ["Locked sync own", "Locked sync from"]);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

/// Returns a client that may apply definitions, and handle the objects of one kind.
async fn client_for(namespace: &TestNamespace, group: &str, plural: &str) -> Client {
    let name = namespace.name();
    let definitions = json!([{
        "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
        "verbs": ["create", "get", "list", "watch", "patch"],
    }]);
    let objects = json!([{
        "apiGroups": [group], "resources": [plural, format!("{plural}/status")],
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
    namespace.cluster().client_of(access.kubeconfig()).await.unwrap()
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
