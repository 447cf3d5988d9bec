//! What flows in and out beside objects: pull steps, event steps, messages.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusError, BusOptions, ConsumerStates, KafkaProducer};
use xos_engine::pull::{self, PullOptions, PullStates};
use xos_engine::{Engine, Registry, RegistryError};
use xos_steps::{DynEventStep, DynPullStep, NoProducer, Producer, Services};

use crate::config::{Config, EventBus};
use crate::gui_events::{self, GuiEvents};

/// Where pull steps and event steps look for objects, and make them, where all namespaces are watched.
const NAMESPACE: &str = "default";
/// How long messages that steps have sent are waited for at the end. Each was waited for by its step already.
const FLUSHED: Duration = Duration::from_secs(5);

/// Why pull steps or event steps cannot run.
#[derive(Debug, thiserror::Error)]
pub enum FlowsError {
    /// A pull step that does not go with the models.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Event steps, or the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Pull steps, event steps and the bus, checked and not started.
pub(crate) struct Flows {
    pulls: Vec<Arc<dyn DynPullStep>>,
    pull_options: PullOptions,
    bus: Option<Bus>,
    producer: Option<KafkaProducer>,
    tells_changes: bool,
    pull_states: PullStates,
}

impl Flows {
    /// Checks steps and settings; asks no broker.
    pub(crate) fn new(
        pulls: Vec<Arc<dyn DynPullStep>>,
        events: Vec<Arc<dyn DynEventStep>>,
        registry: &Registry,
        config: &Config,
    ) -> Result<Self, FlowsError> {
        for step in &pulls {
            registry.check_pull_step(step.as_ref())?;
        }
        let namespace = config.namespaces.first().map_or(NAMESPACE, String::as_str).to_owned();
        let pull_options = PullOptions {
            time_limit: config.step_timeout,
            shutdown_grace: config.shutdown_grace,
            namespace: namespace.clone(),
        };
        let options = BusOptions {
            synchronizer: config.name.clone(),
            namespace,
            time_limit: config.step_timeout,
            shutdown_grace: config.shutdown_grace,
        };
        let (bus, producer) = bus(events, config, options)?;
        let tells_changes = config.event_bus.as_ref().is_some_and(|bus| bus.gui_events);
        Ok(Self { pulls, pull_options, bus, producer, tells_changes, pull_states: PullStates::default() })
    }

    /// How pull steps and the consumers of event steps fare.
    pub(crate) fn states(&self) -> (PullStates, ConsumerStates) {
        (self.pull_states.clone(), self.bus.as_ref().map(Bus::states).unwrap_or_default())
    }

    /// What sends the messages of all steps.
    pub(crate) fn producer(&self) -> Arc<dyn Producer> {
        match &self.producer {
            Some(producer) => Arc::new(producer.clone()),
            None => Arc::new(NoProducer),
        }
    }

    /// Runs all of them with the engine, until `shutdown`, from when the engine knows all objects.
    pub(crate) fn run(self, engine: &Engine, shutdown: CancellationToken) -> impl Future<Output = ()> + use<> {
        let (services, ready, producer) = (engine.services(), engine.ready(), self.producer());
        let changes = self.tells_changes.then(|| {
            let (events, messages) = GuiEvents::new(engine.ready(), engine.store().models());
            engine.observe(Arc::new(events));
            gui_events::send(messages, producer, shutdown.clone())
        });
        async move {
            tokio::join!(self.flow(services, ready, shutdown), async {
                if let Some(changes) = changes {
                    changes.await;
                }
            });
        }
    }

    async fn flow(self, services: Arc<Services>, ready: watch::Receiver<bool>, shutdown: CancellationToken) {
        let (states, options) = (self.pull_states, self.pull_options);
        let pulling = pull::run(self.pulls, Arc::clone(&services), options, states, ready.clone(), shutdown.clone());
        let receiving = async {
            if let Some(bus) = self.bus {
                bus.run(services, ready, shutdown).await;
            }
        };
        tokio::join!(pulling, receiving);
        if let Some(producer) = self.producer
            && let Err(error) = producer.flush(FLUSHED)
        {
            tracing::warn!(%error, "messages may not have been sent");
        }
    }
}

/// A synchronizer that neither receives nor sends needs no bus, and one that only sends may have none.
fn bus(
    events: Vec<Arc<dyn DynEventStep>>,
    config: &Config,
    options: BusOptions,
) -> Result<(Option<Bus>, Option<KafkaProducer>), BusError> {
    for step in &events {
        step.subscription()?;
    }
    let settings = config.event_bus.as_ref().map(EventBus::settings).filter(|settings| !settings.endpoints.is_empty());
    let Some(settings) = settings else {
        return match events.first() {
            Some(step) => Err(BusError::NoBus(step.name().to_owned())),
            None => Ok((None, None)),
        };
    };
    settings.check()?;
    let producer = KafkaProducer::new(&settings, &config.name)?;
    let bus = Bus::new(events, &settings, Arc::new(producer.clone()), options)?;
    Ok((Some(bus), Some(producer)))
}
