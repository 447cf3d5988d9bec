//! The event steps of a synchronizer at work.

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

use crate::bench::{benches, work};
use crate::consumer::{Consumer, End};
use crate::desk::Limits;
use crate::settings::{Settings, SettingsError};
use crate::shared::Shared;
use crate::state::ConsumerStates;
use crate::teller::Teller;
use crate::worker::Workshop;

/// How much of a partition may wait in memory, in bytes.
const HIGH_BYTES: usize = 4 << 20;
/// A group waits for its members at a rebalance, for `max.poll.interval.ms` (5 min) at most: what is being handled may end in less than that.
const REBALANCE_GRACE: Duration = Duration::from_mins(1);
/// Between two consumers of a step, where one failed.
const RENEWAL: Backoff = Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.1 };
/// How often a stop is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Event steps that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A step does not say what it listens to.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There are steps, and no bus.
    #[error("event step {0} needs an event bus: set `event_bus.endpoint` in the configuration")]
    NoBus(String),
    /// Two steps in one group would each see a part only.
    #[error(
        "event steps {first} and {second} are both in the consumer group {group}: each would miss what the other gets"
    )]
    OneGroup {
        /// One step.
        first: String,
        /// The other.
        second: String,
        /// The group.
        group: String,
    },
    /// librdkafka does not take a setting.
    #[error("the settings of the event bus: {0}")]
    Kafka(#[from] KafkaError),
}

/// How event steps run.
#[derive(Clone, Debug)]
pub struct BusOptions {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// Where objects are looked for and made.
    pub namespace: String,
    /// How long one attempt may take.
    pub time_limit: Duration,
    /// How long running ones may go on after shutdown began, or after their partition was taken away.
    pub shutdown_grace: Duration,
}

/// Event steps with their consumers, checked and not started.
pub struct Bus {
    consumers: Vec<Consumer>,
    options: BusOptions,
    producer: Arc<dyn Producer>,
    states: ConsumerStates,
}

impl Bus {
    /// Checks steps and settings; asks no broker.
    ///
    /// # Errors
    /// When a step cannot run so; the message names it.
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
            let (group, subscription) = (step.group(&options.synchronizer), step.subscription()?);
            if let Some(other) = consumers.iter().find(|other| other.group == group) {
                let (first, second) = (other.step.name().to_owned(), step.name().to_owned());
                return Err(BusError::OneGroup { first, second, group });
            }
            states.update(step.name(), |state| state.group.clone_from(&group));
            let high = settings.buffer.max(1);
            let consumer = Consumer {
                shared: Arc::new(Shared::new(Limits { high, low: high / 2, high_bytes: HIGH_BYTES })),
                settings: settings.clone(),
                synchronizer: options.synchronizer.clone(),
                grace: options.shutdown_grace.min(REBALANCE_GRACE),
                states: states.clone(),
                counter: Arc::default(),
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

    /// How the consumers fare.
    pub fn states(&self) -> ConsumerStates {
        self.states.clone()
    }

    /// Runs until `shutdown`, from when `ready` becomes true. Then nothing more is received; what is being handled has the grace period to end,
    /// and what is done is committed.
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

/// One step: a thread that receives, and workers.
async fn step(
    consumer: Consumer,
    options: BusOptions,
    services: Arc<Services>,
    producer: Arc<dyn Producer>,
    shutdown: CancellationToken,
) {
    let (stop, shared) = (Arc::clone(&consumer.stop), Arc::clone(&consumer.shared));
    let (events, namespace) = (Arc::clone(&services.events), options.namespace.clone());
    let teller = Teller { events, namespace, step: consumer.step.name().to_owned() };
    let shop = Arc::new(workshop(&consumer, options, services, producer));
    let mut workers = JoinSet::new();
    for _ in 0..benches(consumer.step.concurrency()) {
        workers.spawn(work(Arc::clone(&shop)).in_current_span());
    }
    // If this future is dropped, as by a runtime that ends, the thread must not go on without its workers.
    let _guard = Abandon { stop: Arc::clone(&stop), shared: Arc::clone(&shared) };
    let span = tracing::Span::current();
    // A thread that ends by a panic is a defect: told, and begun anew.
    let thread = tokio::task::spawn_blocking(move || span.in_scope(|| receive(&consumer, &teller)));
    let mut thread = std::pin::pin!(thread);
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = &mut thread => {
            if let Err(error) = ended {
                tracing::error!(%error, "a consumer panicked: please report this; its step gets no events any more");
            }
            shared.closed.cancel();
            return;
        }
    }
    stop.store(true, Ordering::Relaxed);
    // Closing the consumer waits for what is being handled, and commits it.
    let _ended = thread.await;
    shared.closed.cancel();
    while workers.join_next().await.is_some() {}
}

/// Stops the thread and takes away its work.
struct Abandon {
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.shared.closed.cancel();
        // Whoever has just seen that it is not closed waits by now.
        drop(self.shared.desk());
        self.shared.moved();
    }
}

fn workshop(
    consumer: &Consumer,
    options: BusOptions,
    services: Arc<Services>,
    producer: Arc<dyn Producer>,
) -> Workshop {
    Workshop {
        step: Arc::clone(&consumer.step),
        group: consumer.group.clone(),
        synchronizer: options.synchronizer,
        call: Call::new(consumer.step.name(), Pass::Event, &options.namespace),
        services,
        settings: consumer.settings.clone(),
        time_limit: options.time_limit,
        producer,
        shared: Arc::clone(&consumer.shared),
        counter: Arc::clone(&consumer.counter),
        room: Arc::new(Semaphore::new(consumer.step.concurrency())),
    }
}

/// Receives until it is stopped, with as many consumers as it takes.
fn receive(consumer: &Consumer, teller: &Teller) {
    let mut failures = 0;
    loop {
        match consumer.run(teller) {
            Ok(End::Stopped) => return,
            Ok(End::Renew(reason)) => {
                tracing::warn!(reason, "the consumer has stopped receiving: it is made anew");
                teller.is_silent(&reason);
                failures = 1;
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "the consumer cannot be made; it is tried again");
            }
        }
        consumer.states.update(consumer.step.name(), |state| state.restarts += 1);
        let until = std::time::Instant::now() + RENEWAL.delay(failures, rand::random());
        while std::time::Instant::now() < until {
            if consumer.stop.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(LOOK);
        }
    }
}
