//! The extension API: what the author of a service writes.
//!
//! A [`SyncStep`] pushes the state of one model's objects to a backend. The engine calls it when an object is new, was
//! changed by an operator, or failed before; it records the outcome in the object's status, and calls `delete_record`
//! before the object is removed. A [`Policy`] reacts to changes of a model's objects, before their sync step. In the
//! other direction a [`PullStep`] reads a backend periodically, and an [`EventStep`] receives messages from Kafka.
//!
//! Services use this crate through `xos_controller`.
//!
//! **Invariant:** this crate stays small and stable. It passes on the Kubernetes client, and knows nothing else of
//! Kubernetes.

mod again;
mod arrivals;
mod awaited;
mod bus_event;
pub mod call;
mod context;
mod erased;
mod error;
mod event_step;
mod events;
mod holds;
mod http;
mod keyed;
mod listing;
mod models;
mod objects;
mod outside;
mod policy;
pub mod producer;
mod properties;
mod pull_step;
mod services;
mod session;
mod shared;
mod steps;
pub mod store;
mod sync_step;
mod uses;

pub use again::Again;
pub use arrivals::{Arrivals, Wait};
pub use awaited::{Awaited, AwaitedKey};
pub use bus_event::{BusEvent, EventError};
pub use call::Call;
pub use context::{SettingsError, StepContext};
pub use erased::{Act, DynPolicy, DynSyncStep, erase, erase_policy};
pub use error::{ErrorKind, StepError};
pub use event_step::{AfterParked, DynEventStep, EventStep, Subscription, SubscriptionError, erase_event_step};
pub use events::{Event, EventSink, NoEvents};
pub use holds::Holds;
pub use http::Http;
pub use listing::{Listing, ListingError, Pulled};
pub use models::Models;
pub use outside::{Outside, OutsideAnswer, OutsideCall, OutsideCommand, OutsideReply, OutsideRequest, OutsideResult};
pub use policy::Policy;
pub use producer::{Message, NoProducer, ProduceError, Producer};
pub use properties::{PropertyError, StoreObjects};
pub use pull_step::{DynPullStep, PullStep, erase_pull_step};
pub use services::{HttpClient, Services, http_client, http_client_builder, http_client_that_trusts};
pub use session::{Done, Session};
pub use shared::Shared;
pub use steps::{AtStart, Steps};
pub use store::{NoStore, Save, Saver, Store, StoreError};
pub use sync_step::SyncStep;
pub use uses::{Access, ForeignKind, Use, Whereabouts};
pub use xos_expressions::Properties;
pub use xos_model::Resync;
