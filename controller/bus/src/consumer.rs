//! A step's consumer: a thread that receives events, commits what is done, and deals with the group.
//!
//! A thread of its own, and not a task: when partitions are taken away, librdkafka calls and waits, while what is being handled ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use xos_steps::{BusEvent, DynEventStep, Subscription};

use crate::callbacks::Context;
use crate::counter::Counter;
use crate::desk::{Place, Received};
use crate::partitions::{list, list_of, shown};
use crate::problem::{Known, Problem};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::state::ConsumerStates;
use crate::teller::Teller;

/// How long one look for an event takes, where there is none.
const POLL: Duration = Duration::from_millis(50);
/// The same where a partition is paused: it is to be taken up before its step has nothing to do.
const SHORT_POLL: Duration = Duration::from_millis(5);
/// How often offsets are committed, and states told.
const TICK: Duration = Duration::from_millis(250);
/// How many events are taken in at once, where so many are there.
const HANDFUL: usize = 256;
/// How long a full partition is waited for before it is paused.
const PATIENCE: Duration = Duration::from_millis(20);
/// A commit without an answer counts as lost after this time.
const COMMIT_LOST: Duration = Duration::from_secs(30);
/// What the configuration may override.
const DEFAULTS: [(&str, &str); 7] = [
    ("auto.offset.reset", "earliest"),
    // New topics, and new partitions, are found so soon.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("statistics.interval.ms", "5000"),
    ("queued.max.messages.kbytes", "8192"),
    // How soon a full queue is looked at again: librdkafka's second would leave the step without events for most of it.
    ("fetch.queue.backoff.ms", "10"),
    ("socket.keepalive.enable", "true"),
    ("fetch.error.backoff.ms", "100"),
];

/// Why a consumer thread ended.
pub(crate) enum End {
    /// It was asked to.
    Stopped,
    /// It is to be made anew.
    Renew(String),
}

/// A consumer that can be made as often as need be.
pub(crate) struct Consumer {
    pub(crate) step: Arc<dyn DynEventStep>,
    pub(crate) subscription: Subscription,
    pub(crate) settings: Settings,
    pub(crate) synchronizer: String,
    pub(crate) group: String,
    pub(crate) grace: Duration,
    pub(crate) shared: Arc<Shared>,
    pub(crate) states: ConsumerStates,
    pub(crate) counter: Arc<Counter>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Consumer {
    /// Receives until it is stopped, or has to be made anew.
    pub(crate) fn run(&self, teller: &Teller) -> Result<End, KafkaError> {
        let context = Context {
            shared: Arc::clone(&self.shared),
            states: self.states.clone(),
            step: self.step.name().to_owned(),
            teller: teller.clone(),
            grace: self.grace,
            span: tracing::Span::current(),
            known: Known::default(),
            unreceived: AtomicI64::new(0),
            commit_failed: AtomicBool::new(false),
            committing: AtomicBool::new(false),
        };
        let consumer: BaseConsumer<Context> = self.config().create_with_context(context)?;
        self.subscribe(&consumer)?;
        let end = Receiving::new(self, &consumer).run();
        // What was assigned is given up by the callback, while the consumer is closed.
        drop(consumer);
        for place in self.shared.desk().places() {
            self.shared.end(&place);
        }
        Ok(end)
    }

    /// Whether librdkafka takes the settings.
    pub(crate) fn check(&self) -> Result<(), KafkaError> {
        self.config().create_native_config().map(drop)
    }

    fn config(&self) -> rdkafka::ClientConfig {
        let mut config = self.settings.client(&self.synchronizer, &DEFAULTS);
        config.set("group.id", &self.group);
        for key in ["enable.auto.commit", "enable.auto.offset.store", "enable.partition.eof"] {
            config.set(key, "false");
        }
        if matches!(self.subscription, Subscription::Pattern(_)) {
            // Parked events are nobody's new events.
            config.set("topic.blacklist", self.settings.parked_pattern(&self.synchronizer));
        }
        config
    }

    fn subscribe(&self, consumer: &BaseConsumer<Context>) -> KafkaResult<()> {
        match &self.subscription {
            Subscription::Topics(topics) => {
                let topics: Vec<_> = topics.iter().map(String::as_str).collect();
                consumer.subscribe(&topics)
            }
            Subscription::Pattern(pattern) => consumer.subscribe(&[&posix(pattern.as_str())]),
        }
    }
}

/// Where an event came from.
struct Last {
    place: Place,
    assignment: u64,
    /// When the assignment was looked up.
    generation: u64,
}

/// The loop of a consumer that is there.
struct Receiving<'a> {
    it: &'a Consumer,
    consumer: &'a BaseConsumer<Context>,
    /// Where the last event came from, as the next one mostly does.
    last: Option<Last>,
    /// Whether a partition may be paused.
    has_paused: bool,
    hasher: ahash::RandomState,
    /// How many events are received before they are taken in.
    handful: usize,
    last_tick: Instant,
    last_event: Instant,
    has_received: bool,
    commit_since: Instant,
}

