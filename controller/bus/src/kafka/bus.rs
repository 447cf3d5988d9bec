//! Runs the event steps of a synchronizer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_steps::{DynEventStep, Services};

use super::consumer::Consumer;
use super::counters::Counters;
use super::parked::ParkedTopics;
use super::supervisor::Supervisor;
use super::tracker::Limits;
use crate::error::BusError;
use crate::settings::{BusOptions, Settings};
use crate::state::ConsumerStates;

/// How many bytes of a partition may be in memory.
const HIGH_BYTES: usize = 4 << 20;
/// How many events of a partition may wait in memory behind events that fail or wait, while others go on.
const STUCK: usize = 100_000;
/// The same as bytes.
const STUCK_BYTES: usize = 64 << 20;
/// How long events in flight may take to end at a rebalance. The group waits for it, at most for `max.poll.interval.ms`
/// (5 min).
const REBALANCE_GRACE: Duration = Duration::from_mins(1);

/// The event steps and their consumers, checked but not started.
pub struct Bus {
    consumers: Vec<Consumer>,
    options: BusOptions,
    parked_topics: Arc<ParkedTopics>,
    states: ConsumerStates,
}

impl Bus {
    /// Checks steps and settings. It does not connect to a broker.
    ///
    /// # Errors
    /// When a step cannot run: the message names it.
    pub fn new(steps: Vec<Arc<dyn DynEventStep>>, settings: &Settings, options: BusOptions) -> Result<Self, BusError> {
        settings.check()?;
        settings.check_parked(&options.synchronizer)?;
        let parked_topics = Arc::new(ParkedTopics::new(settings.clone(), options.synchronizer.clone()));
        let states = ConsumerStates::default();
        let mut consumers: Vec<Consumer> = Vec::new();
        for step in steps {
            let name = step.name().to_owned();
            let group = step.group(&options.synchronizer);
            let subscription = step.subscription()?;
            if let Some(other) = consumers.iter().find(|other| other.group == group) {
                return Err(BusError::SameGroup { first: other.name.clone(), second: name, group });
            }
            states.update(&name, |state| state.group.clone_from(&group));
            let high = settings.buffer.max(1);
            let consumer = Consumer {
                concurrency: step.concurrency(),
                limits: Limits { high, low: high / 2, high_bytes: HIGH_BYTES, stuck: STUCK, stuck_bytes: STUCK_BYTES },
                settings: settings.clone(),
                synchronizer: options.synchronizer.clone(),
                grace: options.shutdown_grace.min(REBALANCE_GRACE),
                states: states.clone(),
                counters: Arc::<Counters>::default(),
                last_problem: Arc::default(),
                step,
                name,
                subscription,
                group,
            };
            consumer.check()?;
            consumers.push(consumer);
        }
        Ok(Self { consumers, options, parked_topics, states })
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
            let span = tracing::info_span!("events", step = consumer.name);
            let supervisor = Supervisor {
                consumer: Arc::new(consumer),
                options: self.options.clone(),
                services: Arc::clone(&services),
                parked_topics: Arc::clone(&self.parked_topics),
                shutdown: shutdown.clone(),
            };
            running.spawn(supervisor.run().instrument(span));
        }
        while running.join_next().await.is_some() {}
    }
}
