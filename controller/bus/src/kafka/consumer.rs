//! A step's consumer: a thread that receives events and commits what is done.
//!
//! It is a thread and not a task: when partitions are revoked, librdkafka calls back and waits while events in flight
//! end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use xos_steps::call::panic_text;
use xos_steps::{BusEvent, DynEventStep, Subscription};

use super::callbacks::CallbackContext;
use super::counters::Counters;
use super::notifier::Notifier;
use super::problem::{LastProblem, Problem};
use super::shared::SharedTracker;
use super::topic_partition::{TopicPartition, to_list, to_offset_list};
use super::tracker::{Limits, Received};
use crate::settings::Settings;
use crate::state::ConsumerStates;

/// How long a poll waits for an event.
const POLL: Duration = Duration::from_millis(50);
/// How long a poll waits where a partition is paused: it must be resumed before its step runs out of events.
const SHORT_POLL: Duration = Duration::from_millis(5);
/// How often offsets are committed and the state is updated.
const TICK: Duration = Duration::from_millis(250);
/// How many events are received before they are given to the tracker, at most.
const MAX_BATCH: usize = 256;
/// How long a full partition has to get room before it is paused.
const ROOM_TIMEOUT: Duration = Duration::from_millis(20);
/// How long a commit may be pending before it counts as lost.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Settings of librdkafka that the configuration may override.
const DEFAULTS: [(&str, &str); 7] = [
    ("auto.offset.reset", "earliest"),
    // How soon new topics and new partitions are found.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("statistics.interval.ms", "5000"),
    ("queued.max.messages.kbytes", "8192"),
    // After librdkafka's default of 1 s for a full queue a fast step would have no events for most of the time.
    ("fetch.queue.backoff.ms", "10"),
    ("socket.keepalive.enable", "true"),
    ("fetch.error.backoff.ms", "100"),
];

/// Why a consumer ended.
pub(crate) enum End {
    /// It was told to stop.
    Stopped,
    /// It no longer receives events, for this reason, and must be restarted.
    Stalled(String),
    /// A callback panicked, with this message.
    Panicked(String),
}

/// A step's consumer, which can be run again after it ended.
pub(crate) struct Consumer {
    pub(crate) step: Arc<dyn DynEventStep>,
    /// The step's name.
    pub(crate) name: String,
    /// How many events the step handles at the same time.
    pub(crate) concurrency: usize,
    pub(crate) subscription: Subscription,
    pub(crate) settings: Settings,
    pub(crate) synchronizer: String,
    pub(crate) group: String,
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    pub(crate) states: ConsumerStates,
    pub(crate) counters: Arc<Counters>,
}

impl Consumer {
    /// Receives events until it is stopped or stalls. Blocks.
    pub(crate) fn run(&self, tracker: &Arc<SharedTracker>, notifier: &Notifier) -> Result<End, KafkaError> {
        let context = CallbackContext {
            tracker: Arc::clone(tracker),
            states: self.states.clone(),
            step: self.name.clone(),
            notifier: notifier.clone(),
            grace: self.grace,
            span: tracing::Span::current(),
            last_problem: LastProblem::default(),
            unreceived: AtomicI64::new(0),
            commit_failed: AtomicBool::new(false),
            commit_pending: AtomicBool::new(false),
            panic: Mutex::default(),
        };
        let client: BaseConsumer<CallbackContext> = self.config().create_with_context(context)?;
        self.subscribe(&client)?;
        let ended = catch_unwind(AssertUnwindSafe(|| ReceiveLoop::new(self, tracker, &client).run()));
        // Closing the client revokes its partitions, by the callback.
        drop(client);
        ended.map_or_else(|panic| resume_unwind(panic), Ok)
    }

    /// Checks that librdkafka accepts the settings.
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
            // The pattern must not match topics of parked events.
            config.set("topic.blacklist", self.settings.parked_pattern(&self.synchronizer));
        }
        config
    }

    fn subscribe(&self, consumer: &BaseConsumer<CallbackContext>) -> KafkaResult<()> {
        match &self.subscription {
            Subscription::Topics(topics) => {
                let topics: Vec<_> = topics.iter().map(String::as_str).collect();
                consumer.subscribe(&topics)
            }
            Subscription::Pattern(pattern) => consumer.subscribe(&[&posix(pattern.as_str())]),
        }
    }
}

