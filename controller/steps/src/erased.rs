//! Steps without their types: what the engine holds.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_model::{Model, Object};

use crate::context::StepContext;
use crate::error::StepError;
use crate::sync_step::SyncStep;

/// A [`SyncStep`] of any model.
pub trait DynSyncStep: Send + Sync {
    /// The step's name.
    fn name(&self) -> &str;
    /// The model it handles.
    fn observes(&self) -> &str;
    /// [`SyncStep::sync_record`] on an object.
    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> BoxFuture<'a, Result<(), StepError>>;
    /// [`SyncStep::delete_record`] on an object.
    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> BoxFuture<'a, Result<(), StepError>>;
}

/// Takes a step's types away.
pub fn erase<S: SyncStep>(step: S) -> Arc<dyn DynSyncStep> {
    Arc::new(Erased(step))
}

struct Erased<S>(S);

impl<S: SyncStep> DynSyncStep for Erased<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn observes(&self) -> &str {
        self.0.observes()
    }

    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> BoxFuture<'a, Result<(), StepError>> {
        async move {
            let mut typed = S::Model::from_object(object)?;
            self.0.sync_record(ctx, &mut typed).await?;
            typed.write_to(object)?;
            Ok(())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> BoxFuture<'a, Result<(), StepError>> {
        async move { self.0.delete_record(ctx, &S::Model::from_object(object)?).await }.boxed()
    }
}
