//! Sending messages: for steps, and for parking.

use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::producer::Sent;
use xos_steps::{Message, ProduceError, Producer};

use crate::logging::log;
use crate::settings::Settings;

/// How long a message may be on its way before it counts as refused.
const MESSAGE_TIMEOUT_MS: &str = "30000";

/// Sends messages to Kafka: each is acknowledged by all in-sync replicas, and stored once however often the connection tries.
#[derive(Clone)]
pub struct KafkaProducer(FutureProducer<Context>);

/// librdkafka's words in our log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context;

impl ClientContext for Context {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, fac: &str, message: &str) {
        log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the bus");
    }
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
        Ok(Self(config.create_with_context(Context)?))
    }

    /// Waits until all that was sent is stored.
    ///
    /// # Errors
    /// When it is not within this time.
    pub fn flush(&self, within: Duration) -> KafkaResult<()> {
        self.0.flush(within)
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
        match self.0.send(record, Timeout::Never).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(ProduceError::Refused { topic: message.topic.clone(), source: Box::new(error) }),
        }
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
