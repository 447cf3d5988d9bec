//! Messages that steps send over the bus.

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
    /// The key: messages of one key keep their order.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its time, in milliseconds since 1970; none: now.
    pub timestamp: Option<i64>,
}

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// There is no bus.
    #[error("there is no event bus to send to: set `event_bus.endpoint` in the configuration")]
    NoBus,
    /// The value has no JSON form.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The bus did not take it.
    #[error("topic {topic} did not take the message: {source}")]
    Refused {
        /// The topic.
        topic: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A message on its way.
pub type Sent<'a> = BoxFuture<'a, Result<(), ProduceError>>;

/// Sends messages.
pub trait Producer: Send + Sync {
    /// Sends a message; it is stored by the bus when this ends well.
    fn send(&self, message: Message) -> Sent<'_>;
}

impl fmt::Debug for dyn Producer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Producer")
    }
}

/// No bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProducer;

impl Producer for NoProducer {
    fn send(&self, _: Message) -> Sent<'_> {
        async { Err(ProduceError::NoBus) }.boxed()
    }
}

impl Message {
    /// A message with a JSON value.
    ///
    /// # Errors
    /// When the value has no JSON form.
    pub fn json(topic: &str, key: &str, value: &impl Serialize) -> Result<Self, ProduceError> {
        let (key, value) = (Some(key.as_bytes().to_vec()), Some(serde_json::to_vec(value)?));
        Ok(Self { topic: topic.to_owned(), key, value, ..Self::default() })
    }
}

impl StepContext {
    /// Sends messages over the bus. Each is acknowledged, and none is stored twice by a repeated attempt of the connection.
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

/// What sends a step's messages.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a>(&'a dyn Producer);

impl Sending<'_> {
    /// Sends a JSON value under a key.
    ///
    /// # Errors
    /// When the bus has not taken it.
    pub async fn json(&self, topic: &str, key: &str, value: &impl Serialize) -> Result<(), ProduceError> {
        self.send(Message::json(topic, key, value)?).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the bus has not taken it.
    pub async fn send(&self, message: Message) -> Result<(), ProduceError> {
        self.0.send(message).await
    }
}
