//! Parking keeps the order of its key: across restarts and replicas, through replays and drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use xos_bus::parked::{ParkedEvent, Replayed, Selection};
use xos_bus::{KafkaProducer, ParkedEvents};
use xos_harness::kafka::{Client, Kafka, Sent};
use xos_steps::{Message, Producer as _, StepError};

use crate::{Noting, Running, SOON, settings, unique};

/// A step that cannot handle the first event of the key `k1` until it is mended.
fn breaking(topic: &str, mended: &Arc<AtomicBool>) -> Noting {
    let mended = Arc::clone(mended);
    Noting::on("Step", &[topic]).doing(move |event| {
        let fails = event.text().unwrap() == "k1:0" && !mended.load(Ordering::SeqCst);
        async move { if fails { Err(StepError::failed("no such device")) } else { Ok(()) } }
    })
}

async fn send(client: &Client, topic: &str, values: &[&str]) {
    for value in values {
        let key = value.split(':').next().unwrap();
        let sent = Sent { partition: Some(1), key, value: value.as_bytes(), ..Sent::default() };
        client.send_one(topic, &sent).await.unwrap();
    }
}

fn values(parked: &[ParkedEvent]) -> Vec<&str> {
    parked.iter().map(|one| one.event.text().unwrap()).collect()
}

struct Stage {
    client: Client,
    settings: xos_bus::Settings,
    topic: String,
    name: String,
    mended: Arc<AtomicBool>,
    parked: ParkedEvents,
}

impl Stage {
    async fn new(topic: &str) -> Self {
        let kafka = Kafka::shared().await.unwrap();
        let (topic, name) = (unique(topic), unique("sync"));
        let client = kafka.client();
        client.create_topic(&topic, 2).await.unwrap();
        let settings = settings(kafka.endpoint());
        let parked = ParkedEvents::new(&settings, &name).unwrap();
        Self { client, settings, topic, name, mended: Arc::default(), parked }
    }

    fn step(&self) -> Noting {
        breaking(&self.topic, &self.mended)
    }

    fn start(&self, step: &Noting) -> Running {
        Running::start(&self.settings, &self.name, &[step])
    }

    async fn replay(&self) -> Replayed {
        self.parked.replay(&Selection::default(), false, false, Duration::from_secs(60)).await.unwrap()
    }

