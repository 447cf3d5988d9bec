//! Sending messages: for steps, and for parking.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::producer::Sent;
use xos_steps::{Message, ProduceError, Producer};

use crate::logging::log;
use crate::problem::{Problem, kept};
use crate::settings::Settings;

/// How long a message may be on its way before it counts as refused.
const MESSAGE_TIMEOUT_MS: &str = "30000";

/// Sends messages to Kafka: each is acknowledged by all in-sync replicas, and stored once however often the connection tries.
#[derive(Clone)]
pub struct KafkaProducer {
    producer: FutureProducer<Context>,
    /// What is wrong with the bus, as far as that was told.
    problem: Arc<Mutex<Option<Problem>>>,
}

/// A message that is not stored.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", .problem.as_ref().map(|problem| format!(" ({problem})")).unwrap_or_default())]
struct Undelivered {
    /// What became of it: mostly that its time is over.
    #[source]
    error: KafkaError,
    /// What is wrong with the bus, as far as that was told.
    problem: Option<String>,
}

/// librdkafka's words in our log, and what is wrong with the bus.
#[derive(Debug)]
pub(crate) struct Context(Arc<Mutex<Option<Problem>>>);

fn lock(problem: &Mutex<Option<Problem>>) -> MutexGuard<'_, Option<Problem>> {
    problem.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Context {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, fac: &str, message: &str) {
        log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the bus");
        let mut problem = lock(&self.0);
        *problem = Some(kept(problem.take(), Problem::new(&error, reason, Instant::now())).0);
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
        let problem = Arc::default();
        Ok(Self { producer: config.create_with_context(Context(Arc::clone(&problem)))?, problem })
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
        let mut problem = lock(&self.problem);
        let Err((error, _)) = sent else {
            *problem = None;
            return Ok(());
        };
        let problem = problem.as_ref().map(|problem| problem.text.clone());
        let source = Box::new(Undelivered { error, problem });
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
