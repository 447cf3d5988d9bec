//! Objects that `kubectl` restores from what `kubectl get -o yaml` has shown: the page on backup and restore.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::example::is_ready;
use xos_harness::inprocess::{Calls, Controller, Objects, Script, Scripted};
use xos_harness::{TestNamespace, namespace};
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"kubectlrestore\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
const KIND: &str = "things.kubectlrestore.xos.opencord.org";

fn start(namespace: &TestNamespace, calls: &Calls) -> Controller {
    let script: Script = Arc::new(|what, _, o| {
        if what == "sync" && o.text("backend_handle").is_none() {
            o.set("backend_handle", json!("made"));
        }
        Box::pin(async { Ok(()) })
    });
    let synchronizer = Synchronizer::new("kubectlrestore")
        .models(&[("restore.xproto", MODELS)])
        .sync_step(Scripted::doing("step", "Thing", calls, script));
    Controller::start(namespace, "kubectlrestore", synchronizer, &Value::Null).unwrap()
}

/// As the page does with sed.
fn without_identity(saved: &str) -> String {
    let is_given = |line: &&str| ["resourceVersion: ", "uid: "].iter().any(|name| line.trim_start().starts_with(name));
    saved.lines().filter(|line| !is_given(line)).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_kubectl_has_saved_is_handled_once_more_with_its_handle() {
    namespace::with("kubectl-restore", async |namespace| {
        let calls = Calls::default();
        let controller = start(namespace, &calls);
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        objects.create("Thing", "a", json!({"name": "a"})).await.unwrap();
        objects.ready("Thing", "a").await.unwrap();
        let file = namespace.folder().join("restore.yaml").display().to_string();
        let saved = namespace.kubectl(&["get", KIND, "-o", "yaml"]).await.unwrap();
        std::fs::write(&file, without_identity(&saved)).unwrap();
        let mut syncs = 1;
        for with_status in [false, true] {
            namespace.kubectl(&["delete", KIND, "a"]).await.unwrap();
            namespace.kubectl(&["create", "-f", &file]).await.unwrap();
            if with_status {
                namespace.kubectl(&["replace", "--subresource=status", "-f", &file]).await.unwrap();
            }
            let ready = |o: &Value| is_ready(o) && o["status"]["backendHandle"] == "made";
            objects.until("Thing", "a", "Ready with its handle", ready).await.unwrap();
            let all = calls.all();
            let count = all.iter().filter(|call| *call == "step sync a").count();
            assert!(count > syncs, "with status {with_status}: {all:?}");
            syncs = count;
        }
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_replaced_object_is_held_again_and_its_deletion_is_undone_in_the_backend() {
    namespace::with("kubectl-replace", async |namespace| {
        let calls = Calls::default();
        let controller = start(namespace, &calls);
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        let manifest = json!({
            "apiVersion": "kubectlrestore.xos.opencord.org/v1", "kind": "Thing", "metadata": {"name": "a"},
            "spec": {"name": "a"},
        });
        let file = namespace.folder().join("thing.json").display().to_string();
        std::fs::write(&file, manifest.to_string()).unwrap();
        namespace.kubectl(&["create", "-f", &file]).await.unwrap();
        objects.ready("Thing", "a").await.unwrap();
        namespace.kubectl(&["replace", "-f", &file]).await.unwrap();
        let held = |o: &Value| o["metadata"]["finalizers"] == json!(["sync.xos.opencord.org/kubectlrestore"]);
        objects.until("Thing", "a", "held again", held).await.unwrap();
        namespace.kubectl(&["delete", KIND, "a"]).await.unwrap();
        objects.gone("Thing", "a").await.unwrap();
        assert_eq!(calls.all().last().map(String::as_str), Some("step delete a"));
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
