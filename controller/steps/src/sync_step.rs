//! Sync steps.

use std::future::Future;
use std::time::Duration;

use xos_model::Model;

use crate::context::StepContext;
use crate::error::StepError;

/// Pushes the state of a model's objects to a backend.
///
/// Write `async fn`s:
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
/// - One object is never handled twice at once; different objects are handled concurrently.
/// - `delete_record` runs only if a sync was attempted, or may have been.
/// - A panic is a failure of that object only.
///
/// # Duties
/// - **Be idempotent**: after a crash between the step and the writing of status a step runs once more, with the same
///   [idempotency key](StepContext::idempotency_key).
/// - `delete_record` must succeed when there is nothing to delete.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sync step",
    note = "implement `SyncStep` for it: `type Model`, `async fn sync_record`, `async fn delete_record`"
)]
pub trait SyncStep: Send + Sync + 'static {
    /// The type of the objects: a struct generated from xproto, or [`xos_model::Object`].
    type Model: Model;

    /// The name of the model whose objects this step handles; with that of a base all that are derived from it.
    fn observes(&self) -> &str {
        Self::Model::MODEL_NAME
    }

    /// More models whose objects this step handles, for a step on [`xos_model::Object`] or on a base.
    fn also_observes(&self) -> Vec<String> {
        vec![]
    }

    /// Models of other synchronizers whose objects have to be synchronized before objects of this step that lead to them. Without this an
    /// object is waited for only once another synchronizer has taken it up.
    fn external_dependencies(&self) -> Vec<String> {
        vec![]
    }

    /// Whether an object is this step's; others of its models belong to somebody else and are left alone.
    fn is_ours(&self, _o: &Self::Model) -> bool {
        true
    }

    /// How often a clean object is synchronized again, to undo what changed in the backend; by default never.
    fn resync(&self) -> Option<Duration> {
        None
    }

    /// How many objects this step may handle at once; by default as many as the whole synchronizer.
    fn concurrency(&self) -> Option<usize> {
        None
    }

    /// The step's name in status, logs and field managers: by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Makes the backend agree with the object.
    ///
    /// Fields of `o` that the step changes are saved after success: feedback fields to status, declarative ones quietly to spec
    /// (which does not run the step again). Bookkeeping fields are the framework's.
    ///
    /// # Errors
    /// [`StepError`] says what then happens to the object.
    fn sync_record(&self, ctx: &StepContext, o: &mut Self::Model)
    -> impl Future<Output = Result<(), StepError>> + Send;

    /// Removes from the backend what `sync_record` put there. The object goes away after success.
    ///
    /// # Errors
    /// As for `sync_record`; the object stays until a later attempt succeeds.
    fn delete_record(&self, ctx: &StepContext, o: &Self::Model) -> impl Future<Output = Result<(), StepError>> + Send;

    /// After what the step changed in its object is saved.
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

/// A type's name without its path and parameters.
pub(crate) fn type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let plain = full.split('<').next().unwrap_or(full);
    plain.rsplit("::").next().unwrap_or(plain)
}
