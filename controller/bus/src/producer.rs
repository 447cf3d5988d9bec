//! Sending messages: for steps, and for parking.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::producer::Sent;
use xos_steps::{Message, ProduceError, Producer};

use crate::problem::{Known, Remembering, in_brackets};
use crate::settings::Settings;

/// How long a message may be on its way before it counts as refused.
const MESSAGE_TIMEOUT_MS: &str = "30000";

/// Sends messages to Kafka: each is acknowledged by all in-sync replicas, and stored once however often the connection tries.
#[derive(Clone)]
pub struct KafkaProducer {
    producer: FutureProducer<Remembering>,
    known: Arc<Known>,
}

/// A message that is not stored.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", in_brackets(.problem.as_ref()))]
struct Undelivered {
    /// What became of it: mostly that its time is over.
    #[source]
    error: KafkaError,
    /// What is wrong with the bus, as far as that was told.
    problem: Option<String>,
}

impl KafkaProducer {
    /// One for a synchronizer. It connects when there is something to send.
    ///
    /// # Errors
    /// When a setting is not one of librdkafka's.
    pub fn new(settings: &Settings, synchronizer: &str) -> KafkaResult<Self> {
        let mut config =
            settings.client(synchronizer, &[("message.timeout.ms", MESSAGE_TIMEOUT_MS), ("linger.ms", "2")]);
        config.set("enable.idempotence", "true").set("acks", "all");
        let known = Arc::default();
        Ok(Self { producer: config.create_with_context(Remembering(Arc::clone(&known)))?, known })
    }

    /// Waits until all that was sent is stored.
    ///
    /// # Errors
    /// When it is not within this time.
    pub fn flush(&self, within: Duration) -> KafkaResult<()> {
        self.producer.flush(within)
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
            self.known.clear();
            return Ok(());
        };
        let source = Box::new(Undelivered { error, problem: self.known.text() });
        Err(ProduceError::Refused { topic: message.topic.clone(), source })
    }
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
