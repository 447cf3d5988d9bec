//! Without an election a second process says that it waits, and works when the first one has ended.

use serde_json::json;
use xos_harness::example::{Example, launch_with};
use xos_harness::{TestNamespace, eventually, namespace};

use super::SOON;
use crate::causes;
use crate::monitoring::Monitoring;

async fn says(monitoring: &Monitoring, words: &str) {
    eventually(SOON, format!("/readyz to say {words}"), async || match monitoring.get("/readyz").await? {
        (200, text) if text.contains(words) => Ok(()),
        (status, text) => Err(format!("{status} {text}")),
    })
    .await
    .unwrap();
}

async fn presence(namespace: &TestNamespace) -> serde_json::Value {
    let lease = namespace.kubectl(&["get", "lease", "xos-example", "-o", "json"]).await.unwrap();
    serde_json::from_str(&lease).unwrap()
}

#[tokio::test]
async fn the_second_one_waits_and_a_restart_does_not() {
    namespace::with("one-after-another", async |namespace| {
        let first = Monitoring::new();
        let mut example =
            Example::start_with(namespace, &first.config()).await.unwrap_or_else(|e| panic!("{}", causes(&e)));
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        first.ready().await;

        let second = Monitoring::new();
        let folder = namespace.folder().join("second");
        std::fs::create_dir(&folder).unwrap();
        let log = namespace.log("second");
        let (cluster, name) = (namespace.cluster(), namespace.name());
        let launch = launch_with(cluster, name, &example.directory, &folder, &log, &second.config()).await.unwrap();
        let other = launch.start().unwrap();
        says(&second, "standing by: ").await;
        let told = std::fs::read_to_string(other.log()).unwrap();
        assert!(told.contains("this one waits until that one ends"), "{told}");
        example.patch("ada", &json!({"lastName": "King"})).await.unwrap();
        example.people.until("ada", "changed", |o| o["spec"]["lastName"] == "King").await.unwrap();
        example.people.ready("ada").await.unwrap();
        assert_eq!(example.writes().await.unwrap().0, 2, "one of them works");
        assert_eq!(first.get("/readyz").await.unwrap().1, "ok\n", "nobody disturbs it");

        // The first one ends in good order.
        example.synchronizer.stop().await.unwrap();
        let since = std::time::Instant::now();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        eprintln!("measured: the second one worked {:?} after the end of the first", since.elapsed());
        says(&second, "ok").await;

        // One that was killed here is not waited for.
        let mut other = other;
        other.kill().await.unwrap();
        let since = std::time::Instant::now();
        example.synchronizer = example.launch.start().unwrap();
        example.apply("joan", "Joan", "Clarke").await.unwrap();
        example.people.ready("joan").await.unwrap();
        eprintln!("measured: a restart after kill -9 worked after {:?}", since.elapsed());
        let log = std::fs::read_to_string(example.synchronizer.log()).unwrap();
        assert!(!log.contains("waits until"), "{log}");

        let before = presence(namespace).await;
        example.patch("grace", &json!({"lastName": "Murray"})).await.unwrap();
        example.people.until("grace", "changed", |o| o["spec"]["lastName"] == "Murray").await.unwrap();
        let after = presence(namespace).await;
        let version = |lease: &serde_json::Value| lease["metadata"]["resourceVersion"].clone();
        assert_eq!(version(&before), version(&after), "nothing is written at rest");
    })
    .await
    .unwrap();
}
