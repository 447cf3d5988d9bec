//! XOS's API over the custom resources: what a client does is what kubectl shows, and the other way round.

mod access;
mod original;
mod place;
mod synchronizer;

use std::time::Duration;

use serde_json::{Value, json};
use xos_grpc::client::{Filter, Operator};
use xos_grpc::{Record, Saving};
use xos_harness::example::is_ready;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

use place::Place;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

const MODELS: &str = r#"
option app_label = "served";
message Rack (XOSBase) { required string name = 1 [max_length = 32]; }
message Node (XOSBase) {
    required string name = 1 [max_length = 32];
    optional manytoone rack->Rack:nodes = 2:1001;
    optional string serial = 3 [max_length = 32];
}"#;

fn synchronizer(calls: &Calls) -> Synchronizer {
    Synchronizer::new("served").models(&[("served.xproto", MODELS)]).sync_step(Scripted::noting("node", "Node", calls))
}

#[tokio::test]
async fn a_client_of_xos_and_kubectl_see_the_same_objects() {
    namespace::with("api", async |namespace| {
        let (calls, place) = (Calls::default(), Place::new(namespace));
        let controller = Controller::start(namespace, "served", synchronizer(&calls), &place.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        let client = place.client().await;

        // A client makes objects: kubectl shows them, and the step runs.
        let rack = client.create(&Record::of("Rack").with("name", "Rack 1")).await.unwrap();
        let node = Record::of("Node").with("name", "n1").with("rack_id", rack.id());
        let node = client.create(&node).await.unwrap();
        let shown = objects.ready("Node", "n1").await.unwrap();
        assert_eq!(shown["spec"]["name"], "n1");
        assert!(shown["spec"]["rack"]["name"].as_str().unwrap().starts_with("rack-1-"), "{shown}");
        let shown = objects.until("Node", "n1", "its id is shown", |it| it["status"]["id"] == node.id()).await.unwrap();
        assert_eq!(shown["metadata"]["annotations"]["xos.opencord.org/id"], node.id().to_string());
        assert_eq!(client.get("Rack", rack.id()).await.unwrap().ids("nodes_ids"), [node.id()]);

        // Kubectl changes one: the client reads that, and what came of it.
        objects.edit("Node", "n1", json!({"serial": "s-1"})).await.unwrap();
        let is_done = |it: &Value| it["spec"]["serial"] == "s-1" && is_ready(it);
        objects.until("Node", "n1", "done", is_done).await.unwrap();
        let by_serial =
            Filter::all().and("serial", Operator::Equal, "s-1").and("rack__name", Operator::Equal, "Rack 1");
        let mut found = eventually(PATIENCE, "the client to read it", async || {
            let found = client.filter("Node", &by_serial).await.map_err(|error| error.to_string())?;
            found.into_iter().next().ok_or_else(|| "not found".to_owned())
        })
        .await
        .unwrap();
        assert_eq!((found.id(), found.text("backend_status")), (node.id(), Some("OK")));

        // The client changes it: that is an operator's change.
        let before = calls.all().len();
        found.set("serial", "s-2");
        client.update(&found, &Saving::only(["serial"])).await.unwrap();
        let is_done = |it: &Value| it["spec"]["serial"] == "s-2" && is_ready(it);
        objects.until("Node", "n1", "done", is_done).await.unwrap();
        assert_eq!(calls.all()[before..], ["node sync n1"]);

        // An object of kubectl gets an id, and keeps it.
        objects.create("Node", "n2", json!({"name": "n2"})).await.unwrap();
        let numbered = objects.until("Node", "n2", "it has an id", |it| it["status"]["id"].is_number()).await.unwrap();
        let id = i32::try_from(numbered["status"]["id"].as_i64().unwrap()).unwrap();
        assert!(id > node.id(), "{id}");
        assert_eq!(client.get("Node", id).await.unwrap().text("name"), Some("n2"));

        // An id that is copied from another object is none.
        let mut copy = shown.clone();
        copy["metadata"] = json!({"name": "copy", "annotations": shown["metadata"]["annotations"]});
        objects.create_whole("Node", copy).await.unwrap();
        let copied = objects.until("Node", "copy", "it has an id", |it| it["status"]["id"].is_number()).await.unwrap();
        assert!(copied["status"]["id"].as_i64().unwrap() > i64::from(id), "{copied}");

        // Deletion goes both ways.
        client.delete("Node", node.id()).await.unwrap();
        objects.gone("Node", "n1").await.unwrap();
        objects.delete("Node", "n2").await.unwrap();
        objects.gone("Node", "n2").await.unwrap();
        eventually(PATIENCE, "the client to miss it", async || match client.get("Node", id).await {
            Err(error) if error.code() == Some(tonic::Code::NotFound) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await
        .unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
