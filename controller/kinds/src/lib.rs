//! Models and documents as objects in the cluster: the kinds `ModelSet`, `SyncStep`, `ModelPolicy`, `PullStep` and
//! `EventStep`, their definitions, and what their status says.
//!
//! **Invariant:** nothing here talks to an API server, and nothing knows a clock.

mod definitions;
mod id;
mod model_set;
mod places;
pub mod reasons;
mod status;
mod structural;

pub use definitions::{Framework, REVISION, definitions};
pub use id::{Id, ObjectKind};
pub use model_set::{Cleanup, ModelSet, ModelSetSpec, ModelSetStatus};
pub use places::{Written, written};
pub use status::{Accepted, Change, Condition, Difference, Finding, News, Told, status};
pub use structural::structural;
