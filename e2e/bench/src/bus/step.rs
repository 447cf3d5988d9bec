//! Event steps for the measurements.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusOptions, ConsumerStates, Settings};
use xos_harness::kafka::Kafka;
use xos_steps::{BusEvent, EventStep, Services, StepContext, StepError, erase_event_step};

use super::{Error, count::Count};

/// The number of each event, and when it was handled.
pub(super) type Times = Arc<Mutex<Vec<(usize, Instant)>>>;

/// An event step that counts. It can wait at a gate, wait for a time, and record when each event was handled.
#[derive(Clone, Default)]
pub(super) struct Measured {
    pub(super) topic: String,
    pub(super) count: Arc<Count>,
    pub(super) gate: Option<Arc<Semaphore>>,
    pub(super) waits: Option<Duration>,
    pub(super) times: Option<Times>,
}

impl EventStep for Measured {
    fn topics(&self) -> Vec<String> {
        vec![self.topic.clone()]
    }
    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        if let Some(gate) = &self.gate {
            gate.acquire().await?.forget();
        }
        if let Some(waits) = self.waits {
            tokio::time::sleep(waits).await;
        }
        if let Some(times) = &self.times {
            let number = event.text()?.parse()?;
            times.lock().unwrap_or_else(PoisonError::into_inner).push((number, Instant::now()));
        }
        self.count.one();
        Ok(())
    }
}

impl Measured {
    pub(super) fn on(topic: &str) -> Self {
        Self { topic: topic.to_owned(), ..Self::default() }
    }
}

/// A running event step.
pub(super) struct Running {
    pub(super) states: ConsumerStates,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(kafka: &Kafka, name: &str, step: &Measured) -> Result<Self, Error> {
        Self::with_services(kafka, name, step, Arc::default())
    }

    /// Starts an event step with services that were made before.
    pub(super) fn with_services(
        kafka: &Kafka,
        name: &str,
        step: &Measured,
        services: Arc<Services>,
    ) -> Result<Self, Error> {
        let settings = Settings { endpoints: vec![kafka.endpoint().to_owned()], ..Settings::default() };
        let options = BusOptions {
            synchronizer: name.to_owned(),
            namespace: "default".to_owned(),
            time_limit: Duration::from_secs(600),
            shutdown_grace: Duration::from_secs(10),
        };
        let bus = Bus::new(vec![erase_event_step(step.clone())], &settings, options)?;
        let states = bus.states();
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        let running = tokio::spawn(async move {
            let (_ready, when) = watch::channel(true);
            bus.run(services, when, until).await;
        });
        Ok(Self { states, shutdown, running })
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        // It has logged its errors.
        let _ended = self.running.await;
    }
}
