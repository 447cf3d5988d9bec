//! A controller in memory, for tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use xos_engine::clock::Clock as _;
use xos_engine::memory::{Change, ChangeKind, Fault, MemoryApi};
use xos_engine::watch::WatchEvent;
use xos_engine::{Engine, Observer, Options, Registry, RegistryChange};
use xos_model::graph::{Graph, GraphError};
use xos_model::{Fields, Model, Object, ObjectKey, Outcome, Pass};
use xos_steps::{BusEvent, Call, Message, Properties, Services, Shared, StepContext, Store};
use xos_xproto::ModelSet;

use crate::builder::{Builder, WorldError};
use crate::clock::TestClock;
use crate::cluster::Cluster;
use crate::flows::Flows;

/// The namespace of objects that are named without one.
pub(crate) const NAMESPACE: &str = "default";

/// How often events that wait are taken up at one time: a step may change what it waits for again and again.
const ROUNDS: usize = 100;

/// A controller with an API server in memory. The test does what an operator does: it applies, edits and deletes
/// objects, and looks at them.
///
/// The controller works only in [`settle`](Self::settle), [`pass`](Self::pass) and [`send`](Self::send).
pub struct World {
    engine: Engine,
    parts: Parts,
    watch_events: UnboundedReceiver<WatchEvent>,
    flows: Flows,
}

/// What outlives a controller, and what the next one is made of.
pub(crate) struct Parts {
    pub(crate) registry: Arc<Registry>,
    pub(crate) api: MemoryApi,
    pub(crate) clock: TestClock,
    pub(crate) services: Services,
    pub(crate) options: Options,
    pub(crate) cluster: Option<Cluster>,
}

impl Parts {
    pub(crate) fn engine(&self) -> Result<Engine, GraphError> {
        // What is cancelled when a controller ends is not so for the next one, which knows nothing of what it shared.
        let services =
            Services { cancellation: CancellationToken::new(), shared: Shared::default(), ..self.services.clone() };
        let writer = Arc::new(self.api.clone());
        Engine::new(Arc::clone(&self.registry), writer, Arc::new(self.clock.clone()), services, self.options.clone())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("api", &self.parts.api).finish_non_exhaustive()
    }
}

impl World {
    /// Returns the builder of a world with these models, as (name, text): `XPROTO` of the generated code.
    pub fn of(models: &[(&str, &str)]) -> Builder {
        Builder::new(models)
    }

    /// Returns the builder of a world with models that are compiled already.
    pub fn of_set(models: ModelSet, properties: Arc<Properties>) -> Builder {
        Builder::of_set(models, properties)
    }

    pub(crate) fn new(engine: Engine, parts: Parts, watch_events: UnboundedReceiver<WatchEvent>, flows: Flows) -> Self {
        Self { engine, parts, watch_events, flows }
    }

