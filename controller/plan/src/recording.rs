//! Steps and policies that only note that they are called.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::ready;
use xos_model::{Object, ObjectKey, Operation, Resync};
use xos_steps::{Act, DynPolicy, DynSyncStep, StepContext, Steps};

/// A call of a step, or of a policy that is not run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Called {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) object: ObjectKey,
    /// Whether it is a policy whose effects are not known.
    pub(crate) is_policy: bool,
    /// The object as the step got it.
    pub(crate) state: Box<Object>,
}

/// The calls, in their order. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Called>>>);

impl Calls {
    fn note(&self, name: &str, operation: Operation, object: &Object, is_policy: bool) {
        let (name, state) = (name.to_owned(), Box::new(object.clone()));
        let called = Called { name, operation, object: object.key(), is_policy, state };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(called);
    }

    /// Returns the calls since the last time.
    pub(crate) fn take(&self) -> Vec<Called> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns steps that note their calls in place of these; `declared` policies run as they are, others are noted, too.
pub(crate) fn recorded(declared: &Steps, compiled: &Steps, calls: &Calls) -> Steps {
    let all = compiled.sync_steps.iter().chain(&declared.sync_steps);
    let step = |step: &Arc<dyn DynSyncStep>| -> Arc<dyn DynSyncStep> {
        Arc::new(RecordedStep { step: Arc::clone(step), calls: calls.clone() })
    };
    let policy = |policy: &Arc<dyn DynPolicy>| -> Arc<dyn DynPolicy> {
        Arc::new(RecordedPolicy { policy: Arc::clone(policy), calls: calls.clone() })
    };
    Steps {
        sync_steps: all.map(step).collect(),
        policies: compiled.policies.iter().map(policy).chain(declared.policies.iter().cloned()).collect(),
        ..Steps::new()
    }
}

struct RecordedStep {
    step: Arc<dyn DynSyncStep>,
    calls: Calls,
}

fn done<'a>() -> Act<'a> {
    ready(Ok(())).boxed()
}

impl DynSyncStep for RecordedStep {
    fn name(&self) -> &str {
        self.step.name()
    }

    fn observes(&self) -> Vec<String> {
        self.step.observes()
    }

    fn external_dependencies(&self) -> Vec<String> {
        self.step.external_dependencies()
    }

    fn is_ours(&self, object: &Object) -> bool {
        self.step.is_ours(object)
    }

    /// What is due without a change is no part of a plan.
    fn resync(&self) -> Resync {
        Resync::Never
    }

    fn concurrency(&self) -> Option<usize> {
        self.step.concurrency()
    }

    fn sync<'a>(&'a self, _: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        self.calls.note(self.name(), Operation::Sync, object, false);
        done()
    }

    fn delete<'a>(&'a self, _: &'a StepContext, object: &'a Object) -> Act<'a> {
        self.calls.note(self.name(), Operation::Delete, object, false);
        done()
    }

    fn saved<'a>(&'a self, _: &'a StepContext, _: &'a Object) -> Act<'a> {
        done()
    }
}

struct RecordedPolicy {
    policy: Arc<dyn DynPolicy>,
    calls: Calls,
}

impl DynPolicy for RecordedPolicy {
    fn name(&self) -> &str {
        self.policy.name()
    }

    fn observes(&self) -> &str {
        self.policy.observes()
    }

    fn handles_delete(&self) -> bool {
        self.policy.handles_delete()
    }

    fn handle<'a>(&'a self, operation: Operation, _: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        self.calls.note(self.name(), operation, object, true);
        done()
    }

    fn saved<'a>(&'a self, _: &'a StepContext, _: &'a Object) -> Act<'a> {
        done()
    }
}