impl<'a> Receiving<'a> {
    fn new(it: &'a Consumer, consumer: &'a BaseConsumer<Context>) -> Self {
        let now = Instant::now();
        let handful = (it.settings.buffer / 4).clamp(1, HANDFUL);
        Self {
            it,
            consumer,
            last: None,
            has_paused: false,
            hasher: ahash::RandomState::new(),
            handful,
            last_tick: now,
            last_event: now,
            has_received: false,
            commit_since: now,
        }
    }

    fn run(mut self) -> End {
        let mut received = vec![];
        while !self.it.stop.load(Ordering::Relaxed) {
            let mut wait = if self.has_paused { SHORT_POLL } else { POLL };
            while received.len() < self.handful
                && let Some(polled) = self.consumer.poll(wait)
            {
                wait = Duration::ZERO;
                match polled {
                    Ok(message) => received.extend(self.received(&message)),
                    Err(KafkaError::MessageConsumptionFatal(code)) => return End::Renew(code.to_string()),
                    Err(error) => self.consumer.context().problem(Problem::bare(&error, Instant::now())),
                }
            }
            if !received.is_empty() {
                self.accept(&mut received);
            }
            if self.has_paused {
                self.take_up();
            }
            if self.last_tick.elapsed() >= TICK
                && let Some(end) = self.tick()
            {
                return end;
            }
        }
        End::Stopped
    }

    /// None: its partition was taken away just now.
    fn received(&mut self, message: &BorrowedMessage<'_>) -> Option<Received> {
        let (place, assignment) = self.place_of(message)?;
        let event = event(message, &place.topic);
        let lane = self.it.step.order_key(&event).map(|key| self.hasher.hash_one(&*key));
        Some(Received { place, assignment, lane, event: Arc::new(event) })
    }

    /// Takes a handful in, and pauses what is full then.
    fn accept(&mut self, received: &mut Vec<Received>) {
        self.has_received = true;
        let mut places: Vec<Place> = vec![];
        for Received { place, .. } in received.iter() {
            if places.last() != Some(place) && !places.contains(place) {
                places.push(place.clone());
            }
        }
        let mut refused = self.it.shared.accept(received.drain(..));
        while let Some(first) = refused.first() {
            let place = first.place.clone();
            let assignment = self.went_back(first);
            refused.iter_mut().filter(|one| one.place == place).for_each(|one| one.assignment = assignment);
            refused = self.it.shared.accept(refused);
        }
        for place in &places {
            if self.it.shared.desk().is_full(place) && !self.it.shared.wait_for_room(place, PATIENCE) {
                self.pause(place);
            }
        }
    }