    /// Ends the controller as if its process were killed, and starts the next one, which knows nothing but what the API
    /// server has.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn restart(&mut self) -> Result<(), WorldError> {
        self.engine = self.parts.engine()?;
        self.watch_events = self.parts.api.watch();
        self.flows.restart();
        Ok(())
    }

    /// Takes up the models, steps and dependencies of another builder while the controller runs, as when documents or model
    /// sets have changed; settings and options stay as they are. Objects stay, but for those of kinds that are gone.
    ///
    /// # Errors
    /// As [`Builder::start`]. Then nothing has changed.
    pub async fn take_up(&mut self, mut other: Builder) -> Result<(), WorldError> {
        let (registry, pulls, events) = other.checked()?;
        let (done, mut changed) = unbounded_channel();
        Graph::new(&registry.models, &other.extra())?;
        let difference = self.parts.api.define(&registry);
        self.parts.registry = Arc::clone(&registry);
        self.parts.options.dependencies = other.extra();
        self.parts.api.ask_for(RegistryChange { registry, dependencies: other.extra(), done });
        self.engine.settle(&mut self.watch_events).await;
        changed.recv().await.transpose()?;
        self.parts.api.list_anew(&difference);
        self.flows.exchange(pulls, events);
        self.settle().await;
        Ok(())
    }

    /// Returns the API server, to do what an operator's tools do beside [`apply`](Self::apply) and the like.
    pub fn api(&self) -> &MemoryApi {
        &self.parts.api
    }

    /// Returns the store that steps have.
    pub fn store(&self) -> Arc<dyn Store> {
        self.engine.store()
    }

    /// Registers another observer of all changes from now on, until a [restart](Self::restart).
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.engine.observe(observer);
    }

    /// Lets the controller work until there is nothing left to do at this time. Pull steps that are due run too, and events
    /// that wait are taken up.
    pub async fn settle(&mut self) {
        self.work().await;
        while self.deliver().await {
            self.work().await;
        }
    }

    /// Lets the watches of steps take what is there for them. Returns whether anything happened.
    async fn deliver(&self) -> bool {
        let Some(cluster) = &self.parts.cluster else { return false };
        cluster.collect(&self.parts.api.objects().into_iter().map(|object| object.meta.uid).collect());
        cluster.deliver().await
    }

    async fn work(&mut self) {
        self.engine.settle(&mut self.watch_events).await;
        let services = self.engine.services();
        if self.flows.pull(self.parts.clock.now(), &services).await {
            self.engine.settle(&mut self.watch_events).await;
        }
        for _ in 0..ROUNDS {
            if !self.flows.take_up(&services, self.parts.clock.now()).await {
                break;
            }
            self.engine.settle(&mut self.watch_events).await;
        }
    }

    /// Returns the events that wait for something that is not there yet, and those behind them: each with the name of its
    /// step.
    pub fn waiting(&self) -> Vec<(String, BusEvent)> {
        self.flows.waiting()
    }

    /// Returns the events that were parked at once since the last call, as they cannot be read: each with the name of its
    /// step, and why.
    pub fn take_parked(&mut self) -> Vec<(String, BusEvent, String)> {
        self.flows.take_parked()
    }

    /// Returns the outcome of the last run of a pull step; none if it has not run.
    pub fn pulled(&self, step: &str) -> Option<&Outcome> {
        self.flows.pulled(step)
    }

    /// Returns how many objects a pull step would delete, and are kept until somebody confirms it.
    pub fn held(&self, step: &str) -> usize {
        self.flows.states().all().iter().find(|state| state.step == step).map_or(0, |state| state.held)
    }

    /// Delivers an event once to every event step of its topic, and lets the controller work. Returns the outcomes,
    /// with the names of the steps. A deferred event [waits](Self::waiting): it is taken up when the object comes that it
    /// waits for, or its time is over, and later events of its key after it. A failed event is not tried again, and not
    /// parked.
    pub async fn send(&mut self, event: &BusEvent) -> Vec<(String, Outcome)> {
        let outcomes = self.flows.send(event, &self.engine.services(), self.parts.clock.now()).await;
        self.settle().await;
        outcomes
    }

    /// Returns the messages that steps have sent to the event bus since the last call.
    pub fn take_messages(&self) -> Vec<Message> {
        self.flows.take_messages()
    }

    /// Sets the clock forward, and lets the controller do what is due then. Everything that becomes due in between is
    /// done at the end.
    pub async fn pass(&mut self, time: Duration) {
        self.parts.clock.advance(time);
        self.settle().await;
    }

    /// Returns how often the properties of an object were computed since the controller was started.
    pub fn properties_computed(&self) -> u64 {
        self.engine.stats().snapshot().properties_computed
    }

    /// Returns the time of the world.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Sets a key of a Secret in the namespace `default`, as an operator does: `<field>From: {secretKeyRef: {name, key}}` of
    /// an object names it. For other namespaces and deletion see [`api`](Self::api).
    pub fn secret(&self, name: &str, key: &str, value: &str) {
        self.parts.api.put_secret(NAMESPACE, name, key, value);
    }

    /// Creates an object, or sets the fields of an existing one, as an operator does.
    ///
    /// # Errors
    /// When the world has no such model, `o` is a view of another model's object, or does not fit the definition of its
    /// model: the API server would refuse it.
    pub fn apply(&self, o: &impl Model) -> Result<(), WorldError> {
        let mut object = o.to_object()?;
        if object.meta.namespace.is_empty() {
            NAMESPACE.clone_into(&mut object.meta.namespace);
        }
        let mut whole = self.parts.api.get(&object.key()).map(|there| there.fields).unwrap_or_default();
        whole.extend(object.fields.clone());
        self.complies(&object.key(), &whole)?;
        self.parts.api.apply(&object).map(drop).ok_or_else(|| WorldError::NoModel(object.model.to_string()))
    }

    /// Applies an object as `kubectl apply` does: sets fields as [`apply`](Self::apply), unsets others, and sets the
    /// annotations of the domain `xos.opencord.org`.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_as(&self, given: &Object, unset: &[String]) -> Result<(), WorldError> {
        let mut given = given.clone();
        if given.meta.namespace.is_empty() {
            NAMESPACE.clone_into(&mut given.meta.namespace);
        }
        let (key, api) = (given.key(), &self.parts.api);
        let is_new = api.get(&key).is_none();
        self.apply(&given)?;
        api.edit(&key, |object| unset.iter().for_each(|field| drop(object.fields.remove(field))));
        if is_new {
            return Ok(());
        }
        if given.intent.touch.is_some() {
            api.edit(&key, |object| object.intent.touch.clone_from(&given.intent.touch));
        }
        if let Some(mut object) = api.get(&key).filter(|_| !given.meta.annotations.is_empty()) {
            object.meta.annotations.extend(given.meta.annotations);
            api.replace(&object);
        }
        Ok(())
    }

    /// Checks what the API server does: a spec without what is required, too long, or of the wrong form is refused. The
    /// rules of validators are left to a real one.
    fn complies(&self, key: &ObjectKey, fields: &Fields) -> Result<(), WorldError> {
        let models = &self.parts.registry.models;
        let Some(model) = models.get(&key.model) else { return Ok(()) };
        let why = xos_crds::SpecSchema::of(models, model).violations(model, fields);
        if why.is_empty() { Ok(()) } else { Err(WorldError::Invalid { object: key.clone(), why }) }
    }

    /// Changes an object, as an operator does.
    ///
    /// # Errors
    /// When it does not exist, or does not fit its type, or the API server would refuse what is made of it.
    pub fn edit<T: Model>(&self, name: &str, edit: impl FnOnce(&mut T)) -> Result<(), WorldError> {
        let object = self.object::<T>(name)?;
        let mut typed = T::from_object(&object)?;
        edit(&mut typed);
        let mut edited = object.clone();
        typed.write_to(&mut edited)?;
        let key = object.key();
        self.complies(&key, &edited.fields)?;
        self.parts.api.edit(&key, |object| object.fields = edited.fields).map(drop).ok_or(WorldError::NoObject(key))
    }

    /// Sets the annotation `xos.opencord.org/touch`, as an operator does.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn touch<T: Model>(&self, name: &str, token: &str) -> Result<(), WorldError> {
        let key = self.object::<T>(name)?.key();
        let touched = self.parts.api.edit(&key, |object| object.intent.touch = Some(token.to_owned()));
        touched.map(drop).ok_or(WorldError::NoObject(key))
    }

    /// Deletes an object, as an operator does.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn delete<T: Model>(&self, name: &str) -> Result<(), WorldError> {
        let key = self.object::<T>(name)?.key();
        if self.parts.api.remove(&key) { Ok(()) } else { Err(WorldError::NoObject(key)) }
    }

    /// Returns an object. The name is that of an object in namespace `default`, or `namespace/name`.
    ///
    /// # Errors
    /// When it does not exist, or does not fit its type.
    pub fn get<T: Model>(&self, name: &str) -> Result<T, WorldError> {
        Ok(T::from_object(&self.object::<T>(name)?)?)
    }

    /// Whether an object exists.
    pub fn has<T: Model>(&self, name: &str) -> bool {
        self.object::<T>(name).is_ok()
    }

    /// Returns all objects of a model, and of those derived from it, ordered by model, namespace and name.
    ///
    /// # Errors
    /// When an object does not fit its type.
    pub fn all<T: Model>(&self) -> Result<Vec<T>, WorldError> {
        let models = self.engine.store().models();
        let is_one = |object: &Object| {
            T::MODEL_NAME.is_empty() || models.get(&object.model).is_some_and(|model| model.is_a(T::MODEL_NAME))
        };
        let objects = self.parts.api.objects();
        objects.iter().filter(|object| is_one(object)).map(|object| Ok(T::from_object(object)?)).collect()
    }

    /// Returns an object with everything that the framework keeps about it: conditions, history, bookkeeping.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn object<T: Model>(&self, name: &str) -> Result<Object, WorldError> {
        let (namespace, plain) = name.split_once('/').unwrap_or((NAMESPACE, name));
        let models = self.engine.store().models();
        let heirs = models.concrete().filter(|model| T::MODEL_NAME.is_empty() || model.is_a(T::MODEL_NAME));
        let mut found = heirs.filter_map(|model| self.parts.api.get(&ObjectKey::new(&model.name, namespace, plain)));
        found.next().ok_or_else(|| WorldError::NoObject(ObjectKey::new(T::MODEL_NAME, namespace, plain)))
    }

    /// Returns a context, to call a step directly: `step.sync_record(&world.context(), &mut o)`.
    ///
    /// An object can be saved only with the context with which it was read.
    pub fn context(&self) -> StepContext {
        StepContext::new(&self.engine.services(), Call::new("test", Pass::Sync, NAMESPACE))
    }

    /// Returns what steps, policies and the framework have written since the last call.
    pub fn take_changes(&self) -> Vec<Change> {
        self.parts.api.take_changes()
    }

    /// Returns what steps and policies have saved, created and deleted since the last call, as
    /// `Spec MyModel default/ada by Greeting: greeting`.
    pub fn take_saves(&self) -> Vec<String> {
        let by_author = |change: &Change| {
            matches!(change.what, ChangeKind::Created | ChangeKind::Spec | ChangeKind::Touched | ChangeKind::Deleted)
        };
        self.take_changes().iter().filter(|change| by_author(change)).map(ToString::to_string).collect()
    }

    /// Returns the Kubernetes Events since the last call, as `Warning SyncFailed: no route (Site default/rome)`.
    pub fn take_events(&self) -> Vec<String> {
        self.parts.api.take_events()
    }

    /// Makes the next write to the API server fail in this way; called twice, the next two writes.
    pub fn inject(&self, fault: Fault) {
        self.parts.api.inject(fault);
    }

    /// Returns the clock, for fakes that need the time.
    pub fn clock(&self) -> Arc<TestClock> {
        Arc::new(self.parts.clock.clone())
    }
}
