//! Pull steps, event steps, and the messages that steps send.

mod gui_events;
mod renewing;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_bus::{Bus, BusError, BusOptions, ConsumerStates, EventSteps, KafkaProducer, Renewals, Settings};
use xos_engine::leader::Leadership;
use xos_engine::pull::{self, PullExchanges, PullOptions, PullStates, PullSteps};
use xos_engine::{Engine, LiveRegistry};
use xos_model::Pass;
use xos_steps::{AtStart, Call, DynEventStep, DynPullStep, NoProducer, Producer, Services, StepContext, Steps};

use crate::config::{Config, EventBus};
use gui_events::GuiEvents;
pub use renewing::Renewing;

/// The namespace of pull steps and event steps if all namespaces are watched.
const NAMESPACE: &str = "default";
/// How long to wait for unsent messages at shutdown. Each step has already waited for its own.
const FLUSHED: Duration = Duration::from_secs(2);

/// Why pull steps or event steps cannot run.
#[derive(Debug, thiserror::Error)]
pub enum IoStepsError {
    /// Event steps or the event bus.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Pull steps, event steps and the event bus, checked but not started.
pub(crate) struct IoSteps {
    pulls: Vec<Arc<dyn DynPullStep>>,
    pull_exchanges: PullExchanges,
    pull_exchange: PullSteps,
    pull_options: PullOptions,
    bus: Option<Bus>,
    producer: Option<KafkaProducer>,
    renewing: Option<Renewing>,
    /// Whether changes of objects are sent to `xos.gui_events`.
    sends_changes: bool,
    pull_states: PullStates,
    at_start: Vec<Arc<dyn AtStart>>,
}

impl IoSteps {
    /// Checks the steps and settings, without a connection to a broker.
    pub(crate) fn new(steps: Steps, config: &Config) -> Result<Self, IoStepsError> {
        let namespace = config.engine.namespaces.first().map_or(NAMESPACE, String::as_str).to_owned();
        let pull_options = PullOptions {
            time_limit: config.engine.step_timeout,
            shutdown_grace: config.engine.shutdown_grace,
            namespace: namespace.clone(),
        };
        let options = BusOptions {
            synchronizer: config.name.clone(),
            namespace,
            time_limit: config.engine.step_timeout,
            shutdown_grace: config.engine.shutdown_grace,
        };
        let renewing = config.event_bus.as_ref().and_then(Renewing::of);
        let renewals = renewing.as_ref().map(Renewing::renewals).unwrap_or_default();
        let (bus, producer) = bus(steps.event_steps, config, options, renewals)?;
        let sends_changes = config.event_bus.as_ref().is_some_and(|bus| bus.gui_events);
        let (pulls, at_start) = (steps.pull_steps, steps.at_start);
        let (pull_exchange, pull_exchanges) = PullSteps::new();
        let pull_states = PullStates::default();
        Ok(Self {
            pulls,
            pull_exchanges,
            pull_exchange,
            pull_options,
            bus,
            producer,
            renewing,
            sends_changes,
            pull_states,
            at_start,
        })
    }

    /// Returns the states of pull steps and of the consumers of event steps.
    pub(crate) fn states(&self) -> (PullStates, ConsumerStates) {
        (self.pull_states.clone(), self.bus.as_ref().map(Bus::states).unwrap_or_default())
    }

    /// Returns what exchanges the pull steps that run.
    pub(crate) fn pulls(&self) -> PullSteps {
        self.pull_exchange.clone()
    }

    /// Returns what exchanges the event steps that run, if there is an event bus.
    pub(crate) fn events(&self) -> Option<EventSteps> {
        self.bus.as_ref().map(Bus::exchange)
    }

    /// Returns the producer that sends the messages of all steps.
    pub(crate) fn producer(&self) -> Arc<dyn Producer> {
        match &self.producer {
            Some(producer) => Arc::new(producer.clone()),
            None => Arc::new(NoProducer),
        }
    }

