//! `helm install demo charts/xos-controller`, and nothing else: a controller of the example service that works, under
//! the restricted Pod Security standard, until `helm uninstall`.

use std::time::{Duration, Instant};

use xos_harness::{Cluster, control::ServeOptions, eventually, example::is_ready, namespace, paths};

use crate::released::{LONG, Release, finalizers, restrict};

#[tokio::test]
async fn alone_it_gives_a_working_example() {
    // It looks after all namespaces.
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    namespace::with_in(cluster, "install", async |namespace| {
        restrict(namespace).await;
        let release = Release::prepare(namespace).await;
        let chart = xos_harness::helm::chart();
        let start = Instant::now();
        let here = namespace.name();
        let installed = release.helm.ok(&["install", "demo", chart.to_str().unwrap(), "-n", here, "--wait"]).await;
        let notes = installed.unwrap_or_else(|error| panic!("{error}\n{}", release.logs()));

        // The next commands are those of the notes.
        let commands = notes.split("Make one:\n").nth(1).unwrap().split("\n\nA check").next().unwrap();
        let script =
            commands.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let run = tokio::process::Command::new("bash")
            .args(["-euc", &script])
            .env("KUBECONFIG", namespace.cluster().kubeconfig())
            .env("PATH", path_with_kubectl(namespace.cluster()))
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let shown = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{shown}{}\n{}", String::from_utf8_lossy(&run.stderr), release.logs());
        let took = start.elapsed();
        eprintln!("helm install to the first Ready object: {took:.1?}");
        assert!(took < Duration::from_secs(60), "{took:?}");
        for part in ["mymodel.example.xos.opencord.org/ada condition met", "ada    True    SyncSucceeded   OK"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let ada = release.people.find("ada").await.unwrap().unwrap();
        assert!(is_ready(&ada) && finalizers(&ada) == ["sync.xos.opencord.org/example"], "{ada:#}");

        // The check of the chart.
        let tested = release.helm.ok(&["test", "demo", "-n", here]).await;
        let tested = tested.unwrap_or_else(|error| panic!("{error}\n{}", release.logs()));
        assert!(tested.contains("Phase:          Succeeded"), "{tested}");
        let log = std::fs::read_to_string(release.pods.folder().join("demo-xos-controller-test.log")).unwrap();
        assert!(log.contains("is Ready after") && log.contains("is gone after"), "{log}");

        release.uninstall().await;
        let ada = release.people.find("ada").await.unwrap().unwrap();
        assert!(finalizers(&ada).is_empty(), "{ada:#}");
        release.objects_can_be_deleted().await;

        // Again, over what is there, and then without a trace.
        let delete = "uninstall.policy=Delete,uninstall.definitions=true";
        let again = ["install", "demo", chart.to_str().unwrap(), "-n", here, "--set", delete, "--wait"];
        release.helm.ok(&again).await.unwrap_or_else(|error| panic!("{error}\n{}", release.logs()));
        release.people.until("ada", "held again", |o| !finalizers(o).is_empty() && is_ready(o)).await.unwrap();
        release.uninstall().await;
        let definitions = namespace.kubectl(&["get", "crd", "-o", "name"]).await.unwrap();
        assert_eq!(definitions, "", "{}", release.logs());
    })
    .await
    .unwrap();
}

/// Without any right for the whole cluster: an administrator applies the definitions, and the release waits for them.
#[tokio::test]
async fn a_namespaced_release_waits_for_the_definitions_and_works() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    namespace::with_in(cluster, "namespaced", async |namespace| {
        let release = Release::prepare(namespace).await;
        release.helm(&["install", "--timeout", "60s"], &["rbac.scope=Namespaced"]).await.unwrap();
        eventually(LONG, "the missing definitions in the log", async || {
            let logs = release.logs();
            let is_told =
                logs.contains("waiting for custom resource definitions") && logs.contains("teams.example.xos");
            if is_told { Ok(()) } else { Err(logs) }
        })
        .await
        .unwrap();
        let program = paths::program("example-synchronizer").unwrap();
        let printed = tokio::process::Command::new(program).arg("crds").output().await.unwrap();
        let text = String::from_utf8(printed.stdout).unwrap();
        let applied = namespace.feed(&["apply", "--server-side", "-f", "-"], &text).await.unwrap();
        assert!(applied.status.success(), "{}", applied.all());
        release.people.established().await.unwrap();
        release.make(10).await;
        release.all_ready(10).await;
        let wide = namespace.kubectl(&["get", "clusterroles,clusterrolebindings", "-o", "name"]).await.unwrap();
        assert!(!wide.contains(&format!("xos:{}", namespace.name())), "{wide}");
        release.uninstall().await;
        assert!(release.people.all().await.unwrap().iter().all(|one| finalizers(one).is_empty()));
        release.objects_can_be_deleted().await;
    })
    .await
    .unwrap();
}

fn path_with_kubectl(cluster: &Cluster) -> String {
    let kubectl = cluster.served().unwrap().ready().bin_dir.display().to_string();
    format!("{kubectl}:{}", std::env::var("PATH").unwrap())
}
