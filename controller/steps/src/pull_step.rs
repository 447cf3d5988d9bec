//! Pull steps.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use xos_model::{Known, Model as _};

use crate::context::StepContext;
use crate::erased::Act;
use crate::error::StepError;
use crate::sync_step::type_name;

/// The same as in XOS.
const PERIOD: Duration = Duration::from_secs(5);

/// Reads a backend periodically, and makes objects agree with it.
///
/// ```
/// # mod xos_controller { pub use {xos_steps::*, xos_model as model}; }
/// use xos_controller::model::Object;
/// use xos_controller::{PullStep, StepContext, StepError};
/// use serde_json::json;
///
/// struct PullDevices;
///
/// impl PullStep for PullDevices {
///     type Model = Object; // or a struct generated from xproto
///
///     fn observes(&self) -> &str {
///         "Device"
///     }
///
///     async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
///         let url = ctx.setting::<String>("controller_url")?;
///         let devices: Vec<serde_json::Value> = ctx.http().get(url).send().await?.error_for_status()?.json().await?;
///         let new = |_: &serde_json::Value| Object::named("Device", "", "");
///         let listing = ctx.listing_of("Device", ["serial_number"]);
///         listing.reconcile(&devices, new, |device, o| {
///             o.set("serial_number", device["serial"].clone());
///             o.set("state", device["state"].clone());
///         })
///         .await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # Guarantees
/// - It runs for the first time when the controller knows all objects, so that queries see everything, and then once in
///   each [`period`](Self::period). The same step never runs twice at the same time, and no other step delays it.
/// - If it returns an error, what it saved before stays; it runs again after its period.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pull step",
    note = "implement `PullStep` for it: `type Model`, `async fn pull_records`"
)]
pub trait PullStep: Send + Sync + 'static {
    /// The type of the objects: a struct generated from xproto, or [`xos_model::Object`].
    type Model: Known;

    /// Returns the name of the model whose objects this step creates.
    fn observes(&self) -> &str {
        Self::Model::MODEL_NAME
    }

    /// Returns the time from one start to the next; the controller varies it by ±10 %.
    fn period(&self) -> Duration {
        PERIOD
    }

    /// Returns how long a run may take; by default the configuration's `step_timeout`.
    fn time_limit(&self) -> Option<Duration> {
        None
    }

    /// Returns the step's name in logs and field managers; by default the type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// Reads the backend and saves what has changed. See [`Listing`](crate::Listing).
    ///
    /// # Errors
    /// An error is logged once, until another one comes. The step runs again after its period.
    fn pull_records(&self, ctx: &StepContext) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// A [`PullStep`] of any model.
pub trait DynPullStep: Send + Sync {
    /// Returns the step's name.
    fn name(&self) -> &str;
    /// Returns what changes with what it does, as [`DynSyncStep::revision`](crate::DynSyncStep::revision).
    fn revision(&self) -> Option<&str> {
        None
    }
    /// Returns the model whose objects it creates.
    fn observes(&self) -> &str;
    /// [`PullStep::period`].
    fn period(&self) -> Duration;
    /// [`PullStep::time_limit`].
    fn time_limit(&self) -> Option<Duration>;
    /// [`PullStep::pull_records`].
    fn pull<'a>(&'a self, ctx: &'a StepContext) -> Act<'a>;
}

/// Wraps a pull step of one model as one of any model.
pub fn erase_pull_step<S: PullStep>(step: S) -> Arc<dyn DynPullStep> {
    Arc::new(Erased(step))
}

struct Erased<S>(S);

impl<S: PullStep> DynPullStep for Erased<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn observes(&self) -> &str {
        self.0.observes()
    }

    fn period(&self) -> Duration {
        self.0.period()
    }

    fn time_limit(&self) -> Option<Duration> {
        self.0.time_limit()
    }

    fn pull<'a>(&'a self, ctx: &'a StepContext) -> Act<'a> {
        async move { self.0.pull_records(ctx).await }.boxed()
    }
}
