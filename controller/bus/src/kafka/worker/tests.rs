//! A panic of the author's code is a failed attempt, wherever it comes from.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{fmt, io};

use futures::future::{BoxFuture, ready};
use rdkafka::message::OwnedHeaders;
use xos_model::{Object, Pass};
use xos_steps::{BusEvent, Event, EventSink, EventStep, Message, StoreError, erase_event_step};

use super::*;
use crate::kafka::parked::{NotStored, Notices, OfStep, ParkedTopics, Store};
use crate::kafka::topic_partition::TopicPartition;
use crate::kafka::tracker::{Limits, Received};
use crate::parked::record::Replay;
use crate::parked::{ATTEMPTS, REASON};
use crate::state::{ConsumerState, ConsumerStates};

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

/// A place to park events in, which may refuse them for some times.
#[derive(Default)]
struct Recorder(Mutex<Vec<Message>>, AtomicU32);

impl Store for Recorder {
    fn append<'a>(
        &'a self,
        _: &'a str,
        _: i32,
        message: Message,
        _: Option<OwnedHeaders>,
    ) -> BoxFuture<'a, Result<i64, NotStored>> {
        if self.1.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return ready(Err(NotStored::refused(&message.topic))).boxed();
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(message);
        ready(Ok(i64::try_from(all.len()).unwrap() - 1)).boxed()
    }
}

/// The Kubernetes Events of the namespace.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl EventSink for Log {
    fn publish(&self, _: &Object, _: Event) {}

    fn publish_in_namespace(&self, _: &str, event: Event) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

/// A worker with one partition, and a clock that the test turns.
struct Bench {
    worker: Arc<Worker>,
    tracker: Arc<SharedTracker>,
    partition: TopicPartition,
    parked: Arc<Recorder>,
    log: Arc<Log>,
    now: Instant,
}

impl Bench {
    fn new(step: impl EventStep, services: Services) -> Self {
        let partition = TopicPartition { topic: "t".into(), partition: 0 };
        let limits = Limits { high: 1000, low: 500, high_bytes: 1 << 20, stuck: 100_000, stuck_bytes: 1 << 20 };
        let settings = Settings { attempts: 2, ..Settings::default() };
        let tracker = Arc::new(SharedTracker::new(limits, settings.probes()));
        let assignment = tracker.assign(&partition);
        let parked = Arc::new(Recorder::default());
        let log = Arc::new(Log::default());
        let events: Arc<dyn EventSink> = Arc::<Log>::clone(&log);
        let notifier = Notifier { events, namespace: "default".to_owned(), step: "Step".to_owned() };
        let of = OfStep {
            step: "Step".to_owned(),
            group: "sync.Step".to_owned(),
            synchronizer: "sync".to_owned(),
            settings: settings.clone(),
            topics: Arc::new(ParkedTopics::new(settings.clone(), "sync".to_owned())),
            store: Arc::<Recorder>::clone(&parked),
            notices: Notices::new(notifier.clone()),
            states: ConsumerStates::default(),
        };
        let worker = Arc::new(Worker {
            step: erase_event_step(step),
            name: "Step".to_owned(),
            group: "sync.Step".to_owned(),
            services: Arc::new(services),
            call: Call::new("Step", Pass::Event, "default"),
            settings,
            time_limit: Duration::from_secs(1),
            parked: Logs::of_one(of, &tracker, assignment, partition.clone()),
            tracker: Arc::clone(&tracker),
            counters: Arc::default(),
            notifier,
            permits: Arc::new(Semaphore::new(1)),
        });
        Self { worker, tracker, partition, parked, log, now: Instant::now() }
    }

    fn receive(&self, offset: i64, key: Option<u64>) {
        self.receive_event(BusEvent { offset, ..BusEvent::new("t", "v") }, key);
    }

    fn receive_event(&self, event: BusEvent, key: Option<u64>) {
        let assignment = self.tracker.lock().assignment(&self.partition).unwrap();
        let replayed = key.and_then(|_| Replay::of(&event)?.offset_in(&event, b"sync.Step"));
        let event = Arc::new(event);
        let received = Received { assignment, order_key: key, event, park_reason: None, replayed };
        assert!(self.tracker.accept([received]).is_empty());
    }

    /// Makes the attempts that are due, at most so many at once. Returns how many there were.
    async fn attempts(&self, at_once: usize) -> usize {
        let tasks = self.tracker.lock().take(self.now, at_once);
        let count = tasks.len();
        let mut attempted = vec![];
        for task in tasks {
            attempted.push({
                let assignment = self.tracker.assignment(task.assignment);
                Arc::clone(&self.worker).attempt(task, assignment).await
            });
        }
        self.worker.give_back_at(attempted, vec![], self.now);
        count
    }

    /// Lets the time pass until the next attempt; not longer than this.
    fn pass(&mut self, longest: Duration) {
        let next = self.tracker.lock().next_retry().unwrap_or(self.now + longest);
        self.now = next.clamp(self.now, self.now + longest);
    }

    /// Works until all is done.
    async fn finish(&mut self) {
        while self.tracker.lock().counts().held > 0 {
            if self.attempts(16).await == 0 {
                self.pass(Duration::from_hours(1));
            }
        }
    }
}

/// Returns what is parked of an event that the step always fails at, with two attempts.
async fn parked_by(step: impl EventStep) -> Message {
    let mut bench = Bench::new(step, Services::default());
    bench.receive(0, None);
    bench.finish().await;
    let mut sent = bench.parked.0.lock().unwrap();
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

/// A step whose target is away until a time that the test sets, and how it shows that.
struct Away {
    is_away: Arc<AtomicBool>,
    calls: Arc<AtomicU32>,
    how: fn() -> StepError,
}

impl EventStep for Away {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) { Err((self.how)()) } else { Ok(()) }
    }
}

