//! A rolling update of two replicas, while people are changed: nothing is lost, nothing is done again, and somebody
//! leads nearly all the time.

use std::time::Duration;

use serde_json::Value;
use xos_harness::{
    TestNamespace, eventually,
    example::{People, is_ready, person},
    helm::{Helm, chart},
};

use crate::{SOON, images::imported, on_the_node};

const LEASE: &str = "leader-xos-example";
/// Those who are not changed meanwhile.
const STILL: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_hands_over_and_loses_nothing() {
    let image = imported("xos-example").await;
    on_the_node("rolling", async |namespace| {
        let helm = Helm::of(namespace.cluster(), namespace.folder()).await.unwrap();
        let here = namespace.name();
        let (repository, tag) = image.rsplit_once(':').unwrap();
        let set = format!("image.repository={repository},image.tag={tag}");
        let chart = chart();
        let with = [chart.to_str().unwrap(), "-n", here, "--wait", "--set-string", &set, "--set", "replicas=2"];
        helm.ok(&[&["install", "demo"], &with[..]].concat()).await.unwrap_or_else(|error| panic!("{error}"));
        let people = People::new(namespace.client(), here);
        let names: Vec<_> = (0..STILL).map(|number| format!("still-{number}")).collect();
        for name in &names {
            namespace.apply(&person(name, "Ada", name).to_string()).await.unwrap();
        }
        namespace.apply(&person("busy", "Grace", "0").to_string()).await.unwrap();
        people.ready("busy").await.unwrap();
        let mut before = vec![];
        for name in &names {
            before.push(people.ready(name).await.unwrap());
        }
        let first = holder(namespace).await;

        // Somebody is changed all the time, until the update is over.
        let upgrade = [&["upgrade", "demo"], &with[..], &["--set", "config.concurrency=4"]].concat();
        let (upgraded, changes) = tokio::join!(
            async {
                let upgraded = helm.ok(&upgrade).await;
                // It may be before the last of the old pods has ended.
                gone(namespace, &first).await;
                namespace.kubectl(&["annotate", "mymodel", "busy", "test=over"]).await.unwrap();
                upgraded
            },
            change_until_over(namespace, &people),
        );
        upgraded.unwrap_or_else(|error| panic!("{error}"));
        let second = eventually(SOON, "one of the new pods to lead", async || {
            let holder = holder(namespace).await;
            if holder.is_empty() || holder == first { Err(holder) } else { Ok(holder) }
        });
        let second = second.await.unwrap();
        eprintln!("from {first} to {second}, with {} changes meanwhile; the slowest took {:.1?}", changes.0, changes.1);
        // A hand-over takes up to 2 s, and the machine may be busy.
        assert!(changes.1 < Duration::from_secs(20), "{:?}", changes.1);

        let busy = people.ready("busy").await.unwrap();
        assert_eq!(busy["spec"]["lastName"], changes.0.to_string());
        for (name, before) in names.iter().zip(before) {
            let after = people.find(name).await.unwrap().unwrap();
            assert!(is_ready(&after), "{after:#}");
            assert_eq!(after["status"]["history"], before["status"]["history"], "{name} was done again");
        }
        helm.ok(&["uninstall", "demo", "-n", here]).await.unwrap_or_else(|error| panic!("{error}"));
        namespace.kubectl(&["delete", "mymodel", "--all"]).await.unwrap();
    })
    .await;
}

/// Changes a person again and again, each time when it is Ready, until it is told to stop. Returns how often, and the
/// longest time that it took.
async fn change_until_over(namespace: &TestNamespace, people: &People) -> (usize, Duration) {
    let (mut count, mut longest) = (0, Duration::ZERO);
    loop {
        count += 1;
        let patch = format!(r#"{{"spec": {{"lastName": "{count}"}}}}"#);
        let start = std::time::Instant::now();
        namespace.kubectl(&["patch", "mymodel", "busy", "--type=merge", "-p", &patch]).await.unwrap();
        let ready = people.ready("busy").await.unwrap();
        longest = longest.max(start.elapsed());
        if ready["metadata"]["annotations"]["test"] == "over" {
            return (count, longest);
        }
    }
}

/// Returns who has the Lease.
async fn holder(namespace: &TestNamespace) -> String {
    let lease = namespace.kubectl(&["get", "lease", LEASE, "-o", "json"]).await.unwrap();
    let lease: Value = serde_json::from_str(&lease).unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

/// Waits until the pod has ended that had the Lease.
async fn gone(namespace: &TestNamespace, holder: &str) {
    let (pod, _) = holder.rsplit_once('_').unwrap();
    eventually(SOON, format!("the pod {pod} to be gone"), async || {
        let pods = namespace.kubectl(&["get", "pods", "-o", "name"]).await.map_err(|error| error.to_string())?;
        if pods.lines().any(|one| one == format!("pod/{pod}")) { Err(pods) } else { Ok(()) }
    })
    .await
    .unwrap();
}
