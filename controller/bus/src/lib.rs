//! Kafka: event steps receive events from it, all steps can send messages to it.
//!
//! Each event step has a consumer (a thread) and dispatchers (tasks). Between them is the partition tracker, which
//! knows what may be handled next, and up to which offset each partition is done:
//!
//! ```text
//!   broker ──► consumer ──► tracker: order per key, back-pressure ──► dispatchers ──► worker: call, retry, park
//!     ▲            │                   │                                                 │
//!     └── commits ─┘◄── offsets done ──┘◄──────────────── outcomes ──────────────────────┘
//! ```
//!
//! **Invariant:** an offset is committed only when every event before it is done: handled with its saves stored, or
//! parked and acknowledged.

mod bus;
mod callbacks;
mod consumer;
mod dispatcher;
mod notifier;
pub mod parked;
mod problem;
pub mod producer;
pub mod settings;
mod shared;
pub mod state;
mod supervisor;
mod topic_partition;
mod tracker;
mod worker;

pub use bus::{Bus, BusError, BusOptions};
pub use parked::{ParkedError, ParkedEvents};
pub use producer::KafkaProducer;
pub use settings::{Settings, SettingsError};
pub use state::{ConsumerState, ConsumerStates};
