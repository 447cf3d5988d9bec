//! Steps and policies of any model, as the engine holds them.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_model::{Model, Object, Operation};

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
    /// Returns the models that it handles, or bases of them.
    fn observes(&self) -> Vec<String>;
    /// [`SyncStep::external_dependencies`].
    fn external_dependencies(&self) -> Vec<String>;
    /// [`SyncStep::is_ours`]; true for an object that does not fit its type, so that the step runs and its error says
    /// why.
    fn is_ours(&self, object: &Object) -> bool;
    /// [`SyncStep::resync`].
    fn resync(&self) -> Option<Duration>;
    /// [`SyncStep::concurrency`].
    fn concurrency(&self) -> Option<usize>;
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
        S::Model::from_object(object).map_or(true, |typed| self.0.is_ours(&typed))
    }

    fn resync(&self) -> Option<Duration> {
        self.0.resync()
    }

    fn concurrency(&self) -> Option<usize> {
        self.0.concurrency()
    }

    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let mut typed = S::Model::from_object(object)?;
            self.0.sync_record(ctx, &mut typed).await?;
            typed.write_to(object)?;
            Ok(())
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
            match operation {
                Operation::PolicyCreate => self.0.handle_create(ctx, &mut typed).await?,
                Operation::PolicyDelete => return self.0.handle_delete(ctx, &typed).await,
                _ => self.0.handle_update(ctx, &mut typed).await?,
            }
            typed.write_to(object)?;
            Ok(())
        }
        .boxed()
    }

    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        async move { self.0.after_policy_save(ctx, &P::Model::from_object(object)?).await }.boxed()
    }
}
