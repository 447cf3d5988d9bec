//! A panic of the author's code is a failed attempt, wherever it comes from.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures::future::ready;
use xos_model::Pass;
use xos_steps::producer::Sent;
use xos_steps::{BusEvent, EventStep, Message, erase_event_step};

use super::*;
use crate::kafka::topic_partition::TopicPartition;
use crate::kafka::tracker::{Limits, Received};
use crate::parked::{ATTEMPTS, REASON};

/// An error whose text cannot be made.
#[derive(Debug)]
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl std::error::Error for NoText {}

struct FailsWithoutText;

impl EventStep for FailsWithoutText {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        Err(NoText.into())
    }
}

struct PanicsBeforeItsFuture;

impl EventStep for PanicsBeforeItsFuture {
    const TOPICS: &'static [&'static str] = &["t"];

    fn process_event(&self, _: &StepContext, event: &BusEvent) -> impl Future<Output = Result<(), StepError>> + Send {
        let number = event.offset;
        assert_ne!(number, 0, "no future");
        ready(Ok(()))
    }
}

/// Its target is away for five times, and then cannot handle the event.
#[derive(Default)]
struct TargetAway(AtomicU32);

impl EventStep for TargetAway {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0..5 => Err(StepError::unavailable("no route")),
            _ => Err(StepError::failed("no")),
        }
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Message>>);

impl Producer for Recorder {
    fn send(&self, message: Message) -> Sent<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        ready(Ok(())).boxed()
    }
}

/// Returns what is parked of an event that the step always fails at, with two attempts.
async fn parked_by(step: impl EventStep) -> Message {
    let partition = TopicPartition { topic: "t".into(), partition: 0 };
    let tracker = Arc::new(SharedTracker::new(Limits { high: 10, low: 5, high_bytes: 1000 }));
    let assignment = tracker.assign(&partition);
    let event = Arc::new(BusEvent::new("t", "v"));
    let received = Received { from: partition.clone(), assignment, order_key: None, event, park_reason: None };
    assert!(tracker.accept([received]).is_empty());
    let producer = Arc::new(Recorder::default());
    let worker = Arc::new(Worker {
        step: erase_event_step(step),
        name: "Step".to_owned(),
        group: "sync.Step".to_owned(),
        synchronizer: "sync".to_owned(),
        services: Arc::default(),
        call: Call::new("Step", Pass::Event, "default"),
        settings: Settings { attempts: 2, ..Settings::default() },
        time_limit: Duration::from_secs(1),
        producer: Arc::<Recorder>::clone(&producer),
        tracker: Arc::clone(&tracker),
        counters: Arc::default(),
        permits: Arc::new(Semaphore::new(1)),
    });
    let later = Instant::now() + Duration::from_hours(1);
    while tracker.lock().done_up_to(&partition).is_none() {
        let task = tracker.lock().take(later, 1).pop().unwrap();
        let attempted = Arc::clone(&worker).attempt(task, CancellationToken::new()).await;
        worker.give_back([attempted], vec![]);
    }
    let mut sent = producer.0.lock().unwrap();
    assert_eq!(sent.len(), 1);
    sent.remove(0)
}

fn header(message: &Message, name: &str) -> String {
    let (_, value) = message.headers.iter().find(|(header, _)| header == name).unwrap();
    String::from_utf8(value.clone().unwrap()).unwrap()
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_wherever_it_comes_from() {
    let message = parked_by(FailsWithoutText).await;
    assert_eq!(header(&message, REASON), "handling the event panicked: no text");
    assert_eq!(header(&message, ATTEMPTS), "2");
    let message = parked_by(PanicsBeforeItsFuture).await;
    assert!(header(&message, REASON).starts_with("the step panicked: "), "{message:?}");
    assert_eq!(header(&message, ATTEMPTS), "2");
}

#[tokio::test]
async fn a_target_that_is_away_uses_up_no_attempts() {
    let message = parked_by(TargetAway::default()).await;
    assert_eq!((header(&message, REASON), header(&message, ATTEMPTS)), ("no".to_owned(), "2".to_owned()));
}
