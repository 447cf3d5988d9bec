//! Runs the event steps of a synchronizer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::error::KafkaError;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_model::{Backoff, Pass};
use xos_steps::{Call, DynEventStep, Producer, Services, SubscriptionError};

use crate::consumer::{Consumer, End};
use crate::dispatcher::{dispatch, dispatchers};
use crate::notifier::Notifier;
use crate::settings::{Settings, SettingsError};
use crate::shared::SharedTracker;
use crate::state::{ConsumerStates, Counters};
use crate::tracker::Limits;
use crate::worker::Worker;

/// How many bytes of a partition may be in memory.
const HIGH_BYTES: usize = 4 << 20;
/// How long events in flight may take to end at a rebalance. The group waits for it, at most for `max.poll.interval.ms`
/// (5 min).
const REBALANCE_GRACE: Duration = Duration::from_mins(1);
/// The delay before a consumer is restarted.
const RESTART: Backoff = Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.1 };
/// How often the consumer thread checks whether to stop during that delay.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Why event steps cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A step without a valid subscription.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Event steps without an event bus.
    #[error("event step {0} needs an event bus: set `event_bus.endpoint` in the configuration")]
    NoBus(String),
    /// Two steps in one consumer group: each would get a part of the events only.
    #[error(
        "event steps {first} and {second} are both in the consumer group {group}: each would get a part of the events; \
         give one of them another `group`"
    )]
    SameGroup {
        /// One step.
        first: String,
        /// The other step.
        second: String,
        /// The group.
        group: String,
    },
    /// A setting that librdkafka does not accept.
    #[error("invalid settings in `event_bus`: {0}")]
    Kafka(#[from] KafkaError),
}

/// The options of event steps.
#[derive(Clone, Debug)]
pub struct BusOptions {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The namespace in which steps find and create objects.
    pub namespace: String,
    /// How long an attempt may take.
    pub time_limit: Duration,
    /// How long events in flight have to end after a shutdown, or when their partition is revoked.
    pub shutdown_grace: Duration,
}

/// The event steps and their consumers, checked but not started.
pub struct Bus {
    consumers: Vec<Consumer>,
    options: BusOptions,
    producer: Arc<dyn Producer>,
    states: ConsumerStates,
}

impl Bus {
    /// Checks steps and settings. It does not connect to a broker.
    ///
    /// # Errors
    /// When a step cannot run: the message names it.
    pub fn new(
        steps: Vec<Arc<dyn DynEventStep>>,
        settings: &Settings,
        producer: Arc<dyn Producer>,
        options: BusOptions,
    ) -> Result<Self, BusError> {
        settings.check()?;
        let states = ConsumerStates::default();
        let mut consumers: Vec<Consumer> = Vec::new();
        for step in steps {
            let group = step.group(&options.synchronizer);
            let subscription = step.subscription()?;
            if let Some(other) = consumers.iter().find(|other| other.group == group) {
                let first = other.step.name().to_owned();
                let second = step.name().to_owned();
                return Err(BusError::SameGroup { first, second, group });
            }
            states.update(step.name(), |state| state.group.clone_from(&group));
            let high = settings.buffer.max(1);
            let consumer = Consumer {
                tracker: Arc::new(SharedTracker::new(Limits { high, low: high / 2, high_bytes: HIGH_BYTES })),
                settings: settings.clone(),
                synchronizer: options.synchronizer.clone(),
                grace: options.shutdown_grace.min(REBALANCE_GRACE),
                states: states.clone(),
                counters: Arc::<Counters>::default(),
                stop: Arc::new(AtomicBool::new(false)),
                step,
                subscription,
                group,
            };
            consumer.check()?;
            consumers.push(consumer);
        }
        Ok(Self { consumers, options, producer, states })
    }

    /// Returns the states of the consumers.
    pub fn states(&self) -> ConsumerStates {
        self.states.clone()
    }

