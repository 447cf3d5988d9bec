//! Several releases in one cluster do not disturb each other: two services in two namespaces, and one service in two.

use xos_harness::{eventually, namespace};

use crate::released::{LONG, Release, finalizers};

#[tokio::test]
async fn two_services_in_two_namespaces() {
    namespace::with("first", async |a| {
        namespace::with("second", async |b| {
            let (first, second) = (Release::install(a, &[]).await, Release::install(b, &[]).await);
            for release in [&first, &second] {
                release.make(5).await;
                release.all_ready(5).await;
            }
            first.uninstall().await;
            first.nothing_is_left().await;
            goes_on(&second).await;
            second.uninstall().await;
            second.nothing_is_left().await;
        })
        .await
        .unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn one_service_in_two_namespaces() {
    namespace::with("one", async |a| {
        namespace::with("other", async |b| {
            let first = Release::install(a, &[]).await;
            let mut second = Release::prepare(b).await;
            second.name.clone_from(&first.name);
            second.helm(&["install"], &[]).await.unwrap();
            for release in [&first, &second] {
                release.make(5).await;
                release.all_ready(5).await;
            }
            // Its admission policy goes with it; the other one's controller sets finalizers itself.
            first.uninstall().await;
            assert!(first.people.all().await.unwrap().iter().all(|one| finalizers(one).is_empty()));
            goes_on(&second).await;
            // It could not be for all namespaces: the message says so.
            second.helm(&["upgrade"], &[]).await.unwrap();
            let third = Release::prepare(a).await;
            let name = format!("name={}", first.name);
            let chart = xos_harness::helm::chart();
            let all = ["install", "demo", chart.to_str().unwrap(), "-n", a.name(), "--set", &name];
            let refused = third.helm.run(&all).await.unwrap();
            let said = format!("the release demo in namespace {} is the synchronizer", b.name());
            assert!(!refused.status.success() && refused.stderr.contains(&said), "{}", refused.all());
            second.uninstall().await;
        })
        .await
        .unwrap();
    })
    .await
    .unwrap();
}

/// Proves that a release still holds its objects, handles new ones, and deletes.
async fn goes_on(release: &Release<'_>) {
    let finalizer = format!("sync.xos.opencord.org/{}", release.name);
    for one in release.people.all().await.unwrap() {
        assert_eq!(finalizers(&one), [finalizer.as_str()], "{one:#}");
    }
    release.namespace.apply(&xos_harness::example::person("new", "N", "ew").to_string()).await.unwrap();
    release.people.ready("new").await.unwrap();
    release.namespace.kubectl(&["delete", "mymodel", "--all", "--wait=false"]).await.unwrap();
    eventually(LONG, "no people", async || match release.people.count().await {
        Ok(0) => Ok(()),
        other => Err(format!("{other:?}\n{}", release.logs())),
    })
    .await
    .unwrap();
}
