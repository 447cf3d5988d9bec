//! The builder of a world.

use std::sync::Arc;

use serde_json::Value;
use xos_engine::memory::MemoryApi;
use xos_engine::{Options, Registry, RegistryError};
use xos_model::graph::{ExtraDependency, GraphError};
use xos_model::{Backoff, ConvertError, ObjectKey};
use xos_properties::{Convenience, has_properties};
use xos_steps::{Outside, Properties, Services, Steps, SubscriptionError, step_methods};
use xos_xproto::{ModelSet, Sources, compile, render};

use crate::clock::TestClock;
use crate::cluster::Cluster;
use crate::flows::{Flows, Pulls, Recorder, Subscribed};
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
    models: Models,
    convenience: Convenience,
    steps: Steps,
    settings: Value,
    options: Options,
    synchronizer: String,
    kube: Option<kube::Client>,
    cluster: Option<Cluster>,
    outside: Option<Arc<dyn Outside>>,
    clock: TestClock,
}

/// The models of a world: texts to compile, or what was made of them.
enum Models {
    Sources(Sources),
    Set(Box<ModelSet>, Arc<Properties>),
}

impl Builder {
    pub(crate) fn new(models: &[(&str, &str)]) -> Self {
        Self::of(Models::Sources(Sources::new())).models(models)
    }

    pub(crate) fn of_set(models: ModelSet, properties: Arc<Properties>) -> Self {
        Self::of(Models::Set(Box::new(models), properties))
    }

    fn of(models: Models) -> Self {
        // Without jitter a test knows when a retry is due.
        let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
        Self {
            models,
            convenience: Convenience::default(),
            steps: Steps::new(),
            settings: Value::Null,
            options: Options { backoff, ..Options::default() },
            synchronizer: "test".to_owned(),
            kube: None,
            cluster: None,
            outside: None,
            clock: TestClock::default(),
        }
    }

    /// Adds models of other services; none to those of a set that is compiled already. Files `*.yaml` among them have
    /// properties.
    pub fn models(mut self, models: &[(&str, &str)]) -> Self {
        let Models::Sources(sources) = &mut self.models else { return self };
        for (name, text) in models {
            if has_properties(name) {
                self.convenience.add(*name, *text);
            } else {
                sources.add(*name, *text);
            }
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

    /// Sets the Kubernetes client of steps; a world has none.
    pub fn kube(mut self, client: kube::Client) -> Self {
        self.kube = Some(client);
        self
    }

    /// Sets the objects of Kubernetes that steps reach through their client. The kinds that steps say they use are known to
    /// it. What steps wait for there is seen in [`World::settle`], in a runtime of one thread.
    pub fn cluster(mut self, cluster: &Cluster) -> Self {
        self.cluster = Some(cluster.clone());
        self
    }

    /// Sets the synchronizer's name; by default it is `test`.
    pub fn named(mut self, synchronizer: &str) -> Self {
        synchronizer.clone_into(&mut self.synchronizer);
        self
    }

    /// Sets what answers requests and commands of documents, in place of the world outside.
    pub fn outside(mut self, outside: Arc<dyn Outside>) -> Self {
        self.outside = Some(outside);
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: &TestClock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Makes the world.
    ///
    /// # Errors
    /// When the models have errors, or steps or dependencies do not match them.
    pub fn start(mut self) -> Result<World, WorldError> {
        let (registry, pulls, subscribed) = self.checked()?;
        let clock = self.clock;
        let bus = Recorder::default();
        let (api, watch_events) = MemoryApi::new(Arc::clone(&registry), Arc::new(clock.clone()));
        let settings = Arc::new(self.settings);
        let events = Arc::new(api.clone());
        let producer = Arc::new(bus.clone());
        let of_cluster = self.cluster.as_ref().map(|cluster| cluster.client_of(&self.steps));
        let (kube, outside) = (self.kube.or(of_cluster), self.outside);
        let services = Services { settings, events, producer, kube, outside, ..Services::default() };
        let flows = Flows::new(pulls, subscribed, bus, self.options.step_timeout);
        let parts = Parts { registry, api, clock, services, options: self.options, cluster: self.cluster };
        Ok(World::new(parts.engine()?, parts, watch_events, flows))
    }

    /// Returns the registry, the pull steps and the event steps.
    pub(crate) fn checked(&mut self) -> Result<(Arc<Registry>, Pulls, Subscribed), WorldError> {
        let (models, properties) = self.compile()?;
        let registry = Registry::new(&self.synchronizer, &models, &self.steps)?.with_properties(properties);
        let subscribed = self.steps.event_steps.iter().map(|step| Ok((step.subscription()?, Arc::clone(step))));
        let subscribed = subscribed.collect::<Result<Vec<_>, SubscriptionError>>()?;
        Ok((Arc::new(registry), self.steps.pull_steps.clone(), subscribed))
    }

    /// Returns the dependencies beside the links.
    pub(crate) fn extra(&self) -> Vec<ExtraDependency> {
        self.options.dependencies.clone()
    }

    fn compile(&mut self) -> Result<(ModelSet, Arc<Properties>), WorldError> {
        let convenience = std::mem::take(&mut self.convenience);
        let sources = match &mut self.models {
            Models::Sources(sources) => sources,
            Models::Set(models, properties) => return Ok(((**models).clone(), Arc::clone(properties))),
        };
        sources.add_uses(self.steps.names_of_models());
        convenience.announce(sources);
        let compiled = compile(sources);
        if compiled.has_errors() {
            let texts = compiled.diagnostics.iter().map(|diagnostic| render(diagnostic, sources, false));
            return Err(WorldError::Models(texts.collect()));
        }
        let (models, properties) = convenience.compile(&compiled.models).map_err(|found| {
            let texts: Vec<_> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
            WorldError::Models(texts.join("\n"))
        })?;
        Ok((models, Arc::new(properties)))
    }
}