    fn list(&self) -> Vec<ParkedEvent> {
        self.parked.list(&Selection::default()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn later_events_of_a_key_are_parked_behind_it_also_after_a_restart_and_replayed_in_order() {
    let stage = Stage::new("behind").await;
    let step = stage.step();
    let running = stage.start(&step);
    send(&stage.client, &stage.topic, &["k1:0", "k2:0", "k1:1"]).await;
    running.until("two parked", |state| state.parked_now == 2).await;
    running.stop().await;

    // Another process, which has none of it in its memory.
    let running = stage.start(&step);
    send(&stage.client, &stage.topic, &["k1:2", "k2:1"]).await;
    running.until("three parked", |state| state.parked_now == 3).await;
    step.notes.until("the other key", |all| all == ["k2:0", "k2:1"]).await;
    let parked = stage.list();
    assert_eq!(values(&parked), ["k1:0", "k1:1", "k1:2"]);
    let place = parked[0].event.place();
    assert_eq!(
        (parked[1].reason.as_str(), parked[1].attempts),
        (&*format!("an earlier event of its key is parked: {place}"), 0)
    );
    assert!(parked.iter().all(|one| one.event.partition == 1));

    // It fails once more: those behind it stay behind it.
    let failed = stage.replay().await;
    assert_eq!(
        (failed.sent, failed.handled, values(&failed.failed)),
        (3, 0, vec!["k1:0", "k1:1", "k1:2"]),
        "{failed:?}"
    );
    let again = stage.list();
    assert_eq!(values(&again), ["k1:0", "k1:1", "k1:2"]);
    assert!(again.iter().all(|one| one.sent.is_none()), "they may be sent once more: {again:?}");

    stage.mended.store(true, Ordering::SeqCst);
    let replayed = stage.replay().await;
    assert_eq!((replayed.sent, replayed.handled), (3, 3), "{replayed:?}");
    send(&stage.client, &stage.topic, &["k1:3"]).await;
    step.notes.until("all", |all| all.last().is_some_and(|last| last == "k1:3")).await;
    running.stop().await;
    let all = step.notes.all();
    let k1: Vec<_> = all.iter().filter(|value| value.starts_with("k1")).collect();
    assert_eq!(k1, ["k1:0", "k1:1", "k1:2", "k1:3"]);
    assert!(stage.list().is_empty());
    // To their own partition, whatever a hash of the key says.
    let sent = stage.client.all(&stage.topic).await.unwrap();
    assert!(sent.iter().all(|message| message.partition == 1), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_event_is_never_handled_and_lets_those_behind_it_be_replayed() {
    let stage = Stage::new("dropped").await;
    let step = stage.step();
    let running = stage.start(&step);
    send(&stage.client, &stage.topic, &["k1:0", "k1:1"]).await;
    running.until("both parked", |state| state.parked_now == 2).await;
    let behind =
        Selection { topic: Some(stage.topic.clone()), partition: Some(1), offset: Some(1), ..Selection::default() };
    let refused = stage.parked.replay(&behind, false, false, Duration::from_secs(60)).await.unwrap();
    assert_eq!((refused.sent, refused.refused.len()), (0, 1));
    assert!(refused.refused[0].1.starts_with("an earlier event of its key is parked"), "{refused:?}");

    let first = Selection { offset: Some(0), ..behind.clone() };
    assert_eq!(values(&stage.parked.drop(&first).await.unwrap()), ["k1:0"]);
    running.until("one parked", |state| state.parked_now == 1).await;
    send(&stage.client, &stage.topic, &["k1:2"]).await;
    running.until("another behind it", |state| state.parked_now == 2).await;
    assert_eq!(stage.replay().await.handled, 2);
    running.stop().await;
    assert_eq!(step.notes.all(), ["k1:1", "k1:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replays_at_once_run_each_event_once() {
    let stage = Stage::new("twice").await;
    let step = stage.step();
    let running = stage.start(&step);
    send(&stage.client, &stage.topic, &["k1:0", "k1:1", "k1:2"]).await;
    running.until("all parked", |state| state.parked_now == 3).await;
    stage.mended.store(true, Ordering::SeqCst);
    let other = ParkedEvents::new(&stage.settings, &stage.name).unwrap();
    let all = Selection::default();
    let replays = [&stage.parked, &other].map(|one| one.replay(&all, false, false, Duration::from_secs(60)));
    for replayed in futures::future::try_join_all(replays).await.unwrap() {
        assert_eq!((replayed.failed.len(), replayed.undecided), (0, 0), "{replayed:?}");
    }
    send(&stage.client, &stage.topic, &["k2:9"]).await;
    running.until("none parked", |state| state.parked_now == 0 && state.lag == 0).await;
    step.notes.until("the last", |all| all.iter().any(|value| value == "k2:9")).await;
    running.stop().await;
    assert_eq!(step.notes.all(), ["k1:0", "k1:1", "k1:2", "k2:9"]);
}

/// Sends events of the key `k1`, one each three milliseconds, until it is told to end. Returns how many there were.
async fn send_without_pause(producer: KafkaProducer, topic: String, end: CancellationToken) -> usize {
    let mut pace = tokio::time::interval(Duration::from_millis(3));
    let mut sent = 0;
    while !end.is_cancelled() {
        pace.tick().await;
        let value = Some(format!("k1:{sent}").into_bytes());
        let message = Message { topic: topic.clone(), key: Some(b"k1".to_vec()), value, ..Message::default() };
        producer.send(message).await.unwrap();
        sent += 1;
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_while_events_of_its_key_come_without_pause() {
    let stage = Stage::new("busy").await;
    let step = stage.step();
    let running = stage.start(&step);
    let producer = KafkaProducer::new(&stage.settings, &stage.name).unwrap();
    let end = CancellationToken::new();
    let sending = tokio::spawn(send_without_pause(producer, stage.topic.clone(), end.clone()));
    running.until("some parked", |state| state.parked_now >= 200).await;
    stage.mended.store(true, Ordering::SeqCst);
    let started = Instant::now();
    let replayed = stage.replay().await;
    println!("{} were sent again, in {:?}", replayed.sent, started.elapsed());
    assert_eq!((&replayed.failed[..], &replayed.refused[..], replayed.undecided), (&[][..], &[][..], 0));
    assert!(replayed.sent >= 200 && replayed.handled == replayed.sent, "{replayed:?}");
    assert!(started.elapsed() < SOON / 3, "{:?}", started.elapsed());
    assert_eq!(stage.list(), [], "nothing is parked, and nothing will be");

    let so_far = step.notes.all().len();
    step.notes.count(so_far + 200).await;
    assert!(!sending.is_finished(), "they come all the time");
    end.cancel();
    let sent = sending.await.unwrap();
    step.notes.count(sent).await;
    running.until("none parked", |state| state.parked_now == 0 && state.lag == 0).await;
    running.stop().await;
    assert_eq!(stage.list(), []);
    assert_eq!(step.notes.all(), (0..sent).map(|number| format!("k1:{number}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_would_take_is_not_sent() {
    let stage = Stage::new("nobody").await;
    let step = stage.step();
    let running = stage.start(&step);
    send(&stage.client, &stage.topic, &["k1:0"]).await;
    running.until("it parked", |state| state.parked_now == 1).await;
    running.stop().await;
    let refused = stage.replay().await;
    assert!(refused.sent == 0 && refused.refused[0].1.contains("has no member"), "{refused:?}");
    assert_eq!(stage.client.all(&stage.topic).await.unwrap().len(), 1);

    // The step was renamed.
    let renamed = Noting { name: "Renamed", ..stage.step() };
    stage.mended.store(true, Ordering::SeqCst);
    let running = stage.start(&renamed);
    renamed.notes.count(1).await;
    let refused = stage.replay().await;
    assert!(refused.sent == 0 && refused.refused[0].1.contains("has no member"), "{refused:?}");
    let forced = stage.parked.replay(&Selection::default(), false, true, Duration::ZERO).await.unwrap();
    assert_eq!((forced.sent, forced.undecided), (1, 1));
    assert_eq!(stage.list()[0].sent, Some(1), "it is known that it was sent");
    running.stop().await;
    assert_eq!(renamed.notes.all(), ["k1:0"], "and it is not for the other step");

    // The old step is there again, and takes it.
    let running = stage.start(&step);
    step.notes.until("it", |all| all == ["k1:0"]).await;
    running.until("none parked", |state| state.parked_now == 0).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_others_are_kept_and_a_strangers_replay_does_not_vanish() {
    let stage = Stage::new("headers").await;
    let step = stage.step();
    let running = stage.start(&step);
    let headers = [("trace", "1"), ("xos-replay", "somebody"), ("xos-tenant", "east")];
    for (key, value) in [("k1", b"k1:0"), ("k3", b"k3:0")] {
        client_send(&stage, key, value, &headers).await;
    }
    running.until("it parked", |state| state.parked_now == 1).await;
    step.notes.until("the other", |all| all == ["k3:0"]).await;
    let own = |event: &ParkedEvent| {
        event
            .event
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), String::from_utf8(value.clone().unwrap()).unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(own(&stage.list()[0]), headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    stage.mended.store(true, Ordering::SeqCst);
    assert_eq!(stage.replay().await.handled, 1);
    running.stop().await;
    let again = stage.client.all(&stage.topic).await.unwrap().remove(2);
    for (name, value) in headers {
        assert!(again.headers.contains(&(name.to_owned(), value.to_owned())), "{again:?}");
    }
}

async fn client_send(stage: &Stage, key: &str, value: &[u8], headers: &[(&str, &str)]) {
    let sent = Sent { partition: Some(1), key, value, headers, ..Sent::default() };
    stage.client.send_one(&stage.topic, &sent).await.unwrap();
}