/// The assignment of the partition that the last event came from.
struct LastAssignment {
    from: TopicPartition,
    assignment: u64,
    /// [`SharedTracker::assignments_version`] when the assignment was looked up.
    version: u64,
}

/// The receive loop of a connected consumer.
struct ReceiveLoop<'a> {
    consumer: &'a Consumer,
    tracker: &'a SharedTracker,
    client: &'a BaseConsumer<CallbackContext>,
    /// The next event mostly comes from the same partition, which saves looking its assignment up.
    last: Option<LastAssignment>,
    /// Whether a partition may be paused.
    has_paused: bool,
    hasher: ahash::RandomState,
    max_batch: usize,
    last_tick: Instant,
    /// When an event was last received, or there was none to receive.
    last_event: Instant,
    has_received: bool,
    commit_started: Instant,
}

impl<'a> ReceiveLoop<'a> {
    fn new(consumer: &'a Consumer, tracker: &'a SharedTracker, client: &'a BaseConsumer<CallbackContext>) -> Self {
        let now = Instant::now();
        Self {
            consumer,
            tracker,
            client,
            last: None,
            has_paused: false,
            hasher: ahash::RandomState::new(),
            max_batch: (consumer.settings.buffer / 4).clamp(1, MAX_BATCH),
            last_tick: now,
            last_event: now,
            has_received: false,
            commit_started: now,
        }
    }

    fn run(mut self) -> End {
        let mut batch = vec![];
        while !self.tracker.stopping.load(Ordering::Relaxed) {
            if let Some(end) = self.poll(&mut batch) {
                return end;
            }
            if let Some(panic) = self.client.context().take_panic() {
                return End::Panicked(panic);
            }
            if !batch.is_empty() {
                self.accept(&mut batch);
            }
            if self.has_paused {
                self.resume();
            }
            if self.last_tick.elapsed() >= TICK
                && let Some(end) = self.tick()
            {
                return end;
            }
        }
        End::Stopped
    }

    /// Waits for an event, and receives those that are there.
    fn poll(&mut self, batch: &mut Vec<Received>) -> Option<End> {
        let mut wait = if self.has_paused { SHORT_POLL } else { POLL };
        while batch.len() < self.max_batch
            && let Some(polled) = self.client.poll(wait)
        {
            wait = Duration::ZERO;
            match polled {
                Ok(message) => batch.extend(self.received(&message)),
                Err(KafkaError::MessageConsumptionFatal(code)) => return Some(End::Stalled(code.to_string())),
                Err(error) => self.client.context().report(Problem::without_reason(&error, Instant::now())),
            }
        }
        None
    }

    /// Returns a message as an event; `None` if its partition was revoked just now. An event whose order key cannot be
    /// found is parked, as one that cannot be read: to try it again would stop all others.
    fn received(&mut self, message: &BorrowedMessage<'_>) -> Option<Received> {
        let (from, assignment) = self.assignment_of(message)?;
        let event = to_event(message, &from.topic);
        let hash = |key: &[u8]| self.hasher.hash_one(key);
        let called = catch_unwind(AssertUnwindSafe(|| self.consumer.step.order_key(&event).map(|key| hash(&key))));
        let (order_key, park_reason) = match called {
            Ok(order_key) => (order_key, None),
            Err(panic) => {
                let reason = format!("the step's order_key panicked: {}", panic_text(panic.as_ref()));
                (event.key.as_deref().map(hash), Some(reason))
            }
        };
        Some(Received { from, assignment, order_key, event: Arc::new(event), park_reason })
    }

    /// Gives a batch to the tracker, and pauses the partitions that are full then.
    fn accept(&mut self, batch: &mut Vec<Received>) {
        self.has_received = true;
        let mut partitions: Vec<TopicPartition> = vec![];
        for Received { from, .. } in batch.iter() {
            if partitions.last() != Some(from) && !partitions.contains(from) {
                partitions.push(from.clone());
            }
        }
        let mut rewound = self.tracker.accept(batch.drain(..));
        while let Some(first) = rewound.first() {
            let from = first.from.clone();
            let assignment = self.reassign(first);
            rewound.iter_mut().filter(|one| one.from == from).for_each(|one| one.assignment = assignment);
            rewound = self.tracker.accept(rewound);
        }
        for partition in &partitions {
            let is_full = self.tracker.lock().is_full(partition);
            if is_full && !self.tracker.wait_for_room(partition, ROOM_TIMEOUT) {
                self.pause(partition);
            }
        }
    }

