//! Steps and policies that do what a test says, and note their calls.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use xos_model::Object;
use xos_steps::{Policy, StepContext, StepError, SyncStep};

use crate::example::SOON;
use crate::wait::{Timeout, eventually};

/// The calls of steps and policies, such as `step sync ada`.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// Adds a call.
    pub fn note(&self, call: impl fmt::Display) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call.to_string());
    }

    /// Returns all calls so far.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the calls are as expected.
    ///
    /// # Errors
    /// When they are not as expected in time.
    pub async fn become_these(&self, expected: &[&str]) -> Result<(), Timeout> {
        let look = async || {
            let all = self.all();
            if all == expected { Ok(()) } else { Err(format!("{all:?}")) }
        };
        eventually(SOON, format!("the calls {expected:?}"), look).await
    }
}

/// What a scripted step or policy does. The first argument is the kind of call: `sync`, `delete`, `create` or `update`.
pub type Script = Arc<
    dyn for<'a> Fn(&'static str, &'a StepContext, &'a mut Object) -> BoxFuture<'a, Result<(), StepError>> + Send + Sync,
>;

/// A sync step or policy that records its calls and runs a script.
#[derive(Clone)]
pub struct Scripted {
    model: &'static str,
    name: &'static str,
    calls: Calls,
    script: Script,
    deletes: bool,
    external: Vec<String>,
}

impl Scripted {
    /// Returns a step or policy that only records its calls, as `<name> <kind of call> <object>`.
    #[must_use]
    pub fn noting(name: &'static str, model: &'static str, calls: &Calls) -> Self {
        Self::doing(name, model, calls, Arc::new(|_, _, _| Box::pin(async { Ok(()) })))
    }

    /// Returns a step or policy that also runs a script.
    #[must_use]
    pub fn doing(name: &'static str, model: &'static str, calls: &Calls, script: Script) -> Self {
        Self { model, name, calls: calls.clone(), script, deletes: false, external: vec![] }
    }

    /// Makes the policy handle deletion, too.
    #[must_use]
    pub fn handling_delete(self) -> Self {
        Self { deletes: true, ..self }
    }

    /// Makes the step depend on objects of another synchronizer's model.
    #[must_use]
    pub fn depending_on(mut self, model: &str) -> Self {
        self.external.push(model.to_owned());
        self
    }

    async fn call(&self, what: &'static str, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.calls.note(format!("{} {what} {}", self.name, o.meta.name));
        (self.script)(what, ctx, o).await
    }
}

impl SyncStep for Scripted {
    type Model = Object;
    fn observes(&self) -> &str {
        self.model
    }
    fn name(&self) -> &str {
        self.name
    }
    fn external_dependencies(&self) -> Vec<String> {
        self.external.clone()
    }
    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("sync", ctx, o).await
    }
    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.call("delete", ctx, &mut o.clone()).await
    }
}

impl Policy for Scripted {
    type Model = Object;
    fn observes(&self) -> &str {
        self.model
    }
    fn name(&self) -> &str {
        self.name
    }
    fn handles_delete(&self) -> bool {
        self.deletes
    }
    async fn handle_create(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("create", ctx, o).await
    }
    async fn handle_update(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("update", ctx, o).await
    }
    async fn handle_delete(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.call("delete", ctx, &mut o.clone()).await
    }
}
