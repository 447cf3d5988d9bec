//! `xos uninstall` removes what a synchronizer that is gone has left, and `xos why` says who holds an object, both
//! without its program and its configuration.

use std::{path::Path, process::Output};

use serde_json::{Value, json};
use xos_harness::{
    TestNamespace,
    example::condition,
    inprocess::{Calls, Controller, Objects, Scripted},
    namespace, paths,
};
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"uninstall\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }
    message Thing (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone site->Site:things = 2:1001; }";

async fn xos(kubeconfig: &Path, arguments: &[&str]) -> (String, bool) {
    let program = paths::program("xos").unwrap();
    let mut command = tokio::process::Command::new(program);
    let run: Output = command.args(arguments).env("KUBECONFIG", kubeconfig).kill_on_drop(true).output().await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    (text, run.status.success())
}

fn start(namespace: &TestNamespace, name: &'static str, calls: &Calls) -> Controller {
    let both = Synchronizer::new(name)
        .models(&[("uninstall.xproto", MODELS)])
        .sync_step(Scripted::noting(name, "Site", calls))
        .sync_step(Scripted::noting(name, "Thing", calls));
    Controller::start(namespace, name, both, &json!({"finalizers_at_creation": false})).unwrap()
}

async fn why(namespace: &TestNamespace, kind: &str, name: &str) -> String {
    let kubeconfig = namespace.cluster().kubeconfig();
    let (text, succeeded) = xos(kubeconfig, &["why", kind, name, "-n", namespace.name()]).await;
    assert!(succeeded, "{text}");
    text
}

#[tokio::test]
async fn what_a_renamed_synchronizer_left_is_found_explained_and_removed() {
    namespace::with("uninstall", async |namespace| {
        let kubeconfig = namespace.cluster().kubeconfig();
        let objects = Objects::new(namespace, MODELS).unwrap();
        let calls = Calls::default();
        // Tried once under this name, and stopped.
        let first = start(namespace, "uninstall-old", &calls);
        objects.served("Thing").await.unwrap();
        objects.create("Site", "s", json!({"name": "s"})).await.unwrap();
        objects.ready("Site", "s").await.unwrap();
        for name in ["a", "b"] {
            objects.create("Thing", name, json!({"name": name, "site": {"name": "s"}})).await.unwrap();
            objects.ready("Thing", name).await.unwrap();
        }
        first.stop().await.unwrap();

        // Renamed: both hold the objects, and the old one never lets them go.
        let second = start(namespace, "uninstall-new", &calls);
        let both = json!(["sync.xos.opencord.org/uninstall-old", "sync.xos.opencord.org/uninstall-new"]);
        objects.until("Thing", "b", "held by both", |o| o["metadata"]["finalizers"] == both).await.unwrap();
        let text = why(namespace, "things.uninstall.xos.opencord.org", "b").await;
        let stays = "deleted, it would stay: held by the finalizer sync.xos.opencord.org/uninstall-old of the \
                     synchronizer uninstall-old, which was stopped at";
        assert!(text.contains(stays), "{text}");
        objects.delete("Thing", "a").await.unwrap();
        let old = json!(["sync.xos.opencord.org/uninstall-old"]);
        objects.until("Thing", "a", "held by the old one", |o| o["metadata"]["finalizers"] == old).await.unwrap();
        let text = why(namespace, "thing", "a").await;
        for part in ["Thing ", "/a is deleted since", "was stopped at", "run `xos uninstall uninstall-old`"] {
            assert!(text.contains(part), "{part} in {text}");
        }

        // Only listed.
        let (text, succeeded) = xos(kubeconfig, &["uninstall", "uninstall-old"]).await;
        assert!(succeeded && text.contains("Nothing is changed yet"), "{text}");
        let one = "sync.xos.opencord.org/uninstall-old on 2 things.uninstall.xos.opencord.org, 1 of them deleted and \
                   waiting for it";
        assert!(text.contains(one) && text.contains("and was stopped at"), "{text}");
        assert_eq!(objects.get("Thing", "b").await.unwrap()["metadata"]["finalizers"], both);

        // Only some.
        let kind = ["uninstall", "uninstall-old", "--kind", "sites", "-n", namespace.name(), "--yes"];
        let (text, succeeded) = xos(kubeconfig, &kind).await;
        assert!(succeeded && text.contains("1 objects"), "{text}");
        assert_eq!(objects.get("Thing", "b").await.unwrap()["metadata"]["finalizers"], both);

        let (text, succeeded) = xos(kubeconfig, &["uninstall", "uninstall-old", "--yes"]).await;
        assert!(succeeded && text.contains("`uninstall-old` is uninstalled"), "{text}");
        objects.gone("Thing", "a").await.unwrap();
        // The new one takes over what the old one said.
        let is_taken_over = |o: &Value| {
            let names: Vec<_> = o["status"]["synchronizers"].as_array().into_iter().flatten().collect();
            names.len() == 1
                && names[0]["name"] == "uninstall-new"
                && condition(o, "Synced")["status"] == "True"
                && o["metadata"]["finalizers"] == json!(["sync.xos.opencord.org/uninstall-new"])
        };
        objects.until("Thing", "b", "the new one's", is_taken_over).await.unwrap();
        // There is nothing left to do.
        let (text, succeeded) = xos(kubeconfig, &["uninstall", "uninstall-old", "--yes"]).await;
        assert!(succeeded, "{text}");
        assert_eq!(text, "nothing is left of the synchronizer `uninstall-old`\n");
        for (kind, name) in [("Thing", "b"), ("Site", "s")] {
            objects.delete(kind, name).await.unwrap();
            objects.gone(kind, name).await.unwrap();
        }
        second.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_rights_each_object_is_named() {
    namespace::with("uninstall-rights", async |namespace| {
        let admin = namespace.cluster().kubectl();
        let manifest = paths::repository().join("config/example/rbac.yaml");
        let folder = namespace.folder();
        let client = namespace.client();
        let access = xos_harness::synchronizer::Access::grant(admin, &client, &manifest, namespace.name(), folder);
        let access = access.await.unwrap();
        let (text, succeeded) = xos(access.kubeconfig(), &["uninstall", "nobody"]).await;
        assert!(!succeeded && text.contains("forbidden"), "{text}");
        let (text, succeeded) = xos(access.kubeconfig(), &["why", "thing", "nobody"]).await;
        assert!(!succeeded && text.starts_with("error: "), "{text}");
    })
    .await
    .unwrap();
}