    /// Starts a partition anew from an event whose offset is not after the last one: its topic was deleted and created
    /// again, or the broker has lost its end. Returns the number of the new assignment.
    fn reassign(&self, Received { from, event, .. }: &Received) -> u64 {
        tracing::warn!(
            partition = %from,
            offset = event.offset,
            "the offsets of the partition went back, as after its topic was created again: handling it from there"
        );
        self.tracker.drain(std::slice::from_ref(from), self.consumer.grace);
        self.tracker.assign(from)
    }

    fn pause(&mut self, partition: &TopicPartition) {
        match self.client.pause(&to_list(std::slice::from_ref(partition))) {
            Ok(()) => {
                self.has_paused = true;
                self.tracker.lock().mark_paused(partition);
            }
            // It was revoked just now.
            Err(error) => tracing::debug!(%error, %partition, "cannot pause a full partition"),
        }
    }

    /// Returns the partition that a message came from, and the number of its assignment.
    fn assignment_of(&mut self, message: &BorrowedMessage<'_>) -> Option<(TopicPartition, u64)> {
        let version = self.tracker.assignments_version();
        if let Some(last) = &self.last
            && last.from.partition == message.partition()
            && *last.from.topic == *message.topic()
            && last.version == version
        {
            return Some((last.from.clone(), last.assignment));
        }
        let from = TopicPartition { topic: message.topic().into(), partition: message.partition() };
        let assignment = self.tracker.lock().assignment(&from)?;
        self.last = Some(LastAssignment { from: from.clone(), assignment, version });
        Some((from, assignment))
    }

    /// Resumes paused partitions that have room.
    fn resume(&mut self) {
        let mut tracker = self.tracker.lock();
        let partitions = tracker.take_resumable();
        self.has_paused = tracker.counts().paused > 0;
        drop(tracker);
        if !partitions.is_empty()
            && let Err(error) = self.client.resume(&to_list(&partitions))
        {
            tracing::debug!(%error, "cannot resume partitions");
        }
    }

    /// Commits, updates the state, and checks that events arrive.
    fn tick(&mut self) -> Option<End> {
        self.last_tick = Instant::now();
        self.commit();
        let (counts, away) = self.tracker.progress();
        let now = Timestamp::now();
        let has_received = std::mem::take(&mut self.has_received);
        self.consumer.states.update(&self.consumer.name, |state| {
            state.partitions = counts.partitions;
            state.paused = counts.paused;
            state.held = counts.held;
            state.waiting = counts.waiting;
            state.waiting_since = counts.waiting_since.and_then(|since| now.checked_sub(since.elapsed()).ok());
            state.away = away;
            state.last_poll = Some(now);
            state.last_active = Some(now);
            if has_received {
                state.last_event = Some(now);
            }
            self.consumer.counters.copy_to(state);
        });
        let has_unreceived = self.client.context().unreceived.load(Ordering::Relaxed) > 0;
        if has_received || counts.held > 0 || !has_unreceived {
            self.last_event = Instant::now();
        }
        let stalled = self.last_event.elapsed() > self.consumer.settings.stalled_after;
        stalled.then(|| End::Stalled("there are events on the broker, but none arrives".to_owned()))
    }

    /// Commits what is done. Only one commit is pending at a time: librdkafka delays a rebalance until all commits are
    /// answered.
    fn commit(&mut self) {
        let context = self.client.context();
        if context.commit_pending.load(Ordering::Relaxed) && self.commit_started.elapsed() < COMMIT_TIMEOUT {
            return;
        }
        if context.commit_failed.swap(false, Ordering::Relaxed) {
            self.tracker.lock().commit_again();
        }
        let offsets = to_offset_list(self.tracker.lock().take_offsets_to_commit());
        if offsets.count() == 0 {
            return;
        }
        context.commit_pending.store(true, Ordering::Relaxed);
        self.commit_started = Instant::now();
        if let Err(error) = self.client.commit(&offsets, CommitMode::Async) {
            tracing::debug!(%error, "commit failed, trying again");
            context.commit_pending.store(false, Ordering::Relaxed);
            context.commit_failed.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns the pattern as a POSIX regular expression, as librdkafka needs it: without non-capturing groups.
fn posix(pattern: &str) -> String {
    pattern.replace("(?:", "(")
}

/// Returns a message as an event.
pub(crate) fn to_event(message: &BorrowedMessage<'_>, topic: &Arc<str>) -> BusEvent {
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