    /// Waits until `ready` is true, then runs until `shutdown`. At the end no more events are received, events in
    /// flight have the grace period to end, and what is done is committed.
    pub async fn run(self, services: Arc<Services>, mut ready: watch::Receiver<bool>, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => return,
            ready = ready.wait_for(|ready| *ready) => if ready.is_err() { return },
        }
        let mut running = JoinSet::new();
        for consumer in self.consumers {
            let span = tracing::info_span!("events", step = consumer.step.name());
            let run = step(
                consumer,
                self.options.clone(),
                Arc::clone(&services),
                Arc::clone(&self.producer),
                shutdown.clone(),
            );
            running.spawn(run.instrument(span));
        }
        while running.join_next().await.is_some() {}
    }
}

/// Runs one step: a consumer thread, and dispatchers.
async fn step(
    consumer: Consumer,
    options: BusOptions,
    services: Arc<Services>,
    producer: Arc<dyn Producer>,
    shutdown: CancellationToken,
) {
    let stop = Arc::clone(&consumer.stop);
    let tracker = Arc::clone(&consumer.tracker);
    let events = Arc::clone(&services.events);
    let notifier = Notifier { events, namespace: options.namespace.clone(), step: consumer.step.name().to_owned() };
    let worker = Arc::new(worker(&consumer, options, services, producer));
    let mut dispatching = JoinSet::new();
    for _ in 0..dispatchers(consumer.step.concurrency()) {
        dispatching.spawn(dispatch(Arc::clone(&worker)).in_current_span());
    }
    // If this future is dropped, as by a runtime that ends, the thread must not go on without dispatchers.
    let _guard = StopOnDrop { stop: Arc::clone(&stop), tracker: Arc::clone(&tracker) };
    let span = tracing::Span::current();
    // A thread that ends by a panic is a defect: told, and begun anew.
    let thread = tokio::task::spawn_blocking(move || span.in_scope(|| receive(&consumer, &notifier)));
    let mut thread = std::pin::pin!(thread);
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = &mut thread => {
            if let Err(error) = ended {
                tracing::error!(%error, "a consumer panicked: please report this; its step gets no events any more");
            }
            tracker.closed.cancel();
            return;
        }
    }
    stop.store(true, Ordering::Relaxed);
    // Closing the consumer waits for events in flight, and commits what is done.
    let _ended = thread.await;
    tracker.closed.cancel();
    while dispatching.join_next().await.is_some() {}
}

/// Stops the consumer thread and the dispatchers.
struct StopOnDrop {
    stop: Arc<AtomicBool>,
    tracker: Arc<SharedTracker>,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tracker.closed.cancel();
        // A thread that has just seen that the tracker is not closed is waiting once the lock is free.
        drop(self.tracker.lock());
        self.tracker.notify_progress();
    }
}

fn worker(consumer: &Consumer, options: BusOptions, services: Arc<Services>, producer: Arc<dyn Producer>) -> Worker {
    Worker {
        step: Arc::clone(&consumer.step),
        group: consumer.group.clone(),
        synchronizer: options.synchronizer,
        call: Call::new(consumer.step.name(), Pass::Event, &options.namespace),
        services,
        settings: consumer.settings.clone(),
        time_limit: options.time_limit,
        producer,
        tracker: Arc::clone(&consumer.tracker),
        counters: Arc::clone(&consumer.counters),
        permits: Arc::new(Semaphore::new(consumer.step.concurrency())),
    }
}

/// Runs the consumer until it is stopped, and restarts it when it stalls.
fn receive(consumer: &Consumer, notifier: &Notifier) {
    let mut failures = 0;
    loop {
        match consumer.run(notifier) {
            Ok(End::Stopped) => return,
            Ok(End::Stalled(reason)) => {
                tracing::warn!(reason, "the consumer receives no events and is restarted");
                notifier.consumer_restarted(&reason);
                failures = 1;
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "cannot start the consumer, trying again");
            }
        }
        consumer.states.update(consumer.step.name(), |state| state.restarts += 1);
        let until = std::time::Instant::now() + RESTART.delay(failures, rand::random());
        while std::time::Instant::now() < until {
            if consumer.stop.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(STOP_CHECK);
        }
    }
}
