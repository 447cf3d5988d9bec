//! Sync steps.

use std::future::Future;

use xos_model::{Known, Model as _, Resync};

use crate::context::StepContext;
use crate::error::StepError;

/// Pushes the state of a model's objects to a backend.
///
/// Its methods are `async fn`s:
///
/// ```
/// # mod xos_controller { pub use {xos_steps::*, xos_model as model}; }
/// use xos_controller::{StepContext, StepError, SyncStep};
/// use xos_controller::model::{Model as _, Object};
///
/// struct SyncPerson;
///
/// impl SyncStep for SyncPerson {
///     type Model = Object; // or a struct generated from xproto
///
///     fn observes(&self) -> &str {
///         "MyModel"
///     }
///
///     async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
///         let url = format!("{}/people/{}", ctx.setting::<String>("directory_url")?, o.meta().name);
///         ctx.http().put(url).json(&o.fields).send().await?.error_for_status()?;
///         Ok(())
///     }
///
///     async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
///         let url = format!("{}/people/{}", ctx.setting::<String>("directory_url")?, o.meta().name);
///         ctx.http().delete(url).send().await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Guarantees
/// - An object is never handled twice at the same time; different objects are handled concurrently.
/// - `delete_record` runs only if a sync was attempted, or may have been.
/// - A panic is a failure of that object, and affects no other.
///
/// # Duties
/// - **Be idempotent**: if the controller crashes after a step has run and before its status is written, the step runs
///   again, with the same [idempotency key](StepContext::idempotency_key).
/// - `delete_record` must succeed when there is nothing to delete.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sync step",
    note = "implement `SyncStep` for it: `type Model`, `async fn sync_record`, `async fn delete_record`"
)]
pub trait SyncStep: Send + Sync + 'static {
    /// The type of the objects: a struct generated from xproto, or [`xos_model::Object`].
    type Model: Known;

    /// Returns the name of the model whose objects this step handles. With a base: those of all models derived from it.
    fn observes(&self) -> &str {
        Self::Model::MODEL_NAME
    }

    /// Returns more models whose objects this step handles, for a step on [`xos_model::Object`] or on a base.
    fn also_observes(&self) -> Vec<String> {
        vec![]
    }

    /// Returns models of other synchronizers. Objects of this step wait until the objects of these models that they
    /// link to are synchronized. Otherwise an object is waited for only after another synchronizer has started to
    /// handle it.
    fn external_dependencies(&self) -> Vec<String> {
        vec![]
    }

    /// Whether this step handles an object. Other objects of its models are left alone.
    fn is_ours(&self, _o: &Self::Model) -> bool {
        true
    }

    /// Returns how often an object is synchronized again although it has not changed, to undo changes in the backend; by
    /// default as configured (`resync`, 10 h). An operator may set another period for an object, by the annotation
    /// `xos.opencord.org/resync`.
    fn resync(&self) -> Resync {
        Resync::AsConfigured
    }

    /// Returns how many objects this step may handle at the same time; by default as many as the whole synchronizer.
    fn concurrency(&self) -> Option<usize> {
        None
    }

    /// Returns the step's name in status, logs and field managers; by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Makes the backend agree with the object.
    ///
    /// Fields of `o` that the step changes are saved when it returns, whatever it returns: feedback fields in status,
    /// declarative fields in spec, quietly (the step does not run again for that). After a panic, or at the time limit,
    /// they are not. Bookkeeping fields belong to the framework.
    ///
    /// # Errors
    /// [`StepError`] says what then happens to the object.
    fn sync_record(&self, ctx: &StepContext, o: &mut Self::Model)
    -> impl Future<Output = Result<(), StepError>> + Send;

    /// Removes from the backend what `sync_record` put there. The object is removed after success.
    ///
    /// # Errors
    /// As for `sync_record`; the object stays until an attempt succeeds.
    fn delete_record(&self, ctx: &StepContext, o: &Self::Model) -> impl Future<Output = Result<(), StepError>> + Send;

    /// Is called after what the step changed in its object is saved.
    ///
    /// # Errors
    /// An error is a failure of the step: it runs again.
    fn after_sync_save(
        &self,
        _ctx: &StepContext,
        _o: &Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        async { Ok(()) }
    }
}

/// Returns a type's name without its path and parameters.
pub(crate) fn type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
}
