//! Messages that steps send to the event bus.

use std::fmt;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;

use crate::context::StepContext;

/// A message to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The key: messages with the same key keep their order.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The time in milliseconds since 1970; if none, the time of sending.
    pub timestamp: Option<i64>,
}

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// There is no event bus.
    #[error("there is no event bus to send to: set `event_bus.endpoint` in the configuration")]
    NoBus,
    /// The value has no JSON form.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The message could not be stored now: the brokers cannot be reached, or do not answer in time.
    #[error("the message cannot be sent to topic {topic} now: {source}")]
    NotNow {
        /// The topic.
        topic: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The message could not be stored.
    #[error("the message cannot be sent to topic {topic}: {source}")]
    Refused {
        /// The topic.
        topic: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The future of a message that is being sent.
pub type Sent<'a> = BoxFuture<'a, Result<(), ProduceError>>;

/// Sends messages to the event bus.
pub trait Producer: Send + Sync {
    /// Sends a message. After success it is stored.
    fn send(&self, message: Message) -> Sent<'_>;
}

impl fmt::Debug for dyn Producer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Producer")
    }
}

/// Refuses all messages, because there is no event bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProducer;

impl Producer for NoProducer {
    fn send(&self, _: Message) -> Sent<'_> {
        async { Err(ProduceError::NoBus) }.boxed()
    }
}

impl Message {
    /// Makes a message with a JSON value.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn json(topic: &str, key: &str, value: &impl Serialize) -> Result<Self, ProduceError> {
        let key = Some(key.as_bytes().to_vec());
        let value = Some(serde_json::to_vec(value)?);
        Ok(Self { topic: topic.to_owned(), key, value, ..Self::default() })
    }
}

impl StepContext {
    /// Sends messages to the event bus. Each is acknowledged, and is stored once even if the connection has to send it
    /// again.
    ///
    /// ```
    /// # use serde_json::json;
    /// # use xos_steps::{ProduceError, StepContext};
    /// # async fn example(ctx: &StepContext) -> Result<(), ProduceError> {
    /// ctx.producer().json("xos.alarms.olt-service", "olt-1", &json!({"state": "RAISED"})).await
    /// # }
    /// ```
    pub fn producer(&self) -> Sending<'_> {
        Sending(self.bus())
    }
}

/// Sends the messages of a step.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a>(&'a dyn Producer);

impl Sending<'_> {
    /// Sends a JSON value with a key.
    ///
    /// # Errors
    /// When the message was not stored.
    pub async fn json(&self, topic: &str, key: &str, value: &impl Serialize) -> Result<(), ProduceError> {
        self.send(Message::json(topic, key, value)?).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the message was not stored.
    pub async fn send(&self, message: Message) -> Result<(), ProduceError> {
        self.0.send(message).await
    }
}