    /// The partition begins anew: its topic was deleted and made again, or it was reset. Gives the new assignment's number.
    fn went_back(&self, Received { place, event, .. }: &Received) -> u64 {
        tracing::warn!(partition = %shown(std::slice::from_ref(place)), offset = event.offset, "the partition went back: it is handled from there");
        self.it.shared.drain(std::slice::from_ref(place), self.it.grace);
        self.it.shared.assign(place)
    }

    fn pause(&mut self, place: &Place) {
        match self.consumer.pause(&list_of(std::slice::from_ref(place))) {
            Ok(()) => {
                self.has_paused = true;
                self.it.shared.desk().paused(place);
            }
            // It was taken away just now.
            Err(error) => tracing::debug!(%error, "a full partition cannot be paused"),
        }
    }

    /// A message's place, and the number of its assignment.
    fn place_of(&mut self, message: &BorrowedMessage<'_>) -> Option<(Place, u64)> {
        let (topic, partition, generation) = (message.topic(), message.partition(), self.it.shared.generation());
        if let Some(Last { place, assignment, generation: then }) = &self.last
            && place.partition == partition
            && *place.topic == *topic
            && *then == generation
        {
            return Some((place.clone(), *assignment));
        }
        let place = Place { topic: topic.into(), partition };
        let assignment = self.it.shared.desk().assignment(&place)?;
        self.last = Some(Last { place: place.clone(), assignment, generation });
        Some((place, assignment))
    }

    /// Takes paused partitions up again that have room.
    fn take_up(&mut self) {
        let mut desk = self.it.shared.desk();
        let places = desk.take_resumable();
        self.has_paused = desk.counts().1 > 0;
        drop(desk);
        if !places.is_empty()
            && let Err(error) = self.consumer.resume(&list_of(&places))
        {
            tracing::debug!(%error, "partitions cannot be taken up again");
        }
    }

    /// What is done from time to time.
    fn tick(&mut self) -> Option<End> {
        self.last_tick = Instant::now();
        self.commit();
        let (partitions, paused, held) = self.it.shared.desk().counts();
        let (now, received) = (Timestamp::now(), std::mem::take(&mut self.has_received));
        self.it.states.update(self.it.step.name(), |state| {
            state.partitions = partitions;
            state.paused = paused;
            state.held = held;
            state.last_poll = Some(now);
            if received {
                state.last_event = Some(now);
            }
            self.it.counter.write_to(state);
        });
        if received || held > 0 || self.consumer.context().unreceived.load(Ordering::Relaxed) == 0 {
            self.last_event = Instant::now();
        }
        let stalled = self.last_event.elapsed() > self.it.settings.stalled_after;
        stalled.then(|| End::Renew("there are events, and none arrives".to_owned()))
    }

    /// One commit at a time: librdkafka holds a rebalance back until all commits are answered.
    fn commit(&mut self) {
        let context = self.consumer.context();
        if context.committing.load(Ordering::Relaxed) && self.commit_since.elapsed() < COMMIT_LOST {
            return;
        }
        if context.commit_failed.swap(false, Ordering::Relaxed) {
            self.it.shared.desk().uncommit();
        }
        let offsets = list(self.it.shared.desk().take_commits().into_iter());
        if offsets.count() == 0 {
            return;
        }
        context.committing.store(true, Ordering::Relaxed);
        self.commit_since = Instant::now();
        if let Err(error) = self.consumer.commit(&offsets, CommitMode::Async) {
            tracing::debug!(%error, "commit failed, it is repeated");
            context.committing.store(false, Ordering::Relaxed);
            context.commit_failed.store(true, Ordering::Relaxed);
        }
    }
}

/// librdkafka knows POSIX's regular expressions only: no groups that do not capture.
fn posix(pattern: &str) -> String {
    pattern.replace("(?:", "(")
}

pub(crate) fn event(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> BusEvent {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    });
    BusEvent {
        topic: Arc::clone(topic),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().and_then(|at| Timestamp::from_millisecond(at).ok()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
