//! Kafka: event steps receive events from it, all steps can send messages to it.
//!
//! Each event step has a consumer (threads: one receives, one commits, one asks the broker) and dispatchers (tasks).
//! Between them is the partition tracker, which knows what may be handled next, and up to which offset each partition is
//! done:
//!
//! ```text
//!   broker ──► consumer ──► tracker: order per key, back-pressure ──► dispatchers ──► worker: call, retry, park
//!     ▲            │                   │                                                 │
//!     └── commits ─┘◄── offsets done ──┘◄──────────────── outcomes ──────────────────────┘
//! ```
//!
//! **Invariant:** an offset is committed only when every event before it is done: handled with its saves stored, or
//! parked and acknowledged.
//!
//! **Invariant:** the thread that receives never waits for the broker or for an event: else the step would leave its
//! group, or the other partitions would stand still.
//!
//! Without the cargo feature `kafka` (on by default) there is no librdkafka in the program. Then the crate has the same
//! types, but none of them can be made: the error says how to build with Kafka.

mod error;
#[cfg(feature = "kafka")]
mod kafka;
pub mod parked;
mod renewals;
mod settings;
mod state;
#[cfg(not(feature = "kafka"))]
mod without_kafka;

pub use error::BusError;
#[cfg(feature = "kafka")]
pub use kafka::{Bus, EventSteps, KafkaProducer, ParkedError, ParkedEvents, Stored};
pub use renewals::Renewals;
pub use settings::{BusOptions, Missed, Settings, SettingsError};
pub use state::{ConsumerState, ConsumerStates};
#[cfg(not(feature = "kafka"))]
pub use without_kafka::{Bus, EventSteps, KafkaProducer, ParkedError, ParkedEvents, Stored};
