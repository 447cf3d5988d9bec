//! Topics with settings of their own, and messages that say all about themselves.

use std::collections::HashMap;

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;

use super::{Client, Error};

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub struct Sent<'a> {
    /// Its partition; if none, its key decides.
    pub partition: Option<i32>,
    /// Its key.
    pub key: &'a str,
    /// Its value.
    pub value: &'a [u8],
    /// Its headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// Its time in milliseconds since 1970.
    pub timestamp: Option<i64>,
}

impl Client {
    /// Creates a topic with settings of its own.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn create_topic_with(
        &self,
        topic: &str,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> Result<(), Error> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let made = self.admin()?.create_topics([&new], &AdminOptions::new()).await?;
        match made.into_iter().next() {
            Some(Err((topic, code))) => {
                Err(Error::Failed { what: format!("the topic {topic}"), end: code.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Returns the settings of a topic.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn topic_settings(&self, topic: &str) -> Result<HashMap<String, String>, Error> {
        let described =
            self.admin()?.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await?;
        match described.into_iter().next() {
            Some(Ok(settings)) => {
                Ok(settings.entries.into_iter().map(|one| (one.name, one.value.unwrap_or_default())).collect())
            }
            Some(Err(code)) => Err(Error::Failed { what: format!("the topic {topic}"), end: code.to_string() }),
            None => Err(Error::Kafka(KafkaError::Canceled)),
        }
    }

    /// Sends a message, of any size that the topic takes.
    ///
    /// # Errors
    /// When it is not stored.
    pub async fn send_one(&self, topic: &str, sent: &Sent<'_>) -> Result<(), Error> {
        let mut config = self.config();
        config.set("message.max.bytes", "100000000").set("compression.type", "zstd");
        let producer: FutureProducer = config.create()?;
        let headers = sent
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
        let mut record = FutureRecord::to(topic).key(sent.key).payload(sent.value).headers(headers);
        record.partition = sent.partition;
        record.timestamp = sent.timestamp;
        producer.send(record, Timeout::Never).await.map_err(|(error, _)| error)?;
        Ok(())
    }
}
