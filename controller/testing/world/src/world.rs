//! The world of a test.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use xos_engine::Engine;
use xos_engine::clock::Clock as _;
use xos_engine::memory::{Change, ChangeKind, Fault, MemoryApi};
use xos_engine::watch::Notice;
use xos_model::{Model, Object, ObjectKey, Outcome, Pass};
use xos_steps::{BusEvent, Call, Message, StepContext};

use crate::builder::{Builder, WorldError};
use crate::clock::TestClock;
use crate::flows::Flows;

/// The namespace of objects that are named without one.
pub(crate) const NAMESPACE: &str = "default";

/// A controller with an API server in memory. The test is the operator: it applies, edits and deletes objects, and looks at them.
///
/// Nothing happens before [`settle`](Self::settle).
pub struct World {
    engine: Engine,
    api: MemoryApi,
    notices: UnboundedReceiver<Notice>,
    clock: TestClock,
    flows: Flows,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("api", &self.api).finish_non_exhaustive()
    }
}

impl World {
    /// A world of these models, as (name, text): `XPROTO` of the generated code.
    pub fn of(models: &[(&str, &str)]) -> Builder {
        Builder::new(models)
    }

    pub(crate) fn new(
        engine: Engine,
        api: MemoryApi,
        notices: UnboundedReceiver<Notice>,
        clock: TestClock,
        flows: Flows,
    ) -> Self {
        Self { engine, api, notices, clock, flows }
    }

    /// Lets the controller work until there is nothing left to do at this time; pull steps that are due run too.
    pub async fn settle(&mut self) {
        self.engine.settle(&mut self.notices).await;
        if self.flows.pull(self.clock.now(), &self.engine.services()).await {
            self.engine.settle(&mut self.notices).await;
        }
    }

    /// How the last run of a pull step ended; none if it has not run.
    pub fn pulled(&self, step: &str) -> Option<&Outcome> {
        self.flows.pulled(step)
    }

    /// Hands an event to every event step that listens to its topic, once, and lets the controller work. How they ended, by their names: in the
    /// field a failed one would be tried again, and then the event be parked.
    pub async fn send(&mut self, event: &BusEvent) -> Vec<(String, Outcome)> {
        let outcomes = self.flows.send(event, &self.engine.services()).await;
        self.settle().await;
        outcomes
    }

    /// The messages that steps have sent over the bus since the last call.
    pub fn take_messages(&self) -> Vec<Message> {
        self.flows.take_messages()
    }

    /// Lets time pass, and the controller do what is due then. Timers that ring in between ring at the end.
    pub async fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.settle().await;
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An operator makes an object, or sets the fields of one that is there.
    ///
    /// # Errors
    /// When there is no such model, or it is a view of another model's object.
    pub fn apply(&self, o: &impl Model) -> Result<(), WorldError> {
        let mut object = o.to_object()?;
        if object.meta.namespace.is_empty() {
            NAMESPACE.clone_into(&mut object.meta.namespace);
        }
        self.api.apply(&object).map(drop).ok_or_else(|| WorldError::NoModel(object.model.to_string()))
    }

    /// An operator edits an object.
    ///
    /// # Errors
    /// When there is none, or it does not fit its type.
    pub fn edit<T: Model>(&self, name: &str, edit: impl FnOnce(&mut T)) -> Result<(), WorldError> {
        let object = self.object::<T>(name)?;
        let mut typed = T::from_object(&object)?;
        edit(&mut typed);
        let mut edited = object.clone();
        typed.write_to(&mut edited)?;
        let key = object.key();
        self.api.edit(&key, |object| object.fields = edited.fields).map(drop).ok_or(WorldError::NoObject(key))
    }

    /// An operator sets the annotation `xos.opencord.org/touch`.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn touch<T: Model>(&self, name: &str, token: &str) -> Result<(), WorldError> {
        let key = self.object::<T>(name)?.key();
        let touched = self.api.edit(&key, |object| object.intent.touch = Some(token.to_owned()));
        touched.map(drop).ok_or(WorldError::NoObject(key))
    }

    /// An operator deletes an object.
    ///
    /// # Errors
    /// When there is none.
    pub fn delete<T: Model>(&self, name: &str) -> Result<(), WorldError> {
        let key = self.object::<T>(name)?.key();
        if self.api.remove(&key) { Ok(()) } else { Err(WorldError::NoObject(key)) }
    }

    /// An object of namespace `default`, or `namespace/name`.
    ///
    /// # Errors
    /// When there is none, or it does not fit its type.
    pub fn get<T: Model>(&self, name: &str) -> Result<T, WorldError> {
        Ok(T::from_object(&self.object::<T>(name)?)?)
    }

    /// Whether there is such an object.
    pub fn has<T: Model>(&self, name: &str) -> bool {
        self.object::<T>(name).is_ok()
    }

    /// All objects of a model, and of those derived from it, by model, namespace and name.
    ///
    /// # Errors
    /// When one does not fit its type.
    pub fn all<T: Model>(&self) -> Result<Vec<T>, WorldError> {
        let models = self.engine.store().models();
        let is_one = |object: &Object| {
            T::MODEL_NAME.is_empty() || models.get(&object.model).is_some_and(|model| model.is_a(T::MODEL_NAME))
        };
        let objects = self.api.objects();
        objects.iter().filter(|object| is_one(object)).map(|object| Ok(T::from_object(object)?)).collect()
    }

    /// The object with all that the framework keeps of it: conditions, history, bookkeeping.
    ///
    /// # Errors
    /// When there is none.
    pub fn object<T: Model>(&self, name: &str) -> Result<Object, WorldError> {
        let (namespace, plain) = name.split_once('/').unwrap_or((NAMESPACE, name));
        let models = self.engine.store().models();
        let heirs = models.concrete().filter(|model| T::MODEL_NAME.is_empty() || model.is_a(T::MODEL_NAME));
        let mut found = heirs.filter_map(|model| self.api.get(&ObjectKey::new(&model.name, namespace, plain)));
        found.next().ok_or_else(|| WorldError::NoObject(ObjectKey::new(T::MODEL_NAME, namespace, plain)))
    }

    /// A context as a step gets it, for calling one by itself: `step.sync_record(&world.context(), &mut o)`.
    ///
    /// Objects that are saved with it have to be read with it.
    pub fn context(&self) -> StepContext {
        StepContext::new(&self.engine.services(), Call::new("test", Pass::Sync, NAMESPACE))
    }

    /// What steps, policies and the framework did to objects since the last call.
    pub fn take_changes(&self) -> Vec<Change> {
        self.api.take_changes()
    }

    /// Of those what steps and policies saved, made and deleted, as `Spec MyModel default/ada by Greeting: greeting`.
    pub fn take_saves(&self) -> Vec<String> {
        let by_author = |change: &Change| {
            matches!(change.what, ChangeKind::Created | ChangeKind::Spec | ChangeKind::Touched | ChangeKind::Deleted)
        };
        self.take_changes().iter().filter(|change| by_author(change)).map(ToString::to_string).collect()
    }

    /// The events that people would see in `kubectl get events`, since the last call, as `Warning SyncFailed: no route (Site default/rome)`.
    pub fn take_events(&self) -> Vec<String> {
        self.api.take_events()
    }

    /// The next write to the API server fails so; called again, the one after it.
    pub fn inject(&self, fault: Fault) {
        self.api.inject(fault);
    }

    /// The clock, for fakes that want to know the time.
    pub fn clock(&self) -> Arc<TestClock> {
        Arc::new(self.clock.clone())
    }
}
