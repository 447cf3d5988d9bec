//! Sends messages: those of steps, and parked events.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::producer::Sent;
use xos_steps::{Message, ProduceError, Producer};

use super::problem::{LastProblem, ProblemContext, in_brackets};
use crate::error::BusError;
use crate::settings::Settings;

/// How long sending a message may take.
const MESSAGE_TIMEOUT_MS: &str = "30000";

/// Sends messages to Kafka. Each is acknowledged by all in-sync replicas, and stored once, also if it is sent again
/// after a failure.
#[derive(Clone)]
pub struct KafkaProducer {
    producer: FutureProducer<ProblemContext>,
    last_problem: Arc<LastProblem>,
}

/// A message that was not stored, with the last problem that librdkafka reported.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", in_brackets(.problem.as_ref()))]
struct Undelivered {
    #[source]
    error: KafkaError,
    problem: Option<String>,
}

impl KafkaProducer {
    /// Returns a synchronizer's producer. It connects when there is something to send.
    ///
    /// # Errors
    /// When librdkafka does not accept a setting.
    pub fn new(settings: &Settings, synchronizer: &str) -> Result<Self, BusError> {
        let mut config =
            settings.client(synchronizer, &[("message.timeout.ms", MESSAGE_TIMEOUT_MS), ("linger.ms", "2")]);
        config.set("enable.idempotence", "true").set("acks", "all");
        let last_problem = Arc::default();
        let producer = config.create_with_context(ProblemContext(Arc::clone(&last_problem)))?;
        Ok(Self { producer, last_problem })
    }

    /// Waits until all messages are stored, at most for `timeout`.
    ///
    /// # Errors
    /// When a message is not stored by then.
    pub fn flush(&self, timeout: Duration) -> Result<(), BusError> {
        Ok(self.producer.flush(timeout)?)
    }

    async fn deliver(&self, message: Message) -> Result<(), ProduceError> {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&message.topic).headers(headers);
        record.key = message.key.as_deref();
        record.payload = message.value.as_deref();
        record.timestamp = message.timestamp;
        let sent = self.producer.send(record, Timeout::Never).await;
        let Err((error, _)) = sent else {
            self.last_problem.clear();
            return Ok(());
        };
        let is_not_now = error.rdkafka_error_code().is_some_and(is_not_now);
        let source = Box::new(Undelivered { error, problem: self.last_problem.text() });
        let topic = message.topic.clone();
        Err(if is_not_now { ProduceError::NotNow { topic, source } } else { ProduceError::Refused { topic, source } })
    }
}

/// Whether an error says nothing of the message: no broker has taken it in time.
fn is_not_now(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, LeaderNotAvailable, MessageTimedOut, NotEnoughReplicas,
        OperationTimedOut, QueueFull, RequestTimedOut,
    };
    matches!(
        code,
        AllBrokersDown
            | BrokerTransportFailure
            | LeaderNotAvailable
            | MessageTimedOut
            | NotEnoughReplicas
            | OperationTimedOut
            | QueueFull
            | RequestTimedOut
    )
}

impl Producer for KafkaProducer {
    fn send(&self, message: Message) -> Sent<'_> {
        self.deliver(message).boxed()
    }
}

impl std::fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KafkaProducer")
    }
}
