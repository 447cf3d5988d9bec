//! Kafka: event steps receive from it, steps send to it.
//!
//! Each event step has a consumer (a thread) and workers (tasks), with a desk between them that knows what may be handled next and how far each
//! partition is done:
//!
//! ```text
//!   broker ──► consumer ──► desk: order per key, back-pressure ──► workers: attempt, again later, or park
//!     ▲            │                     │                                        │
//!     └── commits ─┘◄──── how far it is done ◄────────────────────────────────────┘
//! ```
//!
//! **Invariant:** an offset is committed only when every event before it is done: handled with its saves stored, or parked and acknowledged.

mod bench;
mod bus;
mod callbacks;
mod consumer;
mod counter;
mod desk;
mod logging;
pub mod lot;
pub mod parked;
mod partitions;
mod problem;
pub mod producer;
pub mod settings;
mod shared;
pub mod state;
mod teller;
mod worker;

pub use bus::{Bus, BusError, BusOptions};
pub use producer::KafkaProducer;
pub use settings::{Settings, SettingsError};
pub use state::{ConsumerState, ConsumerStates};
