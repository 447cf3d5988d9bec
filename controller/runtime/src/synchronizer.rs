//! The builder of a synchronizer.

use std::sync::Arc;

use xos_steps::{
    DynEventStep, DynPolicy, DynPullStep, DynSyncStep, EventStep, Policy, PullStep, SyncStep, erase, erase_event_step,
    erase_policy, erase_pull_step,
};

/// A synchronizer: models and the steps that work on them. `run` reads the command line and does what it says.
///
/// ```ignore
/// fn main() -> std::process::ExitCode {
///     Synchronizer::new("example").models(XPROTO).sync_step(SyncMyModel).run()
/// }
/// ```
#[must_use = "a synchronizer does nothing before `run`"]
pub struct Synchronizer {
    pub(crate) name: String,
    pub(crate) models: Vec<(String, String)>,
    pub(crate) steps: Vec<Arc<dyn DynSyncStep>>,
    pub(crate) policies: Vec<Arc<dyn DynPolicy>>,
    pub(crate) pull_steps: Vec<Arc<dyn DynPullStep>>,
    pub(crate) event_steps: Vec<Arc<dyn DynEventStep>>,
}

impl Synchronizer {
    /// A synchronizer without models and steps. The name is that of its command line; the one it goes by on objects (finalizers, field
    /// managers, bookkeeping) is `name` in its configuration.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            models: vec![],
            steps: vec![],
            policies: vec![],
            pull_steps: vec![],
            event_steps: vec![],
        }
    }

    /// Adds xproto files, as (name, text): `XPROTO` of the generated code. A `models_dir` in the configuration replaces them.
    pub fn models(mut self, files: &[(&str, &str)]) -> Self {
        self.models.extend(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        self
    }

    /// Adds a sync step. A model has one at most.
    pub fn sync_step(mut self, step: impl SyncStep) -> Self {
        self.steps.push(erase(step));
        self
    }

    /// Adds a policy. The policies of a model run in the order in which they are added.
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policies.push(erase_policy(policy));
        self
    }

    /// Adds a pull step.
    pub fn pull_step(mut self, step: impl PullStep) -> Self {
        self.pull_steps.push(erase_pull_step(step));
        self
    }

    /// Adds an event step. It needs `event_bus` in the configuration.
    pub fn event_step(mut self, step: impl EventStep) -> Self {
        self.event_steps.push(erase_event_step(step));
        self
    }
}
