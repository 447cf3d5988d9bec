//! Model policies.

use std::future::Future;

use xos_model::Model;

use crate::context::StepContext;
use crate::error::StepError;
use crate::sync_step::type_name;

/// Reacts to changes of a model's objects: makes, changes and deletes other objects, copies state, allocates.
///
/// Policies run before sync steps and by rules of their own: an object is due for its policies when it is new, when an operator changed it,
/// and when a sync step changed it. What a policy changes in its object is saved after success and makes the object due for its sync step,
/// not for policies again.
///
/// ```
/// use xos_model::{Object};
/// use xos_steps::{Policy, StepContext, StepError};
///
/// struct Greeting;
///
/// impl Policy for Greeting {
///     type Model = Object; // or a struct generated from xproto
///
///     fn observes(&self) -> &str {
///         "MyModel"
///     }
///
///     async fn handle_update(&self, _ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
///         let name = o.text("first_name").unwrap_or("you").to_owned();
///         o.set("greeting", format!("Hello {name}").into());
///         Ok(())
///     }
/// }
/// ```
///
/// # Guarantees
/// - One object is never handled twice at once, neither by policies nor by its sync step.
/// - `handle_delete` runs for every object that a policy was applied to, or may have been; the object stays until it succeeds.
/// - Several policies of a model run in the order in which they were added; where one fails, the later ones wait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    note = "implement `Policy` for it: `type Model`, `async fn handle_update`, and if need be `handle_create` and `handle_delete`"
)]
pub trait Policy: Send + Sync + 'static {
    /// The type of the objects: a struct generated from xproto, or [`xos_model::Object`].
    type Model: Model;

    /// The name of the model whose objects this policy handles; with that of a base all that are derived from it.
    fn observes(&self) -> &str {
        Self::Model::NAME
    }

    /// The policy's name in status, logs and field managers: by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Whether [`Policy::handle_delete`] does anything: only then is the object held on deletion.
    fn handles_delete(&self) -> bool {
        false
    }

    /// A new object; by default what [`Policy::handle_update`] does.
    ///
    /// # Errors
    /// [`StepError`] says what then happens to the object, as for a sync step.
    fn handle_create(
        &self,
        ctx: &StepContext,
        o: &mut Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        self.handle_update(ctx, o)
    }

    /// A changed object.
    ///
    /// # Errors
    /// As for [`Policy::handle_create`].
    fn handle_update(
        &self,
        ctx: &StepContext,
        o: &mut Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send;

    /// An object that is being deleted. Say so in [`Policy::handles_delete`].
    ///
    /// # Errors
    /// As for [`Policy::handle_create`]; the object stays until a later attempt succeeds.
    fn handle_delete(
        &self,
        _ctx: &StepContext,
        _o: &Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        async { Ok(()) }
    }

    /// After what the policy changed in its object is saved.
    ///
    /// # Errors
    /// An error is a failure of the policy: it runs again.
    fn after_policy_save(
        &self,
        _ctx: &StepContext,
        _o: &Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        async { Ok(()) }
    }
}