fn refused_connection() -> StepError {
    io::Error::from(io::ErrorKind::ConnectionRefused).into()
}

fn time_out() -> StepError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

fn api_server_away() -> StepError {
    StoreError::Unavailable { what: "a cannot be saved".to_owned(), source: "connection refused".into() }.into()
}

/// Five thousand events while the target is away for a quarter of an hour. Returns the Kubernetes Events, and how often
/// the step was called in vain.
async fn outage(how: fn() -> StepError) -> (Vec<String>, u32) {
    const EVENTS: i64 = 5000;
    let is_away = Arc::new(AtomicBool::new(true));
    let calls = Arc::new(AtomicU32::new(0));
    let step = Away { is_away: Arc::clone(&is_away), calls: Arc::clone(&calls), how };
    let mut bench = Bench::new(step, Services::default());
    for offset in 0..EVENTS {
        bench.receive(offset, u64::try_from(offset % 700).ok());
    }
    let back = bench.now + Duration::from_mins(15);
    while bench.now < back {
        if bench.attempts(16).await == 0 {
            bench.pass(back - bench.now);
        }
    }
    let in_vain = calls.load(Ordering::SeqCst);
    let (_, outage) = bench.tracker.progress();
    assert!(outage.is_some_and(|outage| outage.message.starts_with("the target of Step is away since ")));
    assert!(bench.tracker.lock().is_full(&bench.partition), "nothing more is fetched");
    is_away.store(false, Ordering::SeqCst);
    let start = bench.now;
    bench.finish().await;
    assert!(bench.now - start <= Duration::from_secs(33), "it goes on by itself");
    assert_eq!(bench.tracker.lock().done_up_to(&bench.partition), Some(EVENTS));
    assert!(bench.parked.0.lock().unwrap().is_empty(), "nothing is parked");
    assert_eq!(bench.tracker.progress().1, None);
    let mut state = ConsumerState::default();
    bench.worker.counters.copy_to(&mut state);
    assert_eq!((state.handled, state.failed, state.outages), (u64::try_from(EVENTS).unwrap(), 0, 1));
    (bench.log.0.lock().unwrap().clone(), in_vain)
}

#[tokio::test]
async fn a_target_that_is_away_for_a_quarter_of_an_hour_parks_nothing_and_is_not_stormed() {
    for how in [refused_connection, time_out, api_server_away, || StepError::unavailable("no route")] {
        let (events, in_vain) = outage(how).await;
        assert!(in_vain < 60, "{in_vain} calls in 15 min");
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[0].starts_with("Warning TargetAway: the target of Step is away since "), "{events:?}");
        assert!(events[1].starts_with("Normal TargetBack: the target of Step is there again"), "{events:?}");
    }
}

/// Has no answer for one event, and answers all others.
struct OneHangs;

impl EventStep for OneHangs {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        if event.offset == 3 { Err(time_out()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn an_event_that_alone_has_no_answer_is_parked_in_the_end() {
    let mut bench = Bench::new(OneHangs, Services::default());
    for offset in 0..10 {
        bench.receive(offset, u64::try_from(offset).ok());
    }
    let mut offset = 10;
    while bench.parked.0.lock().unwrap().is_empty() {
        if bench.attempts(16).await == 0 {
            bench.pass(Duration::from_mins(1));
            bench.receive(offset, u64::try_from(offset).ok());
            offset += 1;
        }
        assert!(offset < 20, "others are answered all the time");
    }
    bench.finish().await;
    assert_eq!(bench.tracker.lock().done_up_to(&bench.partition), Some(offset));
}

/// Refused by admission.
struct NotAdmitted;

impl EventStep for NotAdmitted {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        let source = "the API server refused it: admission webhook \"onus\" denied the request: no such vendor".into();
        Err(StoreError::Refused { what: "Onu default/a cannot be made".to_owned(), source }.into())
    }
}

#[tokio::test]
async fn a_refusal_by_admission_is_parked_at_once_in_the_words_of_the_api_server() {
    let message = parked_by(NotAdmitted).await;
    let reason = "Onu default/a cannot be made: the API server refused it: admission webhook \"onus\" denied the \
                  request: no such vendor";
    assert_eq!((header(&message, REASON).as_str(), header(&message, ATTEMPTS).as_str()), (reason, "1"));
}

/// Defers until something is there.
struct Defers(Arc<AtomicBool>);

impl EventStep for Defers {
    const TOPICS: &'static [&'static str] = &["t"];

    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        if event.offset > 0 || self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(StepError::deferred("no OLT yet")) }
    }
}

#[tokio::test]
async fn a_deferred_event_waits_at_an_even_pace_and_is_never_parked() {
    let is_there = Arc::new(AtomicBool::new(false));
    let mut bench = Bench::new(Defers(Arc::clone(&is_there)), Services::default());
    for (offset, key) in [(0, 1), (1, 1), (2, 2)] {
        bench.receive(offset, Some(key));
    }
    bench.attempts(16).await;
    let start = bench.now;
    assert_eq!(bench.tracker.lock().counts().held, 2, "the other key goes on");
    for times in 1..1000 {
        bench.pass(Duration::from_hours(1));
        assert_eq!(bench.attempts(16).await, 1);
        assert_eq!((bench.now - start).as_secs(), 5 * times);
    }
    let counts = bench.tracker.lock().counts();
    assert_eq!((counts.waiting, counts.waiting_since), (1, Some(start)));
    is_there.store(true, Ordering::SeqCst);
    bench.finish().await;
    assert!(bench.parked.0.lock().unwrap().is_empty());
}

mod replays;
