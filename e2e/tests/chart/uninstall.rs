//! `helm uninstall` does not hang, whatever is left of the synchronizer and its backend; objects that are made
//! afterwards can be deleted.

use std::time::Duration;

use xos_harness::{Directory, TestNamespace, eventually, namespace};

use crate::released::{LONG, Release, finalizers};

/// Installs with a directory of the test's own, which outlives the release.
async fn with_directory<'a>(namespace: &'a TestNamespace, set: &[&str]) -> (Release<'a>, Directory) {
    let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
    let url = format!("directory.enabled=false,settings.directory_url={}", directory.url());
    (Release::install(namespace, &[&[url.as_str()], set].concat()).await, directory)
}

#[tokio::test]
async fn retain_frees_500_objects_and_keeps_them_and_their_backend() {
    namespace::with("retain", async |namespace| {
        let (release, directory) = with_directory(namespace, &[]).await;
        release.make(500).await;
        release.all_ready(500).await;
        let before = directory.stats().await.unwrap();

        release.uninstall().await;
        let all = release.people.all().await.unwrap();
        assert_eq!(all.len(), 500);
        for one in &all {
            assert!(finalizers(one).is_empty() && one["metadata"]["deletionTimestamp"].is_null(), "{one:#}");
            assert!(one["status"]["synchronizers"].as_array().is_none_or(Vec::is_empty), "{one:#}");
        }
        assert_eq!(directory.people().await.unwrap().len(), 500);
        assert_eq!(directory.stats().await.unwrap(), before);
        release.nothing_is_left().await;
        release.objects_can_be_deleted().await;
        directory.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn delete_removes_500_objects_and_what_they_stand_for() {
    namespace::with("delete", async |namespace| {
        let (release, directory) = with_directory(namespace, &["uninstall.policy=Delete"]).await;
        release.make(500).await;
        release.all_ready(500).await;
        assert_eq!(directory.people().await.unwrap().len(), 500);

        release.uninstall().await;
        assert_eq!(release.people.count().await.unwrap(), 0);
        assert!(directory.people().await.unwrap().is_empty());
        // Each once.
        let deletes = directory.stats().await.unwrap().deletes;
        assert!(deletes.len() >= 500 && deletes.values().all(|count| *count == 1), "{deletes:?}");
        release.nothing_is_left().await;
        release.objects_can_be_deleted().await;
        directory.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn with_a_dead_backend_delete_ends_at_its_limit_and_names_what_stays() {
    namespace::with("dead", async |namespace| {
        let set = ["uninstall.policy=Delete", "uninstall.limit=3s", "config.shutdown_grace=1s"];
        let (release, directory) = with_directory(namespace, &set).await;
        release.make(20).await;
        release.all_ready(20).await;
        directory.stop().await.unwrap();

        let took = release.uninstall().await;
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert_eq!(release.people.count().await.unwrap(), 0);
        let log = release.logs();
        let named = format!("mymodels.example.xos.opencord.org {}/p0000", namespace.name());
        for part in ["3s are over: these are freed now", named.as_str(), "is uninstalled"] {
            assert!(log.contains(part), "{part} in {log}");
        }
        release.objects_can_be_deleted().await;
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn without_its_controller_it_ends_all_the_same() {
    for policy in ["Retain", "Delete"] {
        namespace::with("gone", async |namespace| {
            let policy = format!("uninstall.policy={policy}");
            let (release, directory) = with_directory(namespace, &[&policy]).await;
            release.make(20).await;
            release.all_ready(20).await;
            namespace.kubectl(&["delete", "deployment", "demo-xos-controller", "--wait=false"]).await.unwrap();

            let took = release.uninstall().await;
            assert!(took < Duration::from_secs(60), "{took:?}");
            let left = release.people.all().await.unwrap();
            assert_eq!(left.len(), if policy.ends_with("Retain") { 20 } else { 0 });
            assert!(left.iter().all(|one| finalizers(one).is_empty()));
            release.nothing_is_left().await;
            release.objects_can_be_deleted().await;
            directory.stop().await.unwrap();
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_comes_to_its_end() {
    namespace::with("home", async |home| {
        namespace::with("leaving", async |namespace| {
            let directory = Directory::start(home.folder(), &home.log("directory")).await.unwrap();
            let release = Release::prepare(home).await;
            let url = format!("directory.enabled=false,settings.directory_url={}", directory.url());
            let places = format!("namespaces={{{},{}}}", home.name(), namespace.name());
            release.helm(&["install"], &[&url, &places, "config.shutdown_grace=1s"]).await.unwrap();
            let there = Release::prepare(namespace).await;
            there.make(20).await;
            there.all_ready(20).await;
            // Its objects cannot go: the backend does not answer.
            directory.stop().await.unwrap();
            namespace.kubectl(&["delete", "namespace", namespace.name(), "--wait=false"]).await.unwrap();
            eventually(LONG, "an object that is being deleted", async || {
                let all = there.people.all().await.map_err(|error| error.to_string())?;
                let is_deleted = all.iter().any(|one| one["metadata"]["deletionTimestamp"].is_string());
                if is_deleted { Ok(()) } else { Err("none".to_owned()) }
            })
            .await
            .unwrap();

            let took = release.uninstall().await;
            assert!(took < Duration::from_secs(60), "{took:?}");
            eventually(LONG, "the end of the namespace", async || {
                let seen = home.cluster().kubectl().run(&["get", "namespace", namespace.name()]).await;
                let seen = seen.map_err(|error| error.to_string())?;
                if seen.all().contains("NotFound") { Ok(()) } else { Err(seen.all()) }
            })
            .await
            .unwrap();
        })
        .await
        // The namespace is deleted already.
        .unwrap_or_else(|error| eprintln!("{error}"));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn where_no_pod_can_run_it_fails_in_time_and_says_what_to_do() {
    namespace::with("no-pods", async |namespace| {
        let (release, directory) = with_directory(namespace, &["uninstall.deadlineSeconds=3"]).await;
        release.make(3).await;
        release.all_ready(3).await;
        release.pods.pause();
        let refused = release.helm.run(&["uninstall", "demo", "-n", namespace.name()]).await.unwrap();
        assert!(!refused.status.success(), "{}", refused.all());
        // By hand, as the docs say.
        let program = xos_harness::paths::program("xos").unwrap();
        let by_hand = |arguments: Vec<String>| {
            tokio::process::Command::new(&program)
                .args(arguments)
                .env("KUBECONFIG", namespace.cluster().kubeconfig())
                .kill_on_drop(true)
                .output()
        };
        namespace.kubectl(&["scale", "deployment", "demo-xos-controller", "--replicas=0"]).await.unwrap();
        release.helm.ok(&["uninstall", "demo", "-n", namespace.name(), "--no-hooks"]).await.unwrap();
        eventually(LONG, "no pods", async || {
            let pods = namespace.kubectl(&["get", "pods", "-o", "name"]).await.map_err(|error| error.to_string())?;
            if pods.contains("demo-xos-controller-") && !pods.contains("uninstall") { Err(pods) } else { Ok(()) }
        })
        .await
        .unwrap();
        let run = by_hand(vec!["uninstall".into(), release.name.clone(), "--yes".into()]).await.unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
        assert!(release.people.all().await.unwrap().iter().all(|one| finalizers(one).is_empty()));
        directory.stop().await.unwrap();
    })
    .await
    .unwrap();
}
