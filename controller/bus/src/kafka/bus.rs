//! Runs the event steps of a synchronizer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
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
    make: Make,
    exchange: EventSteps,
    exchanges: mpsc::Receiver<Exchange>,
}

/// Exchanges the event steps that run. Clones are the same one.
#[derive(Clone)]
pub struct EventSteps {
    make: Make,
    exchanges: mpsc::Sender<Exchange>,
}

/// What is to run from now on.
struct Exchange {
    consumers: Vec<Consumer>,
    /// Whether those of them that do not run yet are started.
    starts: bool,
    done: oneshot::Sender<()>,
}

/// Makes consumers.
#[derive(Clone)]
struct Make {
    settings: Settings,
    options: BusOptions,
    parked_topics: Arc<ParkedTopics>,
    states: ConsumerStates,
}

/// A consumer that runs.
struct Running {
    consumer: Arc<Consumer>,
    end: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// The consumers that run, and what they run with.
struct Runner {
    make: Make,
    services: Arc<Services>,
    shutdown: CancellationToken,
    running: Vec<Running>,
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
        let make = Make { settings: settings.clone(), options, parked_topics, states: ConsumerStates::default() };
        let consumers = make.consumers(steps)?;
        for consumer in &consumers {
            make.states.update(&consumer.name, |state| state.group.clone_from(&consumer.group));
        }
        let (sender, exchanges) = mpsc::channel(1);
        let exchange = EventSteps { make: make.clone(), exchanges: sender };
        Ok(Self { consumers, make, exchange, exchanges })
    }

    /// Returns the states of the consumers.
    pub fn states(&self) -> ConsumerStates {
        self.make.states.clone()
    }

    /// Returns what exchanges the steps while the bus runs.
    pub fn exchange(&self) -> EventSteps {
        self.exchange.clone()
    }

    /// Waits until `ready` is true, then runs until `shutdown`. At the end no more events are received, events in
    /// flight have the grace period to end, and what is done is committed.
    pub async fn run(self, services: Arc<Services>, mut ready: watch::Receiver<bool>, shutdown: CancellationToken) {
        let Self { consumers, make, mut exchanges, .. } = self;
        let mut runner = Runner { make, services, shutdown, running: vec![] };
        // Until the time has come they are exchanged without having run.
        let mut waiting = Some(consumers);
        loop {
            tokio::select! {
                () = runner.shutdown.cancelled() => break,
                is_ready = async { ready.wait_for(|ready| *ready).await.is_ok() }, if waiting.is_some() => match is_ready {
                    true => runner.start(waiting.take().unwrap_or_default()),
                    false => break,
                },
                Some(Exchange { consumers, starts, done }) = exchanges.recv() => {
                    runner.end_others(&consumers).await;
                    match &mut waiting {
                        Some(waiting) if starts => *waiting = consumers,
                        Some(waiting) => waiting.retain(|one| consumers.iter().any(|other| is_same(one, other))),
                        None if starts => runner.start(consumers),
                        None => {}
                    }
                    // Who asked for it may have gone.
                    let _ = done.send(());
                }
            }
        }
        runner.end_others(&[]).await;
    }
}

impl EventSteps {
    /// Checks steps. It does not connect to a broker.
    ///
    /// # Errors
    /// When a step cannot run: the message names it.
    pub fn check(&self, steps: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        self.make.consumers(steps).map(drop)
    }

    /// Ends the steps that are not among these, and waits until they have ended.
    ///
    /// # Errors
    /// When a step cannot run.
    pub async fn keep(&self, steps: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        self.exchange(steps, false).await
    }

    /// Lets exactly these steps run.
    ///
    /// # Errors
    /// When a step cannot run. Then nothing has changed.
    pub async fn set(&self, steps: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        self.exchange(steps, true).await
    }

    /// After the shutdown nothing is exchanged any more.
    async fn exchange(&self, steps: Vec<Arc<dyn DynEventStep>>, starts: bool) -> Result<(), BusError> {
        let consumers = self.make.consumers(steps)?;
        let (done, exchanged) = oneshot::channel();
        if self.exchanges.send(Exchange { consumers, starts, done }).await.is_ok() {
            let _ = exchanged.await;
        }
        Ok(())
    }
}

impl Make {
    /// Returns the consumers of steps.
    fn consumers(&self, steps: Vec<Arc<dyn DynEventStep>>) -> Result<Vec<Consumer>, BusError> {
        let mut consumers: Vec<Consumer> = Vec::new();
        for step in steps {
            let consumer = self.consumer(step)?;
            if let Some(other) = consumers.iter().find(|other| other.group == consumer.group) {
                let Consumer { name: second, group, .. } = consumer;
                return Err(BusError::SameGroup { first: other.name.clone(), second, group });
            }
            consumer.check()?;
            consumers.push(consumer);
        }
        Ok(consumers)
    }

    fn consumer(&self, step: Arc<dyn DynEventStep>) -> Result<Consumer, BusError> {
        let high = self.settings.buffer.max(1);
        Ok(Consumer {
            concurrency: step.concurrency(),
            limits: Limits { high, low: high / 2, high_bytes: HIGH_BYTES, stuck: STUCK, stuck_bytes: STUCK_BYTES },
            settings: self.settings.clone(),
            synchronizer: self.options.synchronizer.clone(),
            grace: self.options.shutdown_grace.min(REBALANCE_GRACE),
            states: self.states.clone(),
            counters: Arc::<Counters>::default(),
            last_problem: Arc::default(),
            name: step.name().to_owned(),
            subscription: step.subscription()?,
            group: step.group(&self.options.synchronizer),
            step,
        })
    }
}

impl Runner {
    /// Starts the consumers that do not run yet.
    fn start(&mut self, consumers: Vec<Consumer>) {
        for consumer in consumers {
            if self.running.iter().any(|running| is_same(&running.consumer, &consumer)) {
                continue;
            }
            let consumer = Arc::new(consumer);
            let span = tracing::info_span!("events", step = consumer.name);
            let end = self.shutdown.child_token();
            self.make.states.update(&consumer.name, |state| state.group.clone_from(&consumer.group));
            let supervisor = Supervisor {
                consumer: Arc::clone(&consumer),
                options: self.make.options.clone(),
                services: Arc::clone(&self.services),
                parked_topics: Arc::clone(&self.make.parked_topics),
                shutdown: end.clone(),
            };
            let task = AbortOnDropHandle::new(tokio::spawn(supervisor.run().instrument(span)));
            self.running.push(Running { consumer, end, task });
        }
    }

    /// Ends the consumers that are not among these, each with what it has in flight.
    async fn end_others(&mut self, consumers: &[Consumer]) {
        let all = std::mem::take(&mut self.running);
        let (kept, ended): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|running| consumers.iter().any(|other| is_same(&running.consumer, other)));
        self.running = kept;
        ended.iter().for_each(|running| running.end.cancel());
        for running in ended {
            let step = running.consumer.name.clone();
            if let Err(error) = running.task.await {
                tracing::error!(step, %error, "a consumer has ended by a panic: please report this");
            }
            if !self.shutdown.is_cancelled() {
                self.make.states.remove(&step);
            }
        }
    }
}

fn is_same(one: &Consumer, other: &Consumer) -> bool {
    let (a, b) = (&one.step, &other.step);
    let has_same_revision = || a.revision().is_some() && a.revision() == b.revision();
    Arc::ptr_eq(a, b) || (one.name == other.name && has_same_revision())
}
