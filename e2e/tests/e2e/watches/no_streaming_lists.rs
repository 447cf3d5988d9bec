//! On an API server without streaming lists, and on the oldest that can be had here, everything works.

use xos_harness::control::ServeOptions;
use xos_harness::example::Example;
use xos_harness::{Cluster, namespace};

use crate::causes;

/// The example is created, changed and deleted on an API server with these flags.
async fn works_with(flags: &[&str]) {
    let cluster = Cluster::start(ServeOptions::with_api_server_flags(flags))
        .await
        .unwrap_or_else(|error| panic!("{}", causes(&error)));
    let test = async |namespace: &xos_harness::TestNamespace| {
        let mut example = Example::start(namespace).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        // What is there at the start is listed, and what comes later is seen.
        example.synchronizer.stop().await.unwrap();
        example.patch("ada", &serde_json::json!({"lastName": "King"})).await.unwrap();
        example.synchronizer = example.launch.start().unwrap();
        example.people.ready("ada").await.unwrap();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        example.people.ready("grace").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Ada King", "Grace Hopper"]);
        example.delete("ada").await.unwrap();
        example.people.gone("ada").await.unwrap();
        let log = std::fs::read_to_string(example.synchronizer.log()).unwrap();
        assert!(!log.contains("watch interrupted"), "{log}");
        example.synchronizer.stop().await.unwrap();
    };
    namespace::with_in(cluster, "no-streaming-lists", test).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
}

#[tokio::test]
async fn without_streaming_lists_objects_are_listed_by_pages() {
    works_with(&["--feature-gates=WatchList=false"]).await;
}

#[tokio::test]
async fn the_oldest_kubernetes_that_can_be_emulated_works() {
    works_with(&["--emulated-version=1.34", "--feature-gates=WatchList=false"]).await;
}
