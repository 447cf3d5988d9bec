//! Kafka, by librdkafka.

mod bus;
mod callbacks;
mod client;
mod commit;
mod consumer;
mod counters;
mod dispatcher;
mod message;
mod missed;
mod notifier;
mod parked;
mod probe;
mod problem;
mod producer;
mod raw_headers;
mod rebalance;
mod receive;
mod repeats;
mod rewind;
mod scout;
mod seen;
mod shared;
mod sight;
mod stall;
mod start;
mod supervisor;
mod topic_partition;
mod topics;
mod tracker;
mod worker;

pub use bus::{Bus, EventSteps};
pub use parked::{ParkedError, ParkedEvents, Stored};
pub use producer::KafkaProducer;
