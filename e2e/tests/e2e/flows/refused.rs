//! What the API server refuses of an event is the event's fault: it is parked at once, with the API server's words.

use serde_json::json;
use xos_harness::{
    eventually,
    example::{People, SOON},
    kafka::Kafka,
    namespace,
};

use super::killed::launch;
use super::unique;

const TOPIC: &str = "people";

#[tokio::test]
async fn an_event_that_the_api_server_refuses_is_parked_at_once_and_the_others_go_on() {
    // One of its own: another test counts what is in this topic.
    let kafka = &Kafka::start().await.unwrap();
    let name = unique("refused");
    let client = kafka.client();
    client.create_topic(TOPIC, 6).await.unwrap();
    namespace::with("refused", async |namespace| {
        let launch = launch(namespace, kafka, &name).await;
        let people = People::new(namespace.client(), namespace.name());
        let mut synchronizer = launch.start().unwrap();
        people.established().await.unwrap();
        // The model allows 32 characters.
        let too_long = json!({"first_name": "a".repeat(40), "last_name": &name}).to_string();
        let good = json!({"first_name": "ada", "last_name": &name}).to_string();
        client.send(TOPIC, &[("k".to_owned(), too_long.clone()), ("l".to_owned(), good)]).await.unwrap();
        let parked = eventually(60 * SOON, "the refused event to be parked", async || {
            let all = client.all(&format!("{TOPIC}.{name}.parked")).await.unwrap_or_default();
            all.into_iter().find(|one| one.value == too_long).ok_or("none")
        });
        let parked = parked.await.unwrap();
        let header = |name: &str| parked.headers.iter().find(|(header, _)| header == name).map(|(_, value)| &**value);
        assert_eq!(header("xos-attempts"), Some("1"));
        let reason = header("xos-reason").unwrap();
        assert!(reason.contains("the API server refused it: ") && reason.contains("Too long"), "{reason}");
        let made = eventually(60 * SOON, "the other one", async || {
            let all = people.all().await.unwrap();
            let is_made = all.iter().any(|one| one["spec"]["lastName"] == *name && one["spec"]["firstName"] == "ada");
            if is_made { Ok(()) } else { Err(all.len()) }
        });
        made.await.unwrap();
        assert_eq!(synchronizer.stop().await.unwrap().map(|status| status.success()), Some(true));
    })
    .await
    .unwrap();
}
