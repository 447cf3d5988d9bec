//! Kafka, by librdkafka.

mod bus;
mod callbacks;
mod consumer;
mod counters;
mod dispatcher;
mod notifier;
mod parked;
mod problem;
mod producer;
mod shared;
mod supervisor;
mod topic_partition;
mod tracker;
mod worker;

pub use bus::Bus;
pub use parked::{ParkedError, ParkedEvents};
pub use producer::KafkaProducer;