    /// Runs all of them until `shutdown`; they start when the engine has seen all objects. Returns what only a leader
    /// does, and what runs on every replica, with its services: event steps.
    pub(crate) fn run(
        self,
        (engine, live): (&Engine, LiveRegistry),
        services_of_all: Arc<Services>,
        leadership: &Leadership,
        shutdown: CancellationToken,
    ) -> (impl Future<Output = ()> + use<>, impl Future<Output = ()> + use<>) {
        let ready = engine.ready();
        let producer = self.producer();
        let changes = self.sends_changes.then(|| {
            let (events, messages) = GuiEvents::new(engine.ready(), leadership.clone(), live);
            engine.observe(Arc::new(events));
            let end = shutdown.clone();
            let sending = gui_events::send(messages, producer, shutdown.clone());
            async move {
                // While the broker is away each message takes as long as it may.
                let too_late = async {
                    end.cancelled().await;
                    tokio::time::sleep(FLUSHED).await;
                };
                tokio::select! {
                    () = sending => {}
                    () = too_late => tracing::warn!("some changes of objects may not have been sent"),
                }
            }
        });
        let Self { pulls, pull_exchanges, pull_options, bus, producer, renewing, pull_states, at_start, .. } = self;
        let pulls = (pulls, pull_exchanges);
        let starting = start(at_start, Arc::clone(&services_of_all), shutdown.clone());
        let leads = (leadership.clone(), ready.clone());
        let pulling = pull::run(pulls, engine.services(), pull_options, pull_states, leads, shutdown.clone());
        let receiving = async move {
            let renewing = renewing.map(|renewing| tokio::spawn(renewing.run(shutdown.clone())));
            let _renewing = renewing.map(AbortOnDropHandle::new);
            if let Some(bus) = bus {
                bus.run(services_of_all, ready, shutdown).await;
            }
            if let Some(producer) = producer
                && let Err(error) = producer.flush(FLUSHED)
            {
                tracing::warn!(%error, "some messages may not have been sent");
            }
        };
        let all = async {
            tokio::join!(receiving, starting, async {
                if let Some(changes) = changes {
                    changes.await;
                }
            });
        };
        (pulling, all)
    }
}

/// Does what is to be done once, and tells what is wrong in the log.
pub(crate) async fn start(at_start: Vec<Arc<dyn AtStart>>, services: Arc<Services>, shutdown: CancellationToken) {
    let ctx = StepContext::new(&services, Call::new("", Pass::Sync, ""));
    let all = join_all(at_start.iter().map(|one| one.start(&ctx)));
    let found = shutdown.run_until_cancelled(all).await.unwrap_or_default();
    found.iter().flatten().for_each(|wrong| tracing::error!("{wrong}"));
}

/// Connects event steps to the bus. Only event steps need a bus; without one, sending a message is an error.
fn bus(
    events: Vec<Arc<dyn DynEventStep>>,
    config: &Config,
    options: BusOptions,
    renewals: Renewals,
) -> Result<(Option<Bus>, Option<KafkaProducer>), BusError> {
    for step in &events {
        step.subscription()?;
    }
    if config.event_bus.as_ref().is_some_and(|bus| bus.is_none) {
        if !events.is_empty() {
            let steps: Vec<_> = events.iter().map(|step| step.name()).collect();
            tracing::warn!(steps = steps.join(", "), "event steps do not run: `event_bus.kind` is `none`");
        }
        return Ok((None, None));
    }
    let settings = config.event_bus.as_ref().map(EventBus::settings).filter(|settings| !settings.endpoints.is_empty());
    let Some(settings) = settings else {
        return match events.first() {
            Some(step) => Err(BusError::no_bus(step.name())),
            None => Ok((None, None)),
        };
    };
    let settings = Settings { deferred_every: config.engine.deferred_every, renewals, ..settings };
    settings.check()?;
    let producer = KafkaProducer::new(&settings, &config.name)?;
    let bus = Bus::new(events, &settings, options)?;
    Ok((Some(bus), Some(producer)))
}

#[cfg(test)]
#[cfg(not(feature = "kafka"))]
mod tests;
