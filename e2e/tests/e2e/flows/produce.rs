//! Steps can send messages.

use std::sync::Arc;

use serde_json::{Value, json};
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, example::SOON, kafka::Kafka, namespace};
use xos_runtime::Synchronizer;

use super::{bus, unique};

const MODELS: &str =
    "option app_label = \"producing\"; message Alarm (XOSBase) { required string name = 1 [max_length = 32]; }";

const TOLD: &str =
    "option app_label = \"telling\"; message Note (XOSBase) { required string name = 1 [max_length = 32]; }";

#[tokio::test]
async fn the_outcome_of_a_step_is_sent_and_acknowledged() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("alarms");
    namespace::with("produce", async |namespace| {
        let calls = Calls::default();
        let step = Scripted::doing("step", "Alarm", &calls, {
            let topic = topic.clone();
            Arc::new(move |_, ctx, o| {
                let topic = topic.clone();
                Box::pin(async move {
                    let alarm = json!({"name": o.meta.name, "state": "RAISED"});
                    Ok(ctx.producer().json(&topic, &o.meta.name, &alarm).await?)
                })
            })
        });
        let synchronizer = Synchronizer::new("producing").models(&[("producing.xproto", MODELS)]).sync_step(step);
        let controller = Controller::start(namespace, "producing", synchronizer, &bus(kafka)).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Alarm").await.unwrap();
        objects.create("Alarm", "fan", json!({"name": "fan"})).await.unwrap();
        objects.ready("Alarm", "fan").await.unwrap();
        // It is Ready because the message is stored.
        let sent = async || {
            let client = kafka.client();
            eventually(SOON, "the topic to be readable", async || client.all(&topic).await).await.unwrap()
        };
        let all = sent().await;
        assert_eq!((all.len(), all[0].key.as_str()), (1, "fan"));
        assert_eq!(all[0].value, r#"{"name":"fan","state":"RAISED"}"#);
        controller.stop().await.unwrap();
        assert_eq!(sent().await, all, "it was sent once");
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn changes_of_objects_are_told_as_xos_did() {
    let kafka = Kafka::shared().await.unwrap();
    namespace::with("gui-events", async |namespace| {
        let calls = Calls::default();
        let step = Scripted::noting("step", "Note", &calls);
        let synchronizer = Synchronizer::new("telling").models(&[("telling.xproto", TOLD)]).sync_step(step);
        let mut config = bus(kafka);
        config["event_bus"]["gui_events"] = json!(true);
        let controller = Controller::start(namespace, "telling", synchronizer, &config).unwrap();
        let objects = Objects::new(namespace, TOLD).unwrap();
        objects.served("Note").await.unwrap();
        objects.create("Note", "fan", json!({"name": "fan"})).await.unwrap();
        objects.ready("Note", "fan").await.unwrap();
        objects.delete("Note", "fan").await.unwrap();
        objects.gone("Note", "fan").await.unwrap();
        let told = async || -> Result<Vec<Value>, String> {
            let all = kafka.client().all("xos.gui_events").await.map_err(|error| error.to_string())?;
            let own = all.iter().filter(|one| one.key == "Note");
            Ok(own.map(|one| serde_json::from_str(&one.value).unwrap()).collect())
        };
        eventually(SOON, "the deletion to be told", async || {
            let all = told().await?;
            if all.iter().any(|one| one["deleted"] == true) { Ok(()) } else { Err(format!("{all:?}")) }
        })
        .await
        .unwrap();
        controller.stop().await.unwrap();
        let told = told().await.unwrap();
        assert_eq!((&told[0]["object"]["name"], &told[0]["deleted"]), (&json!("fan"), &Value::Null));
        assert!(told.iter().any(|one| one["object"]["backend_code"] == 1), "{told:?}");
        assert!(told.iter().all(|one| one["pk"] == told[0]["pk"]));
        assert_eq!(told.iter().filter(|one| one["deleted"] == true).count(), 1, "told once: {told:?}");
    })
    .await
    .unwrap();
}
