//! A client for tests: creates topics, sends messages, reads what is in a topic.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::KafkaError,
    message::Headers as _,
    producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer as _},
};

use super::Error;
use crate::wait::eventually;

const ANSWER: Duration = Duration::from_secs(10);
const DONE: Duration = Duration::from_secs(60);

/// A client of a broker.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
}

/// A message in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its partition.
    pub partition: i32,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

/// A message for a certain partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub partition: i32,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Client {
    /// Returns a client of the broker at `endpoint`.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned() }
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.endpoint).set("log_level", "0");
        config
    }

    /// Checks that the broker answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn answers(&self) -> Result<(), KafkaError> {
        let config = self.config();
        let asked = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = config.create()?;
            consumer.fetch_metadata(None, Duration::from_secs(2)).map(drop)
        });
        asked.await.unwrap_or(Err(KafkaError::Canceled))
    }

    pub(super) fn admin(&self) -> Result<AdminClient<DefaultClientContext>, KafkaError> {
        self.config().create()
    }

    /// Creates a topic, and waits until it exists.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn create_topic(&self, topic: &str, partitions: i32) -> Result<(), Error> {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let made = self.admin()?.create_topics([&new], &AdminOptions::new()).await?;
        if let Some(Err((topic, code))) = made.into_iter().next() {
            return Err(Error::Failed { what: format!("the topic {topic}"), end: code.to_string() });
        }
        self.has_partitions(topic, usize::try_from(partitions).unwrap_or_default()).await
    }

    /// Gives a topic more partitions, and waits until it has so many.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn grow_topic(&self, topic: &str, partitions: usize) -> Result<(), Error> {
        let new = NewPartitions::new(topic, partitions);
        let made = self.admin()?.create_partitions([&new], &AdminOptions::new()).await?;
        if let Some(Err((topic, code))) = made.into_iter().next() {
            return Err(Error::Failed { what: format!("more partitions of {topic}"), end: code.to_string() });
        }
        self.has_partitions(topic, partitions).await
    }

    async fn has_partitions(&self, topic: &str, wanted: usize) -> Result<(), Error> {
        let look = async || match self.partitions(topic) {
            Ok(there) if there == wanted => Ok(()),
            Ok(there) => Err(format!("{there} partitions")),
            Err(error) => Err(error.to_string()),
        };
        Ok(eventually(DONE, format!("the topic {topic}"), look).await?)
    }

    /// Deletes the messages before these offsets, one for each partition, as retention does.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn delete_records(&self, topic: &str, offsets: &[Option<i64>]) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in (0..).zip(offsets) {
            if let Some(offset) = offset {
                list.add_partition_offset(topic, partition, Offset::Offset(*offset))?;
            }
        }
        if list.count() > 0 {
            self.admin()?.delete_records(&list, &AdminOptions::new()).await?;
        }
        Ok(())
    }

    /// Deletes a topic, and waits until it is deleted.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), Error> {
        self.admin()?.delete_topics(&[topic], &AdminOptions::new()).await?;
        let look = async || match self.partitions(topic) {
            Ok(0) => Ok(()),
            Ok(there) => Err(format!("{there} partitions")),
            Err(error) => Err(error.to_string()),
        };
        Ok(eventually(DONE, format!("the topic {topic} to be gone"), look).await?)
    }

    fn partitions(&self, topic: &str) -> Result<usize, KafkaError> {
        let consumer: BaseConsumer = self.config().create()?;
        let all = consumer.fetch_metadata(None, ANSWER)?;
        Ok(all.topics().iter().filter(|one| one.name() == topic).map(|one| one.partitions().len()).sum())
    }

    /// Sends messages, each (key, value), and waits until all are stored.
    ///
    /// # Errors
    /// When one is not stored.
    pub async fn send(&self, topic: &str, messages: &[(String, String)]) -> Result<(), Error> {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("queue.buffering.max.messages", "1000000");
        let producer: FutureProducer = config.create()?;
        let records = messages.iter().map(|(key, value)| FutureRecord::to(topic).key(key).payload(value));
        deliver(&producer, records).await
    }

    /// Sends messages to certain partitions, and waits until all are stored, for some minutes if need be.
    ///
    /// # Errors
    /// When one is not stored.
    pub async fn send_placed(&self, topic: &str, messages: &[Placed]) -> Result<(), Error> {
        let producer: FutureProducer = self.config().set("enable.idempotence", "true").create()?;
        let records = messages
            .iter()
            .map(|one| FutureRecord::to(topic).partition(one.partition).key(&one.key).payload(&one.value));
        deliver(&producer, records).await
    }

    /// Sends messages in one transaction, and commits or aborts it.
    ///
    /// # Errors
    /// When one is not stored, or the transaction cannot be ended.
    pub async fn send_in_transaction(
        &self,
        topic: &str,
        messages: &[(String, String)],
        is_committed: bool,
    ) -> Result<(), Error> {
        let mut config = self.config();
        config.set("transactional.id", format!("{topic}-transactions"));
        let topic = topic.to_owned();
        let messages = messages.to_vec();
        let sent = tokio::task::spawn_blocking(move || -> Result<(), KafkaError> {
            let producer: BaseProducer = config.create()?;
            producer.init_transactions(DONE)?;
            producer.begin_transaction()?;
            for (key, value) in &messages {
                producer.send(BaseRecord::to(&topic).key(key).payload(value)).map_err(|(error, _)| error)?;
            }
            producer.flush(DONE)?;
            if is_committed { producer.commit_transaction(DONE) } else { producer.abort_transaction(DONE) }
        });
        Ok(sent.await.map_err(|_| Error::CutShort)??)
    }

    /// Deletes the messages of a partition before an offset, as retention does; all of them if it is negative.
    ///
    /// # Errors
    /// When the broker refuses.
    pub async fn delete_before(&self, topic: &str, partition: i32, offset: i64) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        let offset = if offset < 0 { Offset::End } else { Offset::Offset(offset) };
        list.add_partition_offset(topic, partition, offset)?;
        self.admin()?.delete_records(&list, &AdminOptions::new()).await?;
        Ok(())
    }

    /// Returns all messages of a topic; none if there is no such topic.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn all(&self, topic: &str) -> Result<Vec<Received>, Error> {
        let client = self.clone();
        let topic = topic.to_owned();
        let read = tokio::task::spawn_blocking(move || client.read(&topic));
        Ok(read.await.map_err(|_| Error::CutShort)??)
    }

    fn read(&self, topic: &str) -> Result<Vec<Received>, KafkaError> {
        let mut config = self.config();
        config.set("group.id", "xos-e2e-look").set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(self.partitions(topic)?).unwrap_or_default() {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&list)?;
        let mut ends = list.count();
        let mut all = vec![];
        while ends > 0 {
            match consumer.poll(ANSWER) {
                Some(Ok(message)) => all.push(received(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => ends -= 1,
                Some(Err(error)) => return Err(error),
                None => return Err(KafkaError::NoMessageReceived),
            }
        }
        Ok(all)
    }

    /// Returns the committed offset of a consumer group for each partition of a topic, or nothing where there is none.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<i64>>, Error> {
        let offsets = self.committed_list(group, topic)?;
        Ok(offsets.elements().iter().map(|one| one.offset().to_raw().filter(|offset| *offset >= 0)).collect())
    }

    /// Returns the text that was committed with the offset of each partition of a topic.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn committed_notes(&self, group: &str, topic: &str) -> Result<Vec<String>, Error> {
        let offsets = self.committed_list(group, topic)?;
        Ok(offsets.elements().iter().map(|one| one.metadata().to_owned()).collect())
    }

    fn committed_list(&self, group: &str, topic: &str) -> Result<TopicPartitionList, Error> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(self.partitions(topic)?).unwrap_or_default() {
            list.add_partition(topic, partition);
        }
        Ok(consumer.committed_offsets(list, ANSWER)?)
    }

    /// Commits an offset and a text for the partitions of a topic from the first one on, for a group without members.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn commit(&self, group: &str, topic: &str, offsets: &[(i64, &str)]) -> Result<(), Error> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut list = TopicPartitionList::new();
        for (partition, (offset, note)) in (0..).zip(offsets) {
            let mut one = list.add_partition(topic, partition);
            one.set_offset(Offset::Offset(*offset))?;
            one.set_metadata(note);
        }
        Ok(consumer.commit(&list, CommitMode::Sync)?)
    }
}

async fn deliver<'a>(
    producer: &FutureProducer,
    records: impl Iterator<Item = FutureRecord<'a, String, String>>,
) -> Result<(), Error> {
    let mut waiting = vec![];
    for record in records {
        waiting.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for one in waiting {
        one.await.map_err(|_| KafkaError::Canceled)?.map_err(|(error, _)| error)?;
    }
    Ok(())
}

fn received(message: &rdkafka::message::BorrowedMessage<'_>) -> Received {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
    });
    Received { partition: message.partition(), key: text(message.key()), value: text(message.payload()), headers }
}
