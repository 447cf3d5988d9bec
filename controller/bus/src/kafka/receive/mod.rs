//! The receive loop of a consumer.

mod finish;
mod positions;
mod stand_in;
mod standing_in;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::sync::oneshot::{Receiver, error::TryRecvError};
use xos_steps::call::panic_text;

use super::callbacks::is_out_of_range;
use super::client::Client;
use super::consumer::{Consumer, End};
use super::message::{ReadMessage, read};
use super::problem::Problem;
use super::rebalance::{Made, Rebalancing};
use super::rewind::Rewinds;
use super::scout::{Question, Questions};
use super::shared::SharedTracker;
use super::stall::{Cause, Stall};
use super::topic_partition::{TopicPartition, to_list};
use super::tracker::Received;
use crate::parked::record::Replay;
use positions::Positions;
use stand_in::{Again, StandIn};

/// How long a poll waits for an event.
const POLL: Duration = Duration::from_millis(50);
/// How long a poll waits where something else may have to be done soon: a partition that is paused must be resumed
/// before its step runs out of events.
const SHORT_POLL: Duration = Duration::from_millis(5);
/// How often the state is updated.
const TICK: Duration = Duration::from_millis(250);
/// How many events are received before they are given to the tracker, at most.
const MAX_BATCH: usize = 256;
/// How long a full partition has to get room before it is paused.
const ROOM_TIMEOUT: Duration = Duration::from_millis(20);
/// Why an event with such a header is parked.
const UNREADABLE_HEADER: &str = "the name of a header is not UTF-8";

/// The receive loop of a connected consumer.
pub(crate) struct ReceiveLoop<'a> {
    consumer: &'a Consumer,
    tracker: &'a SharedTracker,
    client: &'a Client,
    questions: &'a Questions,
    rebalancing: Rebalancing<'a>,
    rewinds: Rewinds,
    positions: Positions,
    /// Whether a partition may be paused.
    has_paused: bool,
    hasher: ahash::RandomState,
    max_batch: usize,
    last_tick: Instant,
    has_received: bool,
    /// Receives the other partitions while some are given away, from these offsets.
    stand_in: Option<(StandIn, Vec<(TopicPartition, i64)>)>,
    again: Again,
    /// A partition without a leader, and the question whether the broker knows one.
    leaderless: Option<(Stall, Receiver<bool>)>,
}

impl<'a> ReceiveLoop<'a> {
    pub(crate) fn new(
        consumer: &'a Consumer,
        tracker: &'a SharedTracker,
        client: &'a Client,
        questions: &'a Questions,
        rebalancing: Rebalancing<'a>,
    ) -> Self {
        Self {
            consumer,
            tracker,
            client,
            questions,
            rebalancing,
            rewinds: Rewinds::default(),
            positions: Positions::default(),
            has_paused: false,
            hasher: ahash::RandomState::new(),
            max_batch: (consumer.settings.buffer / 4).clamp(1, MAX_BATCH),
            last_tick: Instant::now(),
            has_received: false,
            stand_in: None,
            again: Again::default(),
            leaderless: None,
        }
    }

