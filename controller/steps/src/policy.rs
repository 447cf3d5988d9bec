//! Model policies.

use std::future::Future;

use xos_model::{Known, Model as _};

use crate::context::StepContext;
use crate::error::StepError;
use crate::sync_step::type_name;

/// Reacts to changes of a model's objects: creates, changes and deletes other objects, copies state, allocates
/// resources.
///
/// Policies run before the sync step, and have their own rules: they run when an object is new, when an operator has
/// changed it, and when its sync step has changed it. What a policy changes in its object is saved when it returns. Then
/// the sync step runs, but not the policies again.
///
/// ```
/// # mod xos_controller { pub use {xos_steps::*, xos_model as model}; }
/// use xos_controller::model::Object;
/// use xos_controller::{Policy, StepContext, StepError};
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
/// - An object is never handled twice at the same time, neither by policies nor by its sync step.
/// - `handle_delete` runs for every object that a policy was applied to, or may have been; the object stays until it
///   succeeds.
/// - The policies of a model run in the order in which they were added. If one fails, the policies after it wait for
///   the next attempt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    note = "implement `Policy` for it: `type Model`, and `async fn handle_create`, `handle_update` or `handle_delete`"
)]
pub trait Policy: Send + Sync + 'static {
    /// The type of the objects: a struct generated from xproto, or [`xos_model::Object`].
    type Model: Known;

    /// Returns the name of the model whose objects this policy handles. With a base: those of all models derived from
    /// it.
    fn observes(&self) -> &str {
        Self::Model::MODEL_NAME
    }

    /// Returns the policy's name in status, logs and field managers; by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Whether [`Policy::handle_delete`] does anything. Only then a deleted object waits for it.
    fn handles_delete(&self) -> bool {
        false
    }

    /// Handles a new object; by default does what [`Policy::handle_update`] does.
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

    /// Handles a changed object; by default does nothing.
    ///
    /// # Errors
    /// As for [`Policy::handle_create`].
    fn handle_update(
        &self,
        _ctx: &StepContext,
        _o: &mut Self::Model,
    ) -> impl Future<Output = Result<(), StepError>> + Send {
        async { Ok(()) }
    }

    /// Handles an object that is being deleted. It is called only if [`Policy::handles_delete`] is true.
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

    /// Is called after what the policy changed in its object is saved.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use xos_model::{Object, Operation, Pass};

    use super::*;
    use crate::{Call, erase_policy};

    struct OnlyNew;

    impl Policy for OnlyNew {
        type Model = Object;

        async fn handle_create(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
            o.set("greeting", json!("Hello"));
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_policy_may_handle_new_objects_only() {
        let context = StepContext::new(&Arc::default(), Call::new("OnlyNew", Pass::Policy, "default"));
        for (operation, greeting) in [(Operation::PolicyCreate, Some("Hello")), (Operation::PolicyUpdate, None)] {
            let mut object = Object::named("Person", "default", "ada");
            erase_policy(OnlyNew).handle(operation, &context, &mut object).await.unwrap();
            assert_eq!(object.text("greeting"), greeting);
        }
    }
}
