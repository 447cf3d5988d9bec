//! The event step of the Synchronizer Reference, with messages from other Kafka clients. Messages that cannot be read
//! are parked, listed and replayed.

use serde_json::{Value, json};
use xos_harness::{eventually, example::SOON, kafka::Kafka};

use super::{bus, unique};
use crate::with_configured_example;

const TOPIC: &str = "MyTopic";

#[tokio::test]
async fn a_message_makes_an_object_and_a_second_one_runs_its_step_again() {
    let kafka = Kafka::shared().await.unwrap();
    let mut config = bus(kafka);
    config["name"] = Value::from(unique("foreign"));
    let name = config["name"].as_str().unwrap().to_owned();
    with_configured_example("foreign-clients", &config, async |example| {
        // Controllers of other tests get these messages, too, and create their own objects.
        let john = json!({"first_name": "John", "last_name": name}).to_string();
        let jane = json!({"first_name": "Jane", "last_name": name}).to_string();
        kafka.send_by_python(TOPIC, &[("john", &john)]).await.unwrap();
        let object = object_of(example, "John", &name).await;
        example.people.ready(object["metadata"]["name"].as_str().unwrap()).await.unwrap();
        assert_eq!(object["spec"]["lastName"], Value::from(name.as_str()));
        let manager = object["metadata"]["managedFields"][0]["manager"].as_str().unwrap();
        assert_eq!(manager, format!("xos/{name}/ExampleEventStep"));

        kafka
            .send_by_console(TOPIC, &[("jane", &jane), ("john", &john), ("bad", "{\"first_name\": "), ("worse", &name)])
            .await
            .unwrap();
        object_of(example, "Jane", &name).await;
        let directory = &example.directory;
        let id = format!("{}.{}", example.namespace.name(), object["metadata"]["name"].as_str().unwrap());
        eventually(SOON, "John's step to have run twice", async || match directory.stats().await {
            Ok(stats) if stats.puts.get(&id) == Some(&2) => Ok(()),
            Ok(stats) => Err(format!("{stats:?}")),
            Err(error) => Err(error.to_string()),
        })
        .await
        .unwrap();

        let parked = eventually(SOON, "the bad ones to be parked", async || {
            let (listed, _) = example.launch.command(&["events", "parked", "--format", "json"]).await.unwrap();
            let all: Vec<Value> = listed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if all.iter().filter(|one| one["key"] == "bad" || one["value"] == name.as_str()).count() == 2 {
                Ok(all)
            } else {
                Err(listed)
            }
        })
        .await
        .unwrap();
        assert!(parked.iter().all(|one| one["step"] == "ExampleEventStep" && one["attempts"] == 1));
        let (shown, _) = example.launch.command(&["events", "parked", "--topic", TOPIC]).await.unwrap();
        assert!(shown.contains("the event's value cannot be read as JSON"), "{shown}");
        let (replayed, succeeded) = example.launch.command(&["events", "replay"]).await.unwrap();
        assert!(!succeeded && replayed.contains("parked again"), "{replayed}");
        // They cannot be read this time either.
        eventually(SOON, "them to be parked again", async || {
            let (listed, _) = example.launch.command(&["events", "parked", "--format", "json"]).await.unwrap();
            let again = listed.lines().filter(|line| line.contains("\"key\":\"bad\"")).count();
            if again == 1 { Ok(()) } else { Err(listed) }
        })
        .await
        .unwrap();
    })
    .await;
}

async fn object_of(example: &xos_harness::example::Example<'_>, first: &str, last: &str) -> Value {
    eventually(SOON, format!("an object of {first}"), async || {
        let all = example.people.all().await.map_err(|error| error.to_string())?;
        let is_one = |one: &&Value| one["spec"]["firstName"] == first && one["spec"]["lastName"] == last;
        all.iter().find(is_one).cloned().ok_or_else(|| format!("{} others", all.len()))
    })
    .await
    .unwrap()
}
