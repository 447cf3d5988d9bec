//! The steps and policies of a service.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::context::StepContext;
use crate::erased::{DynPolicy, DynSyncStep};
use crate::event_step::DynEventStep;
use crate::pull_step::DynPullStep;
use crate::uses::Use;

/// The steps and policies of a service, for its program and for its tests:
///
/// ```
/// # mod xos_controller { pub use {xos_steps::*, xos_model as model}; }
/// use xos_controller::model::Object;
/// use xos_controller::{Policy, StepContext, StepError, Steps};
///
/// struct Greeting;
///
/// impl Policy for Greeting {
///     type Model = Object;
///
///     fn observes(&self) -> &str {
///         "MyModel"
///     }
/// }
///
/// fn steps() -> Steps {
///     Steps::new().policy(Greeting)
/// }
/// # assert_eq!(steps().policies.len(), 1);
/// ```
///
/// `Synchronizer::new("example").models(XPROTO).steps(steps())` runs them, `World::of(XPROTO).steps(steps())` tests
/// them.
#[must_use = "steps do nothing by themselves"]
#[derive(Clone, Default)]
pub struct Steps {
    /// The sync steps.
    pub sync_steps: Vec<Arc<dyn DynSyncStep>>,
    /// The policies, in the order in which those of a model run.
    pub policies: Vec<Arc<dyn DynPolicy>>,
    /// The pull steps.
    pub pull_steps: Vec<Arc<dyn DynPullStep>>,
    /// The event steps.
    pub event_steps: Vec<Arc<dyn DynEventStep>>,
    /// What is done once, when the program starts.
    pub at_start: Vec<Arc<dyn AtStart>>,
    /// What they read or make of Kubernetes' own objects, as far as it is known.
    pub uses: Vec<Use>,
    /// The models that they use beside those that they observe: where they are documents, those that are in them.
    pub models: BTreeSet<String>,
}

/// Something that is done once, when the program starts, beside the steps: as to look whether what they call is there.
pub trait AtStart: Send + Sync {
    /// Does it. Returns what is wrong, for the log.
    fn start<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Vec<String>>;
}

/// The methods that add steps, for a builder whose field of this name is a [`Steps`], and for [`Steps`] itself.
#[doc(hidden)]
#[macro_export]
macro_rules! step_methods {
    ($($field:ident)?) => {
        /// Adds a sync step. A model has one at most.
        pub fn sync_step(mut self, step: impl $crate::SyncStep) -> Self {
            self.$($field.)?sync_steps.push($crate::erase(step));
            self
        }

        /// Adds a policy. The policies of a model run in the order in which they are added.
        pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
            self.$($field.)?policies.push($crate::erase_policy(policy));
            self
        }

        /// Adds a pull step.
        pub fn pull_step(mut self, step: impl $crate::PullStep) -> Self {
            self.$($field.)?pull_steps.push($crate::erase_pull_step(step));
            self
        }

        /// Adds an event step.
        pub fn event_step(mut self, step: impl $crate::EventStep) -> Self {
            self.$($field.)?event_steps.push($crate::erase_event_step(step));
            self
        }

        /// Adds all steps and policies of a collection.
        pub fn steps(mut self, steps: $crate::Steps) -> Self {
            self.$($field.)?append(steps);
            self
        }
    };
}

impl Steps {
    /// No steps.
    pub fn new() -> Self {
        Self::default()
    }

    step_methods!();

    /// Returns the names of all models that they are known to use.
    pub fn names_of_models(&self) -> BTreeSet<String> {
        let mut names = self.models.clone();
        for step in &self.sync_steps {
            names.extend(step.observes());
            names.extend(step.external_dependencies());
        }
        names.extend(self.policies.iter().map(|policy| policy.observes().to_owned()));
        names.extend(self.pull_steps.iter().map(|step| step.observes().to_owned()));
        names
    }

    #[doc(hidden)]
    pub fn append(&mut self, other: Self) {
        self.sync_steps.extend(other.sync_steps);
        self.policies.extend(other.policies);
        self.pull_steps.extend(other.pull_steps);
        self.event_steps.extend(other.event_steps);
        self.at_start.extend(other.at_start);
        self.models.extend(other.models);
        self.uses.extend(other.uses);
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps")
            .field("sync_steps", &names(&self.sync_steps, |step| step.name()))
            .field("policies", &names(&self.policies, |policy| policy.name()))
            .field("pull_steps", &names(&self.pull_steps, |step| step.name()))
            .field("event_steps", &names(&self.event_steps, |step| step.name()))
            .finish()
    }
}

fn names<T: ?Sized>(all: &[Arc<T>], name: impl Fn(&T) -> &str) -> Vec<&str> {
    all.iter().map(|one| name(one)).collect()
}

#[cfg(test)]
mod tests {
    use xos_model::Object;

    use super::*;
    use crate::{Policy, PullStep, StepContext, StepError, SyncStep};

    struct A;
    struct B;

    impl SyncStep for A {
        type Model = Object;
        async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
            Ok(())
        }
        async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
            Ok(())
        }
    }

    impl Policy for A {
        type Model = Object;
    }

    impl Policy for B {
        type Model = Object;
    }

    impl PullStep for B {
        type Model = Object;
        async fn pull_records(&self, _: &StepContext) -> Result<(), StepError> {
            Ok(())
        }
    }

    #[test]
    fn steps_are_kept_in_the_order_in_which_they_are_added() {
        let some = Steps::new().policy(B);
        let all = Steps::new().sync_step(A).policy(A).steps(some).pull_step(B);
        let expected = r#"Steps { sync_steps: ["A"], policies: ["A", "B"], pull_steps: ["B"], event_steps: [] }"#;
        assert_eq!(format!("{all:?}"), expected);
    }
}
