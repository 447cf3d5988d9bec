//! A connection that dies without a word is noticed, told, and replaced.

use std::time::{Duration, Instant};

use serde_json::json;
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::namespace;

use super::{Monitoring, synchronizer};
use crate::chaos::proxy::Proxy;

const MODELS: &str = "option app_label = \"deadwatch\";
    message Lamp (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn a_dead_connection_is_told_and_the_watch_goes_on_where_it_was() {
    namespace::with("dead-watch", async |namespace| {
        let calls = Calls::default();
        let monitoring = Monitoring::new();
        let proxy = Proxy::start(namespace.client(), 1, 0.0).await.unwrap();
        let config = monitoring.config();
        let synchronizer = synchronizer("deadwatch", MODELS, &["Lamp"], &calls);
        let client = proxy.client();
        let controller = Controller::start_as(client, namespace, "deadwatch", synchronizer, &config).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Lamp").await.unwrap();
        objects.create("Lamp", "a", json!({"name": "a"})).await.unwrap();
        objects.ready("Lamp", "a").await.unwrap();
        monitoring.ready().await;

        proxy.keep_silent(true);
        let began = Instant::now();
        monitoring.not_ready(&["changes of Lamp in namespace", "are not seen since"]).await;
        let noticed = began.elapsed();
        // The limit is 30 s; the machine may be busy.
        assert!(noticed < Duration::from_secs(45), "{noticed:?}");
        let place = format!("{{model=\"Lamp\",namespace=\"{}\"}}", namespace.name());
        monitoring.has_metric(&format!("xos_watch_up{place} 0")).await;
        objects.create("Lamp", "b", json!({"name": "b"})).await.unwrap();

        proxy.keep_silent(false);
        objects.ready("Lamp", "b").await.unwrap();
        monitoring.ready().await;
        monitoring.has_metric(&format!("xos_watch_up{place} 1")).await;
        assert_eq!(calls.all(), ["Lamp sync a", "Lamp sync b"], "nothing is handled twice");
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
