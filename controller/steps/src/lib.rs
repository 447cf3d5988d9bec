//! The extension API: what the author of a service writes.
//!
//! A [`SyncStep`] pushes the state of one model's objects to a backend. The engine calls it when an object is new, was changed by an
//! operator, or failed before; it records the outcome in the object's status, and calls the delete step before an object goes away.
//! A [`Policy`] reacts to changes of a model's objects, before their sync step.
//!
//! **Invariant:** this crate stays small and stable; of Kubernetes it knows the client that it hands on, and nothing else.

pub mod context;
pub mod erased;
pub mod error;
pub mod events;
pub mod models;
mod objects;
pub mod policy;
pub mod store;
pub mod sync_step;

pub use context::{ContextParts, SettingsError, StepContext, http_client};
pub use erased::{DynPolicy, DynSyncStep, erase, erase_policy};
pub use error::StepError;
pub use events::{Event, EventSink, NoEvents};
pub use models::Models;
pub use policy::Policy;
pub use store::{NoStore, Save, Saver, Session, Store, StoreError};
pub use sync_step::SyncStep;
