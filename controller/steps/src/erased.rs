//! Steps and policies of any model, as the engine holds them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_model::{Model, Object, Operation, Resync};

use crate::call::{CallError, panic_text};
use crate::context::StepContext;
use crate::error::StepError;
use crate::policy::Policy;
use crate::sync_step::SyncStep;

/// The future of a call of a step or policy.
pub type Act<'a> = BoxFuture<'a, Result<(), StepError>>;

/// A [`SyncStep`] of any model.
pub trait DynSyncStep: Send + Sync {
    /// Returns the step's name.
    fn name(&self) -> &str;
    /// Returns what changes with what it does, for one that may be made anew while the program runs: one of the same name
    /// and revision does the same. None: only the same value does.
    fn revision(&self) -> Option<&str> {
        None
    }
    /// Returns the models that it handles, or bases of them.
    fn observes(&self) -> Vec<String>;
    /// [`SyncStep::external_dependencies`].
    fn external_dependencies(&self) -> Vec<String>;
    /// [`SyncStep::is_ours`]. It is true for an object that does not fit its type, and where `is_ours` panics: then the
    /// step runs, and its error says why.
    fn is_ours(&self, object: &Object) -> bool;
    /// [`SyncStep::resync`].
    fn resync(&self) -> Resync;
    /// [`SyncStep::concurrency`].
    fn concurrency(&self) -> Option<usize>;
    /// Whether it runs for each object once after a start, also for what is clean: it watches what its objects need, and
    /// that may have changed meanwhile.
    fn runs_at_start(&self) -> bool {
        false
    }
    /// [`SyncStep::sync_record`] on an object.
    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a>;
    /// [`SyncStep::delete_record`] on an object.
    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a>;
    /// [`SyncStep::after_sync_save`] on an object.
    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a>;
}

/// A [`Policy`] of any model.
pub trait DynPolicy: Send + Sync {
    /// Returns the policy's name.
    fn name(&self) -> &str;
    /// Returns what changes with what it does, as [`DynSyncStep::revision`].
    fn revision(&self) -> Option<&str> {
        None
    }
    /// Returns the model that it handles, or a base.
    fn observes(&self) -> &str;
    /// [`Policy::handles_delete`].
    fn handles_delete(&self) -> bool;
    /// Calls the handler of an operation on an object.
    fn handle<'a>(&'a self, operation: Operation, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a>;
    /// [`Policy::after_policy_save`] on an object.
    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a>;
}

/// Wraps a sync step of one model as one of any model.
pub fn erase<S: SyncStep>(step: S) -> Arc<dyn DynSyncStep> {
    Arc::new(Erased(step))
}

/// Wraps a policy of one model as one of any model.
pub fn erase_policy<P: Policy>(policy: P) -> Arc<dyn DynPolicy> {
    Arc::new(Erased(policy))
}

struct Erased<S>(S);

/// Calls [`SyncStep::is_ours`], and catches its panic: the engine's task must not end by it.
fn is_ours<S: SyncStep>(step: &S, o: &S::Model) -> Result<bool, CallError> {
    let called = catch_unwind(AssertUnwindSafe(|| step.is_ours(o)));
    called.map_err(|panic| CallError::Panicked(panic_text(panic.as_ref()).to_owned()))
}

/// Keeps what a call has changed, whatever it returned: progress is shown while a step defers. A panic or the time limit
/// ends the call before this, so nothing is kept of it.
fn keep(called: Result<(), StepError>, typed: &impl Model, object: &mut Object) -> Result<(), StepError> {
    let kept = typed.write_to(object);
    called?;
    Ok(kept?)
}

impl<S: SyncStep> DynSyncStep for Erased<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn observes(&self) -> Vec<String> {
        let first = Some(self.0.observes().to_owned()).filter(|name| !name.is_empty());
        first.into_iter().chain(self.0.also_observes()).collect()
    }

    fn external_dependencies(&self) -> Vec<String> {
        self.0.external_dependencies()
    }

    fn is_ours(&self, object: &Object) -> bool {
        S::Model::from_object(object).map_or(true, |typed| is_ours(&self.0, &typed).unwrap_or(true))
    }

    fn resync(&self) -> Resync {
        self.0.resync()
    }

    fn concurrency(&self) -> Option<usize> {
        self.0.concurrency()
    }

    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let mut typed = S::Model::from_object(object)?;
            is_ours(&self.0, &typed)?;
            let called = self.0.sync_record(ctx, &mut typed).await;
            keep(called, &typed, object)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        async move { self.0.delete_record(ctx, &S::Model::from_object(object)?).await }.boxed()
    }

    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        async move { self.0.after_sync_save(ctx, &S::Model::from_object(object)?).await }.boxed()
    }
}

impl<P: Policy> DynPolicy for Erased<P> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn observes(&self) -> &str {
        self.0.observes()
    }

    fn handles_delete(&self) -> bool {
        self.0.handles_delete()
    }

    fn handle<'a>(&'a self, operation: Operation, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let mut typed = P::Model::from_object(object)?;
            let called = match operation {
                Operation::PolicyCreate => self.0.handle_create(ctx, &mut typed).await,
                Operation::PolicyDelete => return self.0.handle_delete(ctx, &typed).await,
                _ => self.0.handle_update(ctx, &mut typed).await,
            };
            keep(called, &typed, object)
        }
        .boxed()
    }

    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        async move { self.0.after_policy_save(ctx, &P::Model::from_object(object)?).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use xos_model::Pass;

    use super::*;
    use crate::Call;

    struct Panics;

    impl SyncStep for Panics {
        type Model = Object;

        fn is_ours(&self, o: &Object) -> bool {
            o.text("owner").unwrap_or_else(|| panic!("{} has no owner", o.meta.name)) == "us"
        }

        async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
            Ok(())
        }

        async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_panic_of_is_ours_is_a_failure_of_that_object() {
        let step = erase(Panics);
        let context = StepContext::new(&Arc::default(), Call::new("Panics", Pass::Sync, "default"));
        let mut object = Object::named("Person", "default", "ada");
        assert!(step.is_ours(&object));
        let error = step.sync(&context, &mut object).await.unwrap_err();
        assert_eq!(error.to_string(), "the step panicked: ada has no owner");
        object.set("owner", "them".into());
        assert!(!step.is_ours(&object));
        step.sync(&context, &mut object).await.unwrap();
    }
}
