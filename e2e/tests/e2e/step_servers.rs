//! A service whose steps are Python: `config/reception`.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::{Child, Command};
use xos_harness::{TestNamespace, documents, eventually, example::SOON, namespace, paths};

/// Starts the server, which writes its log to a file.
fn serve(address: &str, log: &Path) -> Child {
    let root = paths::repository();
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    let mut command = Command::new(root.join("e2e/python/python"));
    command.arg(root.join("config/reception/server.py")).arg(address);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap()
}

async fn wait(namespace: &TestNamespace, guest: &str, reason: &str) {
    let reason = format!("--for=jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}");
    namespace.kubectl(&["wait", &reason, &format!("guest/{guest}"), "--timeout=60s"]).await.unwrap();
}

#[tokio::test]
async fn a_service_in_python_is_run_by_the_stock_program() {
    namespace::with("python", async |namespace| {
        let folder = namespace.folder().to_owned();
        let (book, log) = (folder.join("book"), namespace.log("python"));
        std::fs::create_dir(&book).unwrap();
        let address = format!("unix:{}", folder.join("steps.sock").display());
        let config = paths::repository().join("config/reception/config.yaml");
        let overlay = json!({"settings": {"server": address, "folder": book}});
        let own = (folder.as_path(), namespace.log("synchronizer"));
        let launch =
            documents::service(namespace.cluster(), namespace.name(), &config, overlay, (own.0, &own.1)).await.unwrap();
        let mut running = launch.start().unwrap();
        let objects = std::fs::read_to_string(paths::repository().join("config/reception/objects.yaml")).unwrap();
        eventually(SOON, "its kinds to be served", async || namespace.apply(&objects).await.map(drop)).await.unwrap();

        // The controller is there before the server.
        wait(namespace, "ada", "TargetUnavailable").await;
        let mut server = serve(&address, &log);
        wait(namespace, "ada", "SyncSucceeded").await;
        let entry = || -> Value {
            let text = std::fs::read(book.join(format!("{}.ada.json", namespace.name()))).unwrap();
            serde_json::from_slice(&text).unwrap()
        };
        let badges = ["ada, guest of Charles"];
        assert_eq!(entry(), json!({"name": "ada", "host": "Charles", "phone": u32::MAX, "badges": badges}));
        let get = async |what: &str| -> Value {
            serde_json::from_str(&namespace.kubectl(&["get", "-o", "json", what]).await.unwrap()).unwrap()
        };
        let ada = get("guest/ada").await;
        assert_eq!(ada["status"]["entry"], json!(format!("{}.ada.json", namespace.name())));

        // The server ends, and another one takes its place.
        server.kill().await.unwrap();
        let patch = json!({"spec": {"host": "Mary"}}).to_string();
        namespace.kubectl(&["patch", "guest", "ada", "--type=merge", "-p", &patch]).await.unwrap();
        wait(namespace, "ada", "TargetUnavailable").await;
        let _server = serve(&address, &log);
        wait(namespace, "ada", "SyncSucceeded").await;
        assert_eq!(entry()["badges"], json!(["ada, guest of Mary"]));

        // Somebody whom the book knows first.
        std::fs::write(book.join("by-hand.1.json"), json!({"name": "eve", "host": "Ada"}).to_string()).unwrap();
        let is_there = async || {
            let all = get("guests").await;
            let found = all["items"].as_array().unwrap().iter().any(|one| one["spec"]["name"] == "eve");
            if found { Ok(()) } else { Err(all.to_string()) }
        };
        eventually(SOON, "an object for eve", is_there).await.unwrap();

        namespace.kubectl(&["delete", "guest", "ada", "--timeout=60s"]).await.unwrap();
        assert!(!book.join(format!("{}.ada.json", namespace.name())).exists());
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
