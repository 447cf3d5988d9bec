//! XOS's rules as pure functions: objects, intent, dirty and delete rules, backoff, and what an attempt leaves behind.
//!
//! Everything here takes the clock and randomness as parameters and does no IO, so that tables and properties can test
//! it. **Invariant:** this crate knows neither Kubernetes, nor gRPC, nor an async runtime.

pub mod accept;
mod backoff;
pub mod brake;
pub mod choice;
pub mod client;
pub mod condition;
pub mod deletion;
pub mod dirty;
mod dynamic;
mod field;
mod fields;
pub mod gate;
pub mod graph;
pub mod index;
pub mod intent;
mod kinds;
mod link;
pub mod message;
pub mod names;
pub mod natural;
mod object;
mod outcome;
pub mod policy;
mod query;
pub mod record;
mod reference;
pub mod resync;
pub mod save;
pub mod secret;
mod shared;
mod status;
mod time;
pub mod typed;

pub use backoff::Backoff;
pub use choice::{Choice, ChoiceValue, UnknownChoice};
pub use condition::{Condition, ConditionStatus};
pub use dynamic::{Dynamic, DynamicError};
pub use field::{Field, FieldNames, FieldOf, FieldsOf, NaturalKey};
pub use fields::Fields;
pub use index::Index;
pub use intent::{Intent, Pass, QuietSave, SpecHash};
pub use jiff::Timestamp;
pub use kinds::{Kind, Kinds};
pub use link::{IsA, Link, Reverse};
pub use object::{Meta, Object, ObjectKey};
pub use outcome::{Finished, Operation, Outcome};
pub use query::{Criterion, Operator, Query, QueryError, queried};
pub use reference::Reference;
pub use resync::Resync;
pub use shared::shared;
pub use status::{Attempt, Bookkeeping, PassState, Status, Unreadable};
pub use time::later;
pub use typed::{ConvertError, Known, Model};
pub use xos_xproto as xproto;
pub use xos_xproto::Name;

// For generated code, so that a service's crate need not depend on it.
#[doc(hidden)]
pub use serde;
