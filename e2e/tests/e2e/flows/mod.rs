//! Pull steps and event steps, with objects in a real cluster and messages on a real Kafka broker.

mod foreign_clients;
mod killed;
mod produce;
mod pull;
mod refused;
mod unchanged;
mod unreachable;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use xos_harness::kafka::Kafka;

/// Returns the configuration of an event bus for quick tests.
pub(crate) fn bus(kafka: &Kafka) -> Value {
    json!({"event_bus": {
        "kind": "kafka",
        "endpoint": kafka.endpoint(),
        "attempts": 3,
        "retry": {"initial": "50ms", "max": "200ms"},
        "librdkafka": {
            "topic.metadata.refresh.interval.ms": 500, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
        },
    }})
}

/// Returns a synchronizer's name that no other test has; the name of the consumer group contains it.
fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
