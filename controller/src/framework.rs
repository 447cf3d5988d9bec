//! What a service's program needs, of the framework's crates and of others.

pub use jiff;
pub use k8s_openapi;
pub use kube;
#[cfg(feature = "mimalloc")]
#[doc(hidden)]
pub use mimalloc;
pub use reqwest;
pub use serde_json;
pub use tokio_util::sync::CancellationToken;
pub use tracing;
pub use xos_crds::{CustomResource, TypedError};
pub use xos_model as model;
pub use xos_model::brake::ListingBrake;
pub use xos_runtime::Synchronizer;
pub use xos_steps::{
    AfterParked, BusEvent, Event, EventError, EventStep, Http, Listing, ListingError, Message, Models, Policy,
    ProduceError, PropertyError, PullStep, Pulled, Resync, Save, SettingsError, StepContext, StepError, Steps,
    StoreError, SyncStep,
};
#[cfg(feature = "testing")]
pub use xos_testing as testing;
