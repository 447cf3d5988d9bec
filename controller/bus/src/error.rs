//! Why event steps cannot run.

use xos_steps::SubscriptionError;

use crate::settings::SettingsError;

/// Why event steps cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A step without a valid subscription.
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Event steps without an event bus.
    #[error("event step {0} needs an event bus: set `event_bus.endpoint` in the configuration")]
    NoBus(String),
    /// Two steps in one consumer group: each would get a part of the events only.
    #[error(
        "event steps {first} and {second} are both in the consumer group {group}: each would get a part of the events; \
         give one of them another `group`"
    )]
    SameGroup {
        /// One step.
        first: String,
        /// The other step.
        second: String,
        /// The group.
        group: String,
    },
    /// A setting that librdkafka does not accept.
    #[cfg(feature = "kafka")]
    #[error("invalid settings in `event_bus`: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// An event bus in a program without Kafka.
    #[cfg(not(feature = "kafka"))]
    #[error(
        "{0} needs Kafka, but this program is built without it: build it with the cargo feature `kafka` of \
         xos-controller, which is on by default"
    )]
    NoKafka(String),
}

impl BusError {
    /// Returns the error of an event step without an event bus.
    pub fn no_bus(step: &str) -> Self {
        #[cfg(feature = "kafka")]
        return Self::NoBus(step.to_owned());
        #[cfg(not(feature = "kafka"))]
        return Self::NoKafka(format!("event step {step}"));
    }
}
