//! The event bus of a program that is built without Kafka. Nothing of it can be made: the errors say why.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_steps::producer::Sent;
use xos_steps::{DynEventStep, Message, Producer, Services};

use crate::error::BusError;
use crate::parked::{ParkedEvent, Replayed, Selection};
use crate::settings::{BusOptions, Settings};
use crate::state::ConsumerStates;

/// The event steps and their consumers: without Kafka there are none.
#[derive(Debug)]
pub struct Bus(Infallible);

/// Exchanges event steps: without Kafka there are none.
#[derive(Clone, Debug)]
pub struct EventSteps(Infallible);

/// Sends messages to Kafka: without it there is none.
#[derive(Clone, Debug)]
pub struct KafkaProducer(Infallible);

/// The parked events of a synchronizer: without Kafka there are none.
#[derive(Debug)]
pub struct ParkedEvents(Infallible);

/// Where a message was stored: without Kafka, nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
}

/// Why parked events cannot be read or replayed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ParkedError(#[from] BusError);

/// Returns the error of a configuration with an event bus.
fn no_kafka() -> BusError {
    BusError::NoKafka("`event_bus` in the configuration".to_owned())
}

impl Bus {
    /// Fails.
    ///
    /// # Errors
    /// Always: there is no Kafka.
    pub fn new(_: Vec<Arc<dyn DynEventStep>>, _: &Settings, _: BusOptions) -> Result<Self, BusError> {
        Err(no_kafka())
    }

    /// Returns the states of the consumers.
    pub fn states(&self) -> ConsumerStates {
        match self.0 {}
    }

    /// Returns what exchanges the steps.
    pub fn exchange(&self) -> EventSteps {
        match self.0 {}
    }

    /// Runs until `shutdown`.
    pub async fn run(self, _: Arc<Services>, _: watch::Receiver<bool>, _: CancellationToken) {
        match self.0 {}
    }
}

impl EventSteps {
    /// Checks steps.
    ///
    /// # Errors
    /// Never: there are no steps.
    pub fn check(&self, _: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        match self.0 {}
    }

    /// Ends steps.
    ///
    /// # Errors
    /// Never: there are no steps.
    pub async fn keep(&self, _: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        match self.0 {}
    }

    /// Exchanges steps.
    ///
    /// # Errors
    /// Never: there are no steps.
    pub async fn set(&self, _: Vec<Arc<dyn DynEventStep>>) -> Result<(), BusError> {
        match self.0 {}
    }
}

impl KafkaProducer {
    /// Fails.
    ///
    /// # Errors
    /// Always: there is no Kafka.
    pub fn new(_: &Settings, _: &str) -> Result<Self, BusError> {
        Err(no_kafka())
    }

    /// Waits until all messages are stored.
    ///
    /// # Errors
    /// Never: there is no producer.
    pub fn flush(&self, _: Duration) -> Result<(), BusError> {
        match self.0 {}
    }
}

impl Producer for KafkaProducer {
    fn send(&self, _: Message) -> Sent<'_> {
        match self.0 {}
    }
}

impl ParkedEvents {
    /// Fails.
    ///
    /// # Errors
    /// Always: there is no Kafka.
    pub fn new(_: &Settings, _: &str) -> Result<Self, ParkedError> {
        Err(no_kafka().into())
    }

    /// Returns the parked events.
    ///
    /// # Errors
    /// Never: there is no reader.
    pub fn list(&self, _: &Selection) -> Result<Vec<ParkedEvent>, ParkedError> {
        match self.0 {}
    }

    /// Drops parked events.
    ///
    /// # Errors
    /// Never: there is no reader.
    pub async fn drop(&self, _: &Selection) -> Result<Vec<ParkedEvent>, ParkedError> {
        match self.0 {}
    }

    /// Sends events again.
    ///
    /// # Errors
    /// Never: there is no reader.
    pub async fn replay(&self, _: &Selection, _: bool, _: bool, _: Duration) -> Result<Replayed, ParkedError> {
        match self.0 {}
    }

    /// Sends a message.
    ///
    /// # Errors
    /// Never: there is nothing to send it with.
    pub async fn send(&self, _: &Message, _: bool) -> Result<Stored, ParkedError> {
        match self.0 {}
    }
}
