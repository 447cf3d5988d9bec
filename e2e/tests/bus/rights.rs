//! A right that is lost is told steadily, and nothing has to be restarted when it is back.

use xos_bus::{KafkaProducer, Settings};
use xos_harness::kafka::{Broker, Client, Guard, Listener, USERNAME};
use xos_steps::{Message, Producer as _};

use crate::{Noting, Running, numbered, settings, unique};

/// Settings of the user whose rights change.
pub(crate) fn of_user(broker: &Broker, guard: &Guard) -> Settings {
    let mut settings = settings(&broker.guarded_endpoint(Listener::SaslPlaintext));
    for (key, value) in [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanisms", "PLAIN"),
        ("sasl.username", USERNAME),
        ("sasl.password", guard.password()),
    ] {
        settings.properties.insert(key.to_owned(), value.to_owned());
    }
    settings
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_lost_right_is_told_once_and_steadily_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make().unwrap();
    let mut broker = Broker::start_guarded(folder.path(), &guard).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("rights");
    client.create_topic(&topic, 1).await.unwrap();
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&of_user(&broker, &guard), "sync", &[&step]);
    let mut sent = numbered(10, 150);
    client.send(&topic, &sent.drain(..50).collect::<Vec<_>>()).await.unwrap();
    step.notes.count(50).await;
    for (on, words) in [
        (("group", "sync.Step"), "Group authorization failed"),
        (("topic", topic.as_str()), "Topic authorization failed"),
    ] {
        running.events.clear();
        broker.deny("Read", on, true).unwrap();
        let down = running.until(words, |state| state.problem.as_ref().is_some_and(|text| text.contains(words))).await;
        let until = down.last_poll.unwrap() + std::time::Duration::from_secs(10);
        let is_steady = std::cell::Cell::new(true);
        running
            .until("a while", |state| {
                is_steady.set(is_steady.get() && state.problem.is_some());
                state.last_poll.is_some_and(|last| last > until)
            })
            .await;
        assert!(is_steady.get(), "the problem is there all the time: {on:?}");
        assert_eq!((running.events.count("EventBusDown"), running.events.count("EventBusUp")), (1, 0), "{on:?}");
        broker.deny("Read", on, false).unwrap();
        client.send(&topic, &sent.drain(..50).collect::<Vec<_>>()).await.unwrap();
        let before = step.notes.all().len();
        step.notes.count(before.max(50) + 50).await;
        running.until("no problem", |state| state.problem.is_none()).await;
    }
    running.stop().await;
    assert_eq!(crate::distinct(&step.notes.all()).len(), 150);
    broker.kill().await.unwrap();
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_producer_without_the_right_to_write_works_again_when_it_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::make().unwrap();
    let mut broker = Broker::start_guarded(folder.path(), &guard).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("write");
    client.create_topic(&topic, 1).await.unwrap();
    let mut settings = of_user(&broker, &guard);
    settings.properties.insert("message.timeout.ms".to_owned(), "5000".to_owned());
    let producer = KafkaProducer::new(&settings, "sync").unwrap();
    let send = async |value: &str| producer.send(Message::json(&topic, "key", &value).unwrap()).await;
    send("before").await.unwrap();
    broker.deny("Write", ("topic", &topic), true).unwrap();
    let error = send("denied").await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("authorization"), "{error}");
    send("denied, too").await.unwrap_err();
    broker.deny("Write", ("topic", &topic), false).unwrap();
    let look = async || send("after").await.map_err(|error| error.to_string());
    xos_harness::eventually(crate::SOON, "a message to be sent", look).await.unwrap();
    let all = client.all(&topic).await.unwrap();
    assert_eq!(all.first().map(|one| one.value.as_str()), Some("\"before\""));
    assert!(all.last().is_some_and(|one| one.value == "\"after\""), "{all:?}");
    broker.kill().await.unwrap();
}
