//! The original synchronizer, as it was released: it loads its models, and its step and its policy handle objects of kubectl.

use std::path::Path;
use std::process::Stdio;

use kube::api::ApiResource;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use xos_harness::example::{condition, is_ready};
use xos_harness::{TestNamespace, documents, eventually, namespace, paths};

use super::PATIENCE;
use super::place::Place;

const GROUP: &str = "thing.xos.opencord.org";

/// Starts it. It has its models, its step and its policy from `e2e/xos/thing`.
fn start(place: &Place, folder: &Path) -> Child {
    let here = paths::repository().join("e2e/xos");
    let thing = |name: &str| here.join("thing").join(name);
    let config = json!({
        "name": "thing", "core_version": ">=4.0.0", "required_models": ["Thing", "Part"],
        "accessor": {
            "kind": "grpcapi", "endpoint": format!("localhost:{}", place.port), "username": "admin",
            "password": "letmein",
        },
        "models_dir": thing("models"), "steps_dir": thing("steps"), "model_policies_dir": thing("policies"),
        "logging": {"version": 1, "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"": {"handlers": ["console"], "level": "INFO"}}},
    });
    let path = folder.join("thing.yaml");
    std::fs::write(&path, config.to_string()).unwrap();
    let log = std::fs::File::create(folder.join("original.log")).unwrap();
    let mut command = Command::new(here.join("original"));
    command.arg("synchronizer.py").arg(path).arg(place.certificate()).env("THING_LOG", folder.join("calls"));
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command.spawn().unwrap()
}

/// Returns what the step and the policy were called for.
fn calls(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Waits until an object is as it should be, and returns it.
async fn until(namespace: &TestNamespace, kind: &str, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let what = format!("{kind} {name}");
    let found = eventually(PATIENCE * 2, &what, async || {
        let resource = format!("{kind}.{GROUP}");
        let text =
            namespace.kubectl(&["get", &resource, name, "-o", "json"]).await.map_err(|error| error.to_string())?;
        let object: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if is_it(&object) { Ok(object) } else { Err(object["status"].to_string()) }
    });
    let original = namespace.folder().join("original.log");
    found.await.unwrap_or_else(|error| panic!("{error}\n{}", xos_harness::process::tail(&original, 60)))
}

fn thing(name: &str, wanted: &str) -> String {
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "Thing", "metadata": {"name": name},
        "spec": {"name": name, "wanted": wanted},
    })
    .to_string()
}

#[tokio::test]
async fn the_original_synchronizer_handles_objects_of_kubectl() {
    namespace::with("legacy", async |namespace| {
        let (place, folder) = (Place::new(namespace), namespace.folder());
        let set = ApiResource {
            group: "xos.opencord.org".to_owned(),
            version: "v1".to_owned(),
            api_version: "xos.opencord.org/v1".to_owned(),
            kind: "ModelSet".to_owned(),
            plural: "modelsets".to_owned(),
        };
        namespace.follow(&set);
        let config = folder.join("config.yaml");
        let mut text = json!({
            "name": "legacy", "uses": ["Site"], "cluster_documents": {"namespace": namespace.name()},
        });
        text["api"] = place.config()["api"].clone();
        std::fs::write(&config, text.to_string()).unwrap();
        let files = (folder, &*namespace.log("synchronizer"));
        let groups = [format!("{GROUP}=things,parts")];
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let launch =
            documents::with_groups(namespace.cluster(), namespace.name(), &config, json!({}), &groups, files).await;
        let _controller = launch.unwrap().start().unwrap();
        place.client().await;
        let mut original = start(&place, folder);

        // It has loaded its models: they are a ModelSet, and kubectl knows them.
        eventually(PATIENCE * 2, "the models to be loaded", async || {
            let ended = original.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}\n{}", xos_harness::process::tail(&folder.join("original.log"), 60));
            namespace.kubectl(&["wait", "--for=condition=Ready", "modelset/thing", "--timeout=1s"]).await
        })
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", xos_harness::process::tail(&folder.join("original.log"), 60)));
        namespace.apply(&thing("a", "red")).await.unwrap();
        let made = until(namespace, "things", "a", |it| is_ready(it) && it["status"]["note"] == "made red").await;
        assert_eq!(made["status"]["backendStatus"], "OK");
        until(namespace, "parts", "part-of-a", |it| it["spec"]["thing"]["name"] == "a").await;

        // An edit is handled once.
        namespace.apply(&thing("a", "blue")).await.unwrap();
        until(namespace, "things", "a", |it| is_ready(it) && it["status"]["note"] == "made blue").await;
        assert_eq!(calls(folder), ["sync a red", "sync a blue"]);

        // A failure is told to kubectl, in its words.
        namespace.apply(&thing("b", "trouble")).await.unwrap();
        let says = |it: &Value| {
            let synced = condition(it, "Synced");
            synced["status"] == "False" && synced["message"].as_str().is_some_and(|text| text.contains("no route to b"))
        };
        until(namespace, "things", "b", says).await;
        namespace.apply(&thing("b", "green")).await.unwrap();
        until(namespace, "things", "b", |it| is_ready(it) && it["status"]["note"] == "made green").await;

        // Deletion waits for its step and its policy.
        namespace.kubectl(&["delete", &format!("things.{GROUP}"), "a", "--timeout=60s"]).await.unwrap();
        let calls = calls(folder);
        assert!(["delete a", "policy delete a"].iter().all(|call| calls.iter().any(|one| one == call)), "{calls:?}");
        drop(original);
    })
    .await
    .unwrap();
}
