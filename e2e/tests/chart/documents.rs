//! A service that is not compiled, installed with the stock image: its models and documents are values.

use std::process::Stdio;

use serde_json::json;
use xos_harness::{Cluster, Directory, control::ServeOptions, eventually, example::SOON, namespace, paths};

use crate::released::Release;

#[tokio::test]
async fn a_service_of_documents_is_installed_with_the_stock_image() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    namespace::with_in(cluster, "documents", async |namespace| {
        let release = Release::prepare(namespace).await;
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let service = paths::repository().join("config/people");
        let text = |file: &str| std::fs::read_to_string(service.join(file)).unwrap();
        let values = namespace.folder().join("values.yaml");
        let given = json!({
            "name": "people",
            "image": {"repository": "xos-controller"},
            "directory": {"enabled": false},
            "settings": {"directory_url": directory.url()},
            "modelSets": {"people": {"xprotos": {"people.xproto": text("models/people.xproto")}}},
            "steps": {
                "directory.yaml": text("steps/directory.yaml"), "team.yaml": text("policies/team.yaml"),
                "desk.yaml": text("pulls/desk.yaml"),
            },
        });
        std::fs::write(&values, given.to_string()).unwrap();
        // As its author makes them.
        let kinds = namespace.folder().join("kinds.yaml");
        let mut rbac = tokio::process::Command::new(paths::program("xos").unwrap());
        rbac.args(["rbac", "--values", "--config"]).arg(service.join("config.yaml")).stdin(Stdio::null());
        let printed = rbac.output().await.unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        std::fs::write(&kinds, printed.stdout).unwrap();

        let chart = xos_harness::helm::chart();
        let install =
            ["install", "demo", chart.to_str().unwrap(), "-n", namespace.name(), "--wait", "--timeout", "120s"];
        let files = ["-f", kinds.to_str().unwrap(), "-f", values.to_str().unwrap()];
        let installed = release.helm.ok(&[&install[..], &files].concat()).await;
        installed.unwrap_or_else(|error| panic!("{error}\n{}", release.logs()));
        let objects = text("objects.yaml");
        eventually(SOON, "its kinds to be served", async || namespace.apply(&objects).await.map(drop)).await.unwrap();
        let ready = ["wait", "--for=condition=Ready", "person,team", "--all", "--timeout=60s"];
        namespace.kubectl(&ready).await.unwrap_or_else(|error| panic!("{error}\n{}", release.logs()));
        let people = directory.people_json().await.unwrap();
        assert_eq!(
            (&people["ada"]["team"], &people["grace"]["full_name"]),
            (&json!("engines"), &json!("Grace Hopper"))
        );

        release.uninstall().await;
        namespace.kubectl(&["delete", "person,team", "--all", "--timeout=60s"]).await.unwrap();
    })
    .await
    .unwrap();
}
