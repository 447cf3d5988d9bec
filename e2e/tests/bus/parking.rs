//! Messages that no attempt can handle are parked, listed and replayed; without a place to park nothing is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use xos_bus::ParkedEvents;
use xos_bus::parked::{self, Selection};
use xos_harness::kafka::Kafka;
use xos_steps::StepError;

use crate::{Noting, Running, committed, settings, unique};

fn message(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_is_parked_whole_and_replayed_to_its_step() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("poison");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client
        .send(
            &topic,
            &[message("a", "bad"), message("c", "good:1"), message("b", "unreadable"), message("d", "good:2")],
        )
        .await
        .unwrap();
    let mended = Arc::new(AtomicBool::new(false));
    let step = Noting::on("Step", &[&topic]).doing({
        let mended = Arc::clone(&mended);
        move |event| {
            let text = event.text().unwrap().to_owned();
            let is_mended = mended.load(Ordering::SeqCst);
            async move {
                match text.as_str() {
                    "bad" if !is_mended => Err(StepError::failed("no such device")),
                    "unreadable" if !is_mended => Ok(event.json::<serde_json::Value>().map(drop)?),
                    _ => Ok(()),
                }
            }
        }
    });
    let other = Noting::on("Other", &[&topic]);
    let settings = settings(kafka.endpoint());
    let running = Running::start(&settings, &name, &[&step, &other]);
    assert_eq!(step.notes.count(2).await.len(), 2);
    let state = running.until("two parked", |state| state.parked == 2 && state.parked_now == 2).await;
    assert_eq!((state.handled, state.failed), (2, 4), "three attempts, and one of what cannot be read");
    assert!(running.events.has("Warning EventParked: event step Step could not handle"), "{:?}", running.events.events);

    let parked_in = format!("{topic}.{name}.parked");
    let mut all = client.all(&parked_in).await.unwrap();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    let header = |n: usize, name: &str| all[n].headers.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!((all.len(), all[0].key.as_str(), all[0].value.as_str()), (2, "a", "bad"));
    assert_eq!((header(0, parked::REASON), header(0, parked::ATTEMPTS)), ("no such device".to_owned(), "3".to_owned()));
    assert_eq!((header(0, parked::TOPIC), header(0, parked::OFFSET)), (topic.clone(), "0".to_owned()));
    assert!(header(1, parked::REASON).starts_with("the event's value cannot be read as JSON"));
    assert_eq!(header(1, parked::ATTEMPTS), "1");

    mended.store(true, Ordering::SeqCst);
    let parked_events = ParkedEvents::new(&settings, &name).unwrap();
    let selection = Selection { topic: Some(topic.clone()), ..Selection::default() };
    assert_eq!(parked_events.list(&selection).unwrap().len(), 2);
    let replayed = parked_events.replay(&selection, false, false, Duration::from_secs(60)).await.unwrap();
    assert_eq!((replayed.sent, replayed.handled, replayed.undecided), (2, 2, 0), "{replayed:?}");
    step.notes.until("both at last", |all| all.len() == 4).await;
    assert!(parked_events.list(&Selection::default()).unwrap().is_empty());
    running.until("none parked", |state| state.parked_now == 0).await;
    other.notes.count(4).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 4, "each is replayed once");
    assert_eq!(other.notes.all().len(), 4, "the other step, which had no trouble, gets no second one");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_parked_nothing_is_committed() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("nowhere");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &[message("a", "first"), message("b", "poison"), message("c", "last")]).await.unwrap();
    let step = Noting::on("Step", &[&topic])
        .doing(|event| async move { if event.text()? == "poison" { Err(StepError::failed("no")) } else { Ok(()) } });
    let mut settings = settings(kafka.endpoint());
    // Kafka makes no topic whose name differs from that of another only by dots.
    client.create_topic(&format!("{topic}_{name}_parked"), 1).await.unwrap();
    let running = Running::start(&settings, &name, &[&step]);
    step.notes.count(2).await;
    let group = format!("{name}.Step");
    // Up to the poison.
    committed(&client, &group, &topic, &[Some(1)]).await;
    running.until("some attempts", |state| state.not_parked >= 2).await;
    assert!(running.events.has("Warning EventNotParked: event step Step cannot park"), "{:?}", running.events.events);
    running.stop().await;
    assert_eq!(client.committed(&group, &topic).unwrap(), [Some(1)]);

    // With a place for it all goes on.
    settings.parked_topic = "{topic}.{synchronizer}.others".to_owned();
    let running = Running::start(&settings, &name, &[&step]);
    running.until("the poison parked", |state| state.parked == 1).await;
    running.stop().await;
    assert_eq!(client.committed(&group, &topic).unwrap(), [Some(3)]);
    let mut all = step.notes.all();
    all.sort();
    assert_eq!(all, ["first", "last", "last"], "what was not committed is handled again");
}

#[test]
fn steps_that_cannot_run_are_named() {
    let neither = Noting::on("Neither", &[]);
    let error = Running::try_start(&settings("localhost"), "sync", &[&neither]).err().unwrap();
    assert_eq!(error.to_string(), "event step Neither has neither TOPICS nor PATTERN: give it one of them");
    let mut settings = settings("localhost");
    settings.properties.insert("no.such.key".to_owned(), "x".to_owned());
    let error = Running::try_start(&settings, "sync", &[&Noting::on("Step", &["t"])]).err().unwrap();
    assert!(error.to_string().contains("no.such.key"), "{error}");
    settings.properties.clear();
    settings.parked_topic = "{topic}/parked".to_owned();
    let error = Running::try_start(&settings, "sync", &[&Noting::on("Step", &["t"])]).err().unwrap();
    assert!(error.to_string().starts_with("`event_bus.parked_topic` makes topics such as `topic/parked`"), "{error}");
}
