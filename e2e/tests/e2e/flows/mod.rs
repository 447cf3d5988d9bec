//! What flows back: pull steps and event steps, with objects in a real cluster and messages on a real Kafka.

mod foreign_clients;
mod killed;
mod produce;
mod pull;
mod unchanged;
mod unreachable;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use xos_harness::kafka::Kafka;

/// The configuration of a bus for quick tests.
fn bus(kafka: &Kafka) -> Value {
    json!({"event_bus": {
        "kind": "kafka",
        "endpoint": kafka.endpoint(),
        "attempts": 3,
        "retry": {"initial": "50ms", "max": "200ms"},
        "librdkafka": {"topic.metadata.refresh.interval.ms": 500, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500},
    }})
}

/// A synchronizer's name, and so a consumer group, that no other test has.
fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
