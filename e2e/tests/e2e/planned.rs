//! What `xos plan` tells of an apply to a real cluster is what the apply then does.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use xos_harness::{Directory, TestNamespace, documents, eventually, example::SOON, namespace, paths};

/// Another service of the cluster may have teams, too.
const TEAM: &str = "teams.people.xos.opencord.org";

fn person(name: &str, last_name: &str, department: &str) -> Value {
    let spec = json!({"firstName": name, "lastName": last_name, "department": department});
    json!({"apiVersion": "people.xos.opencord.org/v1", "kind": "Person", "metadata": {"name": name}, "spec": spec})
}

/// Runs `xos plan` on the objects of the cluster. Returns what it prints, and its exit code.
async fn plan(namespace: &TestNamespace, arguments: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(paths::program("xos").unwrap());
    command.arg("plan").args(arguments).args(["-n", namespace.name(), "--config"]);
    command.arg(paths::repository().join("config/people/config.yaml"));
    command.env("KUBECONFIG", namespace.cluster().kubeconfig()).stdin(Stdio::null());
    let ran = command.output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    (String::from_utf8(ran.stdout).unwrap(), ran.status.code())
}

#[tokio::test]
async fn a_plan_of_a_cluster_is_what_then_happens() {
    namespace::with("planned", async |namespace| {
        let log = namespace.log("synchronizer");
        let directory = Directory::start_in_memory(&namespace.log("directory")).await.unwrap();
        let here = namespace.name();
        let folder = namespace.folder();
        let launch = documents::people(namespace.cluster(), here, &directory, folder, &log).await.unwrap();
        let mut running = launch.start().unwrap();
        let before = person("ada", "Lovelace", "engines").to_string();
        eventually(SOON, "its kinds to be served", async || namespace.apply(&before).await.map(drop)).await.unwrap();
        let both = format!("person,{TEAM}");
        let ready = ["wait", "--for=condition=Ready", &both, "--all", "--timeout=60s"];
        namespace.kubectl(&ready).await.unwrap();
        eventually(SOON, "the team in the backend", async || {
            let stats = directory.stats().await.map_err(|error| error.to_string())?;
            if stats.puts.contains_key("teams/engines") { Ok(()) } else { Err(format!("{stats:?}")) }
        })
        .await
        .unwrap();

        let file = folder.join("next.yaml");
        let file = file.to_str().unwrap();
        std::fs::write(file, &before).unwrap();
        let (told, code) = plan(namespace, &[file]).await;
        assert_eq!(code, Some(0), "nothing would be done: {told}");

        std::fs::write(file, person("ada", "Byron", "poems").to_string()).unwrap();
        let (told, code) = plan(namespace, &[file]).await;
        assert_eq!(code, Some(1), "{told}");
        for line in [
            format!("change     Person {here}/ada (by policy team-of-department)"),
            "lastName: \"Lovelace\" -> \"Byron\"".to_owned(),
            "team: engines -> poems".to_owned(),
            format!("create     Team {here}/poems (by policy team-of-department)"),
            format!("1. team: Team {here}/poems"),
            format!("2. person: Person {here}/ada, after Team {here}/poems (team)"),
            "1 created, 1 changed, 0 touched, 0 deleted, 0 unchanged; 2 calls of steps.".to_owned(),
        ] {
            assert!(told.contains(&line), "{line}\n---\n{told}");
        }
        let stats = directory.stats().await.unwrap();
        namespace.kubectl(&["apply", "-f", file]).await.unwrap();
        eventually(SOON, "the calls that were planned, and no others", async || {
            let now = directory.stats().await.map_err(|error| error.to_string())?;
            let more = |id: &str| now.puts.get(id).unwrap_or(&0) - stats.puts.get(id).unwrap_or(&0);
            let calls: u64 = now.puts.keys().map(|id| more(id)).sum();
            if (more("teams/poems"), more("ada"), calls) == (1, 1, 2) { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await
        .unwrap();
        namespace.kubectl(&ready).await.unwrap();
        let ada = directory.people_json().await.unwrap()["ada"].clone();
        assert_eq!((&ada["last_name"], &ada["team"]), (&json!("Byron"), &json!("poems")));

        let (told, code) = plan(namespace, &["--delete", "Team/poems"]).await;
        assert_eq!(code, Some(1), "{told}");
        let goes = format!("delete     Person {here}/ada (goes with Team {here}/poems, by its link team)");
        assert!(told.contains(&goes), "{told}");
        namespace.kubectl(&["delete", TEAM, "poems", "--timeout=60s"]).await.unwrap();
        namespace.kubectl(&["wait", "--for=delete", "person/ada", "--timeout=60s"]).await.unwrap();
        assert_eq!(directory.people_json().await.unwrap(), json!({}));
        namespace.kubectl(&["delete", TEAM, "--all", "--timeout=60s"]).await.unwrap();
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
