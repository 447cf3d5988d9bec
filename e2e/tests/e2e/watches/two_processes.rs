//! Two processes of one name both say so, until one of them ends.

use serde_json::json;
use xos_harness::example::{Example, launch_with};
use xos_harness::{eventually, namespace};

use super::{Monitoring, TOLD};
use crate::causes;

impl Monitoring {
    /// Waits until the controller is ready, with or without a warning of another process.
    async fn warns(&self, warns: bool) {
        eventually(TOLD, format!("/readyz with a warning: {warns}"), async || match self.get("/readyz").await? {
            (200, text) if text.contains("warning: another process of the name example") == warns => Ok(()),
            (status, text) => Err(format!("{status} {text}")),
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn both_say_so_until_one_ends_and_a_restart_is_no_alarm() {
    namespace::with("two-processes", async |namespace| {
        let first = Monitoring::new();
        let mut example =
            Example::start_with(namespace, &first.config()).await.unwrap_or_else(|e| panic!("{}", causes(&e)));
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        first.warns(false).await;

        let second = Monitoring::new();
        let folder = namespace.folder().join("second");
        std::fs::create_dir(&folder).unwrap();
        let log = namespace.log("second");
        let (cluster, name) = (namespace.cluster(), namespace.name());
        let launch = launch_with(cluster, name, &example.directory, &folder, &log, &second.config()).await.unwrap();
        let mut other = launch.start().unwrap();
        first.warns(true).await;
        second.warns(true).await;
        second.has_metric("xos_other_processes 1").await;
        let told = "another process of this name works on the same objects";
        for log in [example.synchronizer.log(), other.log()] {
            assert!(std::fs::read_to_string(log).unwrap().contains(told));
        }
        // It says when it ends.
        other.stop().await.unwrap();
        first.warns(false).await;

        // One that was killed is not believed.
        example.synchronizer.kill().await.unwrap();
        example.synchronizer = example.launch.start().unwrap();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        first.warns(false).await;
        let log = std::fs::read_to_string(example.synchronizer.log()).unwrap();
        assert_eq!(log.matches(told).count(), 1, "only of the second one, before");

        let lease = namespace.kubectl(&["get", "lease", "xos-example", "-o", "json"]).await.unwrap();
        let before: serde_json::Value = serde_json::from_str(&lease).unwrap();
        example.patch("grace", &json!({"lastName": "Murray"})).await.unwrap();
        example.people.until("grace", "changed", |o| o["spec"]["lastName"] == "Murray").await.unwrap();
        let lease = namespace.kubectl(&["get", "lease", "xos-example", "-o", "json"]).await.unwrap();
        let after: serde_json::Value = serde_json::from_str(&lease).unwrap();
        let version = |lease: &serde_json::Value| lease["metadata"]["resourceVersion"].clone();
        assert_eq!(version(&before), version(&after), "nothing is written at rest");
    })
    .await
    .unwrap();
}