    /// Receives events until it is stopped or cannot go on.
    pub(crate) fn run(&mut self) -> End {
        let mut batch = vec![];
        while !self.tracker.stopping.load(Ordering::Relaxed) {
            if let Some(end) = self.poll(&mut batch) {
                return end;
            }
            if let Some(panic) = self.client.context().take_panic() {
                return End::Panicked(panic);
            }
            if !batch.is_empty() {
                self.has_received = true;
                self.accept(&mut batch);
                self.client.context().set_batch(!self.rewinds.is_empty());
            }
            if let Some(end) = self.rebalance() {
                return end;
            }
            self.stand_in();
            self.rewind();
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
        let is_busy = self.has_paused || !self.rewinds.is_empty() || self.rebalancing.is_busy();
        let mut wait = if is_busy { SHORT_POLL } else { POLL };
        while batch.len() < self.max_batch
            && let Some(polled) = self.client.poll(wait)
        {
            wait = Duration::ZERO;
            if let Some(topics) = self.tracker.made_anew() {
                return Some(End::MadeAnew(topics));
            }
            match polled {
                Ok(message) => {
                    batch.extend(self.received(&message));
                    self.client.context().set_batch(true);
                }
                Err(KafkaError::MessageConsumptionFatal(code)) => {
                    return Some(End::Stalled(format!("its client cannot be used any more: {code}")));
                }
                Err(error) if is_out_of_range(&error) => {
                    let reason = "the broker does not have the next offset of a partition any more";
                    return Some(End::Stalled(reason.to_owned()));
                }
                Err(error) => self.client.context().report(Problem::without_reason(&error, Instant::now())),
            }
        }
        self.poll_stand_in(batch);
        self.tracker.made_anew().map(End::MadeAnew)
    }

    /// Returns a message as an event; `None` if its partition was revoked just now. An event whose order key cannot be
    /// found, or with a header that cannot be read, is parked: to try it again would stop all others.
    fn received(&mut self, message: &BorrowedMessage<'_>) -> Option<Received> {
        let (from, assignment) = self.positions.look_up(self.tracker, message)?;
        if !self.again.is_empty() && self.again.has(from, message.offset()) {
            return None;
        }
        let topic = Arc::clone(&from.topic);
        if let Some(gap) = self.positions.receive(message.offset()) {
            // A scout that has ended tells nothing.
            let _ended = self.questions.send(Question::Gap(gap));
        }
        let ReadMessage { event, raw_headers } = read(message, topic);
        let hash = |key: &[u8]| self.hasher.hash_one(key);
        let called = catch_unwind(AssertUnwindSafe(|| self.consumer.step.order_key(&event).map(|key| hash(&key))));
        let (order_key, mut park_reason) = match called {
            Ok(order_key) => (order_key, None),
            Err(panic) => {
                let reason = format!("the step's order_key panicked: {}", panic_text(panic.as_ref()));
                (event.key.as_deref().map(hash), Some(reason))
            }
        };
        if let Some(raw_headers) = raw_headers {
            self.tracker.raw_headers.keep(&event, raw_headers);
            park_reason.get_or_insert_with(|| UNREADABLE_HEADER.to_owned());
        }
        let replayed = order_key.and_then(|_| Replay::of(&event)?.offset_in(&event, self.consumer.group.as_bytes()));
        Some(Received { assignment, order_key, event: Arc::new(event), park_reason, replayed })
    }

    /// Gives a batch to the tracker, and pauses the partitions that are full then.
    fn accept(&mut self, batch: &mut Vec<Received>) {
        self.rewinds.take_from(batch);
        let mut partitions: Vec<TopicPartition> = vec![];
        for received in batch.iter() {
            // Those of a batch are mostly of one partition.
            if !partitions.iter().rev().any(|one| received.is_from(one)) {
                partitions.push(received.from());
            }
        }
        let rewound = self.tracker.accept(batch.drain(..));
        if !rewound.is_empty() {
            let begun = self.rewinds.begin(self.tracker, rewound, self.consumer.grace, Instant::now());
            if let Err(error) = self.client.pause(&to_list(&begun)) {
                tracing::debug!(%error, "cannot pause a partition that begins anew");
            }
        }
        for partition in &partitions {
            let is_full = self.tracker.lock().is_full(partition);
            if is_full && !self.tracker.wait_for_room(partition, ROOM_TIMEOUT) {
                self.pause(partition);
            }
        }
    }

    /// Goes on with partitions that begin anew.
    fn rewind(&mut self) {
        if self.rewinds.is_empty() {
            return;
        }
        let (mut events, partitions) = self.rewinds.finish(self.tracker, Instant::now());
        if partitions.is_empty() {
            return;
        }
        self.accept(&mut events);
        self.client.context().set_batch(!self.rewinds.is_empty());
        if let Err(error) = self.client.resume(&to_list(&partitions)) {
            tracing::debug!(%error, "cannot resume a partition that begins anew");
        }
    }

    fn pause(&mut self, partition: &TopicPartition) {
        match self.client.pause(&to_list(std::slice::from_ref(partition))) {
            Ok(()) => {
                self.has_paused = true;
                self.tracker.lock().mark_paused(partition);
                if let Some((stand_in, _)) = &self.stand_in {
                    stand_in.pause(std::slice::from_ref(partition));
                }
            }
            // It was revoked just now.
            Err(error) => tracing::debug!(%error, %partition, "cannot pause a full partition"),
        }
    }

    /// Takes partitions and gives them away, as far as that needs no waiting.
    fn rebalance(&mut self) -> Option<End> {
        if !self.rebalancing.is_busy() {
            return None;
        }
        let mut end = None;
        for made in self.rebalancing.step() {
            match made {
                Made::Assigned { assignment, from } => {
                    self.consumer.states.update(&self.consumer.name, |state| state.stopped = None);
                    self.positions.begin(assignment, from);
                }
                Made::Revoked(partition) => {
                    self.rewinds.forget(&partition);
                    self.again.forget(&partition);
                }
                Made::Stopped(missed) => end = Some(End::Missed(missed)),
            }
        }
        end
    }

    /// Resumes paused partitions that have room.
    fn resume(&mut self) {
        let mut tracker = self.tracker.lock();
        let partitions = tracker.take_resumable();
        self.has_paused = tracker.counts().paused > 0;
        drop(tracker);
        if partitions.is_empty() {
            return;
        }
        if let Err(error) = self.client.resume(&to_list(&partitions)) {
            tracing::debug!(%error, "cannot resume partitions");
        }
        if let Some((stand_in, _)) = &self.stand_in {
            stand_in.resume(&partitions);
        }
    }

    /// Updates the state, and checks that events arrive.
    fn tick(&mut self) -> Option<End> {
        self.last_tick = Instant::now();
        // Before the counts: where there is no lag, they say that nothing is left.
        let lag = self.client.context().lag();
        let (counts, away) = self.tracker.progress();
        let now = Timestamp::now();
        let has_received = std::mem::take(&mut self.has_received);
        self.consumer.states.update(&self.consumer.name, |state| {
            state.lag = lag;
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
        if self.client.context().is_other_cluster() {
            return Some(End::Stalled("the brokers are of another cluster than before".to_owned()));
        }
        self.stalled()
    }

    /// Returns whether a partition stands still that should not.
    fn stalled(&mut self) -> Option<End> {
        if let Some((stall, mut answer)) = self.leaderless.take() {
            match answer.try_recv() {
                Ok(true) => return Some(End::Stalled(stall.to_string())),
                Ok(false) => {
                    let text = format!("{} has no leader on the brokers", stall.partition);
                    self.client.context().report(Problem::of_topic(text, Instant::now()));
                }
                Err(TryRecvError::Empty) => self.leaderless = Some((stall, answer)),
                // The broker does not answer.
                Err(TryRecvError::Closed) => {}
            }
            return None;
        }
        let stall = self.client.context().take_stall()?;
        if stall.cause != Cause::NoPosition {
            return Some(End::Stalled(stall.to_string()));
        }
        let (reply, answer) = tokio::sync::oneshot::channel();
        let _ended = self.questions.send(Question::Leader(stall.partition.clone(), reply));
        self.leaderless = Some((stall, answer));
        None
    }
}
