//! Panics: in the step's code, in a dispatcher, and on the consumer thread. None of them stops a step for good.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use xos_bus::ParkedEvents;
use xos_bus::parked::Selection;
use xos_harness::kafka::{Broker, Client, Kafka};
use xos_model::Backoff;
use xos_steps::{BusEvent, EventStep, StepContext, StepError};

use crate::{Notes, Noting, Running, committed, distinct, numbered, settings, unique};

/// A step whose order key is in the value, and whose author did not think of values without one.
struct KeyInValue(Noting);

impl EventStep for KeyInValue {
    fn topics(&self) -> Vec<String> {
        self.0.topics()
    }
    fn name(&self) -> &str {
        self.0.name
    }
    fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>> {
        let (key, _) = event.text().unwrap().split_once(':').expect("a key and a number");
        Some(Cow::Borrowed(key.as_bytes()))
    }
    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        self.0.process_event(ctx, event).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_order_key_panics_is_parked_and_the_others_go_on() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("keyless");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    let mut messages = numbered(5, 50);
    messages.insert(20, ("k1".to_owned(), "no key".to_owned()));
    client.send(&topic, &messages).await.unwrap();
    let settings = settings(kafka.endpoint());
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start_step(&settings, &name, KeyInValue(step.clone()));
    step.notes.count(50).await;
    let state = running.until("the event parked", |state| state.parked == 1).await;
    assert_eq!((state.restarts, state.panics), (0, 0), "the consumer goes on");
    committed(&client, &format!("{name}.Step"), &topic, &[Some(51)]).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 50);

    let reader = ParkedEvents::new(&settings, &name).unwrap();
    let parked_events = tokio::task::spawn_blocking(move || reader.list(&Selection::default())).await.unwrap().unwrap();
    assert_eq!(parked_events.len(), 1);
    assert_eq!((parked_events[0].event.offset, parked_events[0].attempts), (20, 0));
    assert!(parked_events[0].reason.starts_with("the step's order_key panicked: a key and a number"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_a_header_name_that_is_no_text_is_parked_whole_and_the_others_go_on() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("headers");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(5, 10)).await.unwrap();
    kafka.send_header(&topic, "odd", "odd", (&[0xff, 0xfe], "value")).await.unwrap();
    client.send(&topic, &numbered(5, 20)[10..]).await.unwrap();
    let settings = settings(kafka.endpoint());
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, &name, &[&step]);
    step.notes.count(20).await;
    let state = running.until("the event parked", |state| state.parked == 1).await;
    assert_eq!((state.restarts, state.panics), (0, 0), "the consumer goes on");
    committed(&client, &format!("{name}.Step"), &topic, &[Some(21)]).await;
    running.stop().await;
    assert_eq!(step.notes.all().len(), 20);
    let reader = ParkedEvents::new(&settings, &name).unwrap();
    let parked_events = tokio::task::spawn_blocking(move || reader.list(&Selection::default())).await.unwrap().unwrap();
    assert_eq!(parked_events.len(), 1);
    let parked = &parked_events[0];
    assert_eq!((parked.event.offset, parked.event.header("before")), (10, Some(&b"1"[..])));
    assert_eq!(parked.reason, "the name of a header is not UTF-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_started_again_after_a_dispatcher_has_panicked() {
    let kafka = Kafka::shared().await.unwrap();
    let topic = unique("dispatcher");
    let name = unique("sync");
    let client = kafka.client();
    client.create_topic(&topic, 1).await.unwrap();
    client.send(&topic, &numbered(5, 50)).await.unwrap();
    let mut settings = settings(kafka.endpoint());
    // A delay that no clock can add up: the dispatcher that schedules the second attempt panics.
    settings.retry = Backoff { initial: Duration::MAX, max: Duration::MAX, jitter: 0.0 };
    let failed = Notes::default();
    let step = Noting::on("Step", &[&topic]).doing({
        let failed = failed.clone();
        move |event| {
            let failed = failed.clone();
            async move {
                if event.offset == 20 && failed.all().is_empty() {
                    failed.add("once");
                    return Err(StepError::failed("not now"));
                }
                Ok(())
            }
        }
    });
    let running = Running::start(&settings, &name, &[&step]);
    step.notes.until("all of them", |all| distinct(all).len() == 50).await;
    let state = running.until("the restart", |state| state.restarts == 1).await;
    assert_eq!(state.failure(Timestamp::now()), None);
    assert!(running.events.has("Warning ConsumerRestarted: the consumer of event step Step is restarted: it panicked"));
    committed(&client, &format!("{name}.Step"), &topic, &[Some(50)]).await;
    running.stop().await;
    assert_eq!(distinct(&step.notes.all()).len(), 50);
}

// The broker ends with the thread that started it.
#[tokio::test(flavor = "current_thread")]
async fn a_consumer_that_panics_is_restarted_and_its_failure_shows_if_that_does_not_help() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path()).await.unwrap();
    let client = Client::new(&broker.endpoint());
    let topic = unique("panicking");
    client.create_topic(&topic, 2).await.unwrap();
    let mut settings = settings(&broker.endpoint());
    settings.restart = Backoff { initial: Duration::from_secs(3), max: Duration::from_secs(5), jitter: 0.1 };
    let step = Noting::on("Step", &[&topic]);
    let running = Running::start(&settings, "sync", &[&step]);
    client.send(&topic, &numbered(10, 100)).await.unwrap();
    step.notes.count(100).await;

    // The consumer thread reports to the sink that the broker is away.
    running.events.panics.store(true, Ordering::SeqCst);
    broker.stop().await.unwrap();
    let state = running.until("a restart", |state| state.panics == 1).await;
    assert_eq!(state.failure(Timestamp::now()), None, "the next start may help");
    let state = running.until("the failure", |state| state.failure(Timestamp::now()).is_some()).await;
    let failure = state.failure(Timestamp::now()).unwrap();
    assert!(failure.starts_with("event step Step: its consumer panicked 5 times in a row: "), "{failure}");

    running.events.panics.store(false, Ordering::SeqCst);
    broker.start_again().await.unwrap();
    client.send(&topic, &numbered(10, 200)[100..]).await.unwrap();
    step.notes.until("the new ones", |all| distinct(all).len() == 200).await;
    running.until("no failure", |state| state.failure(Timestamp::now()).is_none()).await;
    running.stop().await;
    assert_eq!(distinct(&step.notes.all()).len(), 200);
    broker.kill().await.unwrap();
}
