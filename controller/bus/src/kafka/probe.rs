//! Tries whether topics can be read.
//!
//! librdkafka reports a lost right once, and not that it is back. So a second client, which is in no group, tries to
//! read the end of the topics.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::problem::ProblemContext;

/// How long the broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A way to try whether topics can be read.
#[derive(Clone, Debug)]
pub(crate) struct Probe(ClientConfig);

impl Probe {
    /// Returns a probe with the configuration of a consumer.
    pub(crate) fn new(consumer: &ClientConfig) -> Self {
        let mut config = consumer.clone();
        config.remove("group.instance.id").remove("debug");
        config.set("enable.partition.eof", "true").set("statistics.interval.ms", "0");
        Self(config)
    }

    /// Returns whether all of these topics exist and can be read. Blocks.
    pub(crate) fn can_read(&self, topics: &[String]) -> bool {
        topics.is_empty()
            || self.try_all(topics).inspect_err(|error| tracing::debug!(%error, "topics cannot be read yet")).is_ok()
    }

    fn try_all(&self, topics: &[String]) -> KafkaResult<()> {
        let client: BaseConsumer<ProblemContext> = self.0.create_with_context(ProblemContext::default())?;
        let mut ends = TopicPartitionList::new();
        for topic in topics {
            let metadata = client.fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
            let partitions =
                metadata.topics().iter().filter(|one| one.error().is_none()).flat_map(MetadataTopic::partitions);
            let first = partitions.into_iter().find(|one| one.leader() >= 0).ok_or(KafkaError::NoMessageReceived)?;
            ends.add_partition_offset(topic, first.id(), Offset::End)?;
        }
        client.assign(&ends)?;
        let until = Instant::now() + ANSWER_TIMEOUT;
        let mut left = ends.count();
        while left > 0 {
            match client.poll(until.saturating_duration_since(Instant::now())) {
                Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) => {}
                None if Instant::now() >= until => return Err(KafkaError::NoMessageReceived),
                None => {}
            }
        }
        Ok(())
    }
}
