//! The messages that event steps receive.

use std::str;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::error::StepError;

/// A message of the event bus, as an [`EventStep`](crate::EventStep) receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BusEvent {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// When it was sent, or when the broker stored it: the topic's configuration decides.
    pub timestamp: Option<Timestamp>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers, in the order in which they were sent.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// An event that cannot be read. A step that returns this error has the event parked at once, because another attempt
/// would not help.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The event has no value.
    #[error("the event has no value")]
    NoValue,
    /// The event has no key.
    #[error("the event has no key")]
    NoKey,
    /// The value or key is not text.
    #[error("the event's {what} is not UTF-8: {source}")]
    NotText {
        /// `key` or `value`.
        what: &'static str,
        /// The position of the first bad byte.
        source: str::Utf8Error,
    },
    /// The value is not the expected JSON.
    #[error("the event's value cannot be read as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Any other reason.
    #[error("{0}")]
    Unusable(String),
}

impl BusEvent {
    /// Makes an event with a value, for tests of steps.
    pub fn new(topic: &str, value: impl Into<Vec<u8>>) -> Self {
        Self { topic: topic.into(), value: Some(value.into()), ..Self::default() }
    }

    /// Sets the key.
    #[must_use]
    pub fn with_key(self, key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Returns the value, parsed as JSON into a struct or a [`serde_json::Value`].
    ///
    /// # Errors
    /// When there is no value, or it is not the expected JSON. If the step returns this error, the event is parked at
    /// once.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, EventError> {
        Ok(serde_json::from_slice(self.bytes()?)?)
    }

    /// Returns the value as text.
    ///
    /// # Errors
    /// When there is no value, or it is not UTF-8.
    pub fn text(&self) -> Result<&str, EventError> {
        str::from_utf8(self.bytes()?).map_err(|source| EventError::NotText { what: "value", source })
    }

    /// Returns the key as text.
    ///
    /// # Errors
    /// When there is no key, or it is not UTF-8.
    pub fn key_text(&self) -> Result<&str, EventError> {
        let key = self.key.as_deref().ok_or(EventError::NoKey)?;
        str::from_utf8(key).map_err(|source| EventError::NotText { what: "key", source })
    }

    /// Returns the value of the last header with this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().rev().find(|(key, _)| key == name)?.1.as_deref()
    }

    /// Makes an error that has the event parked at once: `return Err(BusEvent::unusable("no such device"))`.
    pub fn unusable(reason: impl Into<String>) -> StepError {
        EventError::Unusable(reason.into()).into()
    }

    /// Returns `topic/partition/offset`.
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }

    fn bytes(&self) -> Result<&[u8], EventError> {
        self.value.as_deref().ok_or(EventError::NoValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_event_is_read() {
        let event = BusEvent::new("MyTopic", r#"{"first_name": "John"}"#).with_key("k");
        assert_eq!(event.json::<Value>().unwrap(), json!({"first_name": "John"}));
        assert_eq!((event.key_text().unwrap(), event.place().as_str()), ("k", "MyTopic/0/0"));
        let headers = vec![("a".to_owned(), Some(b"1".to_vec())), ("a".to_owned(), Some(b"2".to_vec()))];
        assert_eq!(BusEvent { headers, ..event }.header("a"), Some(&b"2"[..]));
    }

    #[test]
    fn what_cannot_be_read_is_known_as_such() {
        let read = || -> Result<Value, StepError> { Ok(BusEvent::new("t", "{").json()?) };
        assert!(read().unwrap_err().is_unreadable());
        assert!(BusEvent::unusable("no").is_unreadable());
        assert!(!StepError::failed("no").is_unreadable());
        assert_eq!(BusEvent::default().text().unwrap_err().to_string(), "the event has no value");
    }
}
