//! Sends messages: those of steps, and parked events.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use futures::FutureExt as _;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use xos_steps::producer::Sent;
use xos_steps::{Message, ProduceError, Producer};

use super::problem::{LastProblem, ProblemContext, in_brackets};
use crate::error::BusError;
use crate::renewals::Renewals;
use crate::settings::Settings;

/// How long sending a message may take.
const MESSAGE_TIMEOUT_MS: &str = "30000";

type Client = FutureProducer<ProblemContext>;

/// Sends messages to Kafka. Each is acknowledged by all in-sync replicas, and stored once, also if it is sent again
/// after a failure.
#[derive(Clone)]
pub struct KafkaProducer(Arc<Shared>);

/// What the clones of a producer have in common.
struct Shared {
    settings: Settings,
    synchronizer: String,
    client: RwLock<Client>,
    /// Those of the settings that came since the client was made.
    renewals: Mutex<Renewals>,
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
        let renewals = Mutex::new(settings.renewals.from_now());
        let last_problem = Arc::<LastProblem>::default();
        let context = ProblemContext(Arc::clone(&last_problem));
        let client = RwLock::new(config(settings, synchronizer).create_with_context(context)?);
        let settings = settings.clone();
        let synchronizer = synchronizer.to_owned();
        Ok(Self(Arc::new(Shared { settings, synchronizer, client, renewals, last_problem })))
    }

    /// Waits until all messages are stored, at most for `timeout`.
    ///
    /// # Errors
    /// When a message is not stored by then.
    pub fn flush(&self, timeout: Duration) -> Result<(), BusError> {
        let client = self.client();
        if client.in_flight_count() == 0 {
            return Ok(());
        }
        Ok(client.flush(timeout)?)
    }

    async fn deliver(&self, message: Message) -> Result<(), ProduceError> {
        let client = self.newest();
        let mut sent = client.send(record(&message, None, None), Timeout::Never).await;
        if sent.is_err() && client.client().fatal_error().is_some() {
            // Nothing can be sent with this client any more. The message may have been one of those that wait behind
            // the one that it failed at.
            let problem = client.client().fatal_error().map(|(_, reason)| reason);
            tracing::warn!(
                problem,
                "the client that sends messages cannot be used any more, going on with another one"
            );
            self.renew(&client);
            sent = self.client().send(record(&message, None, None), Timeout::Never).await;
        }
        let Err((error, _)) = sent else {
            self.0.last_problem.clear();
            return Ok(());
        };
        let is_not_now = error.rdkafka_error_code().is_some_and(is_not_now);
        let source = Box::new(Undelivered { error, problem: self.0.last_problem.text() });
        let topic = message.topic.clone();
        Err(if is_not_now { ProduceError::NotNow { topic, source } } else { ProduceError::Refused { topic, source } })
    }

    /// Returns the client, with the newest password and certificates. What is in flight stays with the one before.
    fn newest(&self) -> Client {
        let client = self.client();
        if !self.0.renewals.lock().unwrap_or_else(PoisonError::into_inner).are_due() {
            return client;
        }
        tracing::info!("a password or certificate of the event bus was renewed: messages are sent with it");
        self.renew(&client);
        self.client()
    }

    fn client(&self) -> Client {
        self.0.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes another client, unless somebody else has done so already.
    fn renew(&self, failed: &Client) {
        let mut client = self.0.client.write().unwrap_or_else(PoisonError::into_inner);
        if client.client().native_ptr() != failed.client().native_ptr() {
            return;
        }
        let made: Result<Client, _> = config(&self.0.settings, &self.0.synchronizer)
            .create_with_context(ProblemContext(Arc::clone(&self.0.last_problem)));
        match made {
            Ok(new) => {
                let old = std::mem::replace(&mut *client, new);
                // Closing it waits for the broker.
                let closing = thread::Builder::new().name("xos-bus-close".to_owned()).spawn(move || drop(old));
                if let Err(error) = closing {
                    tracing::warn!(%error, "cannot start a thread to close a client");
                }
            }
            Err(error) => tracing::error!(%error, "cannot make another client that sends messages"),
        }
    }
}

/// Returns the configuration of the client that sends.
fn config(settings: &Settings, synchronizer: &str) -> ClientConfig {
    let defaults = [("message.timeout.ms", MESSAGE_TIMEOUT_MS), ("linger.ms", "2")];
    let mut config = settings.client(synchronizer, &defaults);
    config.set("enable.idempotence", "true").set("acks", "all");
    config
}

/// Returns a message as librdkafka takes it, with `raw` headers before its own.
pub(super) fn record(
    message: &Message,
    partition: Option<i32>,
    raw: Option<OwnedHeaders>,
) -> FutureRecord<'_, [u8], [u8]> {
    let mut headers = raw.unwrap_or_else(|| OwnedHeaders::new_with_capacity(message.headers.len()));
    for (key, value) in &message.headers {
        headers = headers.insert(Header { key, value: value.as_deref() });
    }
    let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&message.topic).headers(headers);
    record.key = message.key.as_deref();
    record.payload = message.value.as_deref();
    record.timestamp = message.timestamp;
    record.partition = partition;
    record
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

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KafkaProducer")
    }
}
