//! The builder of a world.

use std::sync::Arc;

use serde_json::Value;
use xos_engine::memory::MemoryApi;
use xos_engine::{Options, Registry, RegistryError};
use xos_model::graph::{ExtraDependency, GraphError};
use xos_model::{Backoff, ConvertError, ObjectKey};
use xos_steps::{Services, Steps, SubscriptionError, step_methods};
use xos_xproto::{ModelSet, Sources, compile, render};

use crate::clock::TestClock;
use crate::flows::{Flows, Recorder};
use crate::world::{Parts, World};

/// An error of a test with a world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The models have errors.
    #[error("the models have errors:\n{0}")]
    Models(String),
    /// A step does not match the models.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The topics of an event step are wrong.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// A dependency does not match the models.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// There is no such object.
    #[error("there is no {0}")]
    NoObject(ObjectKey),
    /// There is no such model.
    #[error("there is no model `{0}` in this world")]
    NoModel(String),
    /// The API server would refuse the object: it does not fit the definition of its model.
    #[error("{object} is invalid: {}", .why.join("; "))]
    Invalid {
        /// The object.
        object: ObjectKey,
        /// What is wrong with its spec.
        why: Vec<String>,
    },
    /// The object does not fit its type.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

/// The builder of a [`World`].
///
/// A pull step runs when the world settles and its period is over; an event step gets the events that the test
/// [sends](World::send).
#[must_use = "a world does nothing before `start`"]
pub struct Builder {
    models: Sources,
    steps: Steps,
    settings: Value,
    options: Options,
    synchronizer: String,
}

impl Builder {
    pub(crate) fn new(models: &[(&str, &str)]) -> Self {
        let mut sources = Sources::new();
        for (name, text) in models {
            sources.add(*name, *text);
        }
        // Without jitter a test knows when a retry is due.
        let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
        Self {
            models: sources,
            steps: Steps::new(),
            settings: Value::Null,
            options: Options { backoff, ..Options::default() },
            synchronizer: "test".to_owned(),
        }
    }

    /// Adds models of other services.
    pub fn models(mut self, models: &[(&str, &str)]) -> Self {
        for (name, text) in models {
            self.models.add(*name, *text);
        }
        self
    }

    step_methods!(steps);

    /// Sets the configuration's `settings`.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the dependencies that XOS has in `dependency_graph`.
    pub fn dependencies(mut self, dependencies: Vec<ExtraDependency>) -> Self {
        self.options.dependencies = dependencies;
        self
    }

    /// Sets how the engine works: delays and limits. By default delays have no jitter. A world watches all namespaces.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Options { namespaces: vec![], ..options };
        self
    }

    /// Sets the synchronizer's name; by default it is `test`.
    pub fn named(mut self, synchronizer: &str) -> Self {
        synchronizer.clone_into(&mut self.synchronizer);
        self
    }

    /// Makes the world.
    ///
    /// # Errors
    /// When the models have errors, or steps or dependencies do not match them.
    pub fn start(mut self) -> Result<World, WorldError> {
        self.models.add_uses(self.steps.names_of_models());
        let models = self.compile()?;
        let registry = Arc::new(Registry::new(&self.synchronizer, &models, &self.steps)?);
        let subscribed = self.steps.event_steps.into_iter().map(|step| Ok((step.subscription()?, step)));
        let subscribed = subscribed.collect::<Result<Vec<_>, SubscriptionError>>()?;
        let clock = TestClock::default();
        let bus = Recorder::default();
        let (api, watch_events) = MemoryApi::new(Arc::clone(&registry), Arc::new(clock.clone()));
        let settings = Arc::new(self.settings);
        let events = Arc::new(api.clone());
        let producer = Arc::new(bus.clone());
        let services = Services { settings, events, producer, ..Services::default() };
        let flows = Flows::new(self.steps.pull_steps, subscribed, bus, self.options.step_timeout);
        let parts = Parts { registry, api, clock, services, options: self.options };
        Ok(World::new(parts.engine()?, parts, watch_events, flows))
    }

    fn compile(&self) -> Result<ModelSet, WorldError> {
        let compiled = compile(&self.models);
        if compiled.has_errors() {
            let texts = compiled.diagnostics.iter().map(|diagnostic| render(diagnostic, &self.models, false));
            return Err(WorldError::Models(texts.collect()));
        }
        Ok(compiled.models)
    }
}
