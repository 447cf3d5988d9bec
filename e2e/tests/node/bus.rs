//! A pod reaches a Kafka broker by the name of a Service.

use serde_json::json;
use xos_harness::{
    eventually,
    kafka::{Broker, Client, ForPods, PODS_PORT},
};

use crate::{SOON, images::imported, on_the_node, pod, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_sends_a_message_to_a_broker_that_it_knows_by_name() {
    let image = imported("xos-controller").await;
    on_the_node("kafka", async |namespace| {
        let node = namespace.cluster().node().unwrap();
        let name = format!("kafka.{}.svc.cluster.local", namespace.name());
        let pods = ForPods { address: node.host, name: name.clone() };
        let broker = Broker::start_for_pods(&namespace.folder().join("kafka"), pods).await.unwrap();
        namespace.apply(&node.service_of_host("kafka", PODS_PORT).to_string()).await.unwrap();
        let config =
            json!({"name": "people", "event_bus": {"kind": "kafka", "endpoint": format!("{name}:{PODS_PORT}")}});
        let files = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "files"},
            "data": {"config.yaml": config.to_string(), "message": "ada"},
        });
        namespace.apply(&files.to_string()).await.unwrap();

        let command = ["events", "send", "arrivals", "/files/message", "--create", "--config", "/files/config.yaml"];
        let mut sender = pod("sender", &image, &command);
        sender["spec"]["volumes"] = json!([{"name": "files", "configMap": {"name": "files"}}]);
        sender["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "files", "mountPath": "/files"}]);
        run(namespace, &sender, "Succeeded").await;

        let received = eventually(SOON, "the message", async || {
            let all = Client::new(&broker.endpoint()).all("arrivals").await.map_err(|error| error.to_string())?;
            all.first().cloned().ok_or_else(|| "no message".to_owned())
        });
        assert_eq!(received.await.unwrap().value, "ada");
    })
    .await;
}
