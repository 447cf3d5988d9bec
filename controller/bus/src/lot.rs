//! The parked events of a synchronizer: what is there, and back with it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use regex::Regex;
use xos_steps::{BusEvent, ProduceError, Producer};

use crate::consumer::event;
use crate::parked::replay;
use crate::problem::{Known, Remembering, in_brackets};
use crate::settings::Settings;

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(15);
/// As many errors as librdkafka has to tell after a failure, and how long each is waited for.
const WORDS: usize = 10;
const WORD: Duration = Duration::from_millis(50);

/// The parked events could not be read or sent.
#[derive(Debug, thiserror::Error)]
pub enum LotError {
    /// The broker.
    #[error("the event bus: {error}{}", in_brackets(.problem.as_ref()))]
    Kafka {
        /// What was not done.
        #[source]
        error: KafkaError,
        /// What is wrong with the bus, as far as that was told.
        problem: Option<String>,
    },
    /// The broker answers no more.
    #[error("the event bus does not answer{}", in_brackets(.0.as_ref()))]
    Silent(Option<String>),
    /// An event was not sent.
    #[error(transparent)]
    Produce(#[from] ProduceError),
}

impl From<KafkaError> for LotError {
    fn from(error: KafkaError) -> Self {
        Self::Kafka { error, problem: None }
    }
}

/// The parked events of a synchronizer that were not replayed.
///
/// How far they were replayed is kept by Kafka, as the offsets of the consumer group `<synchronizer>.parked`.
pub struct Lot {
    consumer: BaseConsumer<Remembering>,
    known: Arc<Known>,
    pattern: Option<Regex>,
    settings: Settings,
    synchronizer: String,
}

impl Lot {
    /// The lot of a synchronizer.
    ///
    /// # Errors
    /// When a setting is not one of librdkafka's.
    pub fn new(settings: &Settings, synchronizer: &str) -> Result<Self, LotError> {
        let mut config = settings.client(synchronizer, &[("auto.offset.reset", "earliest")]);
        config.set("group.id", format!("{synchronizer}.parked"));
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        config.set("enable.partition.eof", "true");
        let pattern = Regex::new(&settings.parked_pattern(synchronizer)).ok();
        let (settings, synchronizer) = (settings.clone(), synchronizer.to_owned());
        let known = Arc::default();
        let consumer = config.create_with_context(Remembering(Arc::clone(&known)))?;
        Ok(Self { consumer, known, pattern, settings, synchronizer })
    }

    /// The topics of parked events; of one topic's events only, if one is named.
    ///
    /// # Errors
    /// When the broker does not answer.
    fn topics(&self, of: Option<&str>) -> Result<Vec<String>, LotError> {
        let metadata = self.consumer.fetch_metadata(None, ANSWER)?;
        let is_ours = |name: &str| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        let wanted =
            |name: &str| of.is_none_or(|of| name == of || name == self.settings.parked(of, &self.synchronizer));
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        let mut names: Vec<_> = names.filter(|name| is_ours(name) && wanted(name)).collect();
        names.sort();
        Ok(names)
    }

    /// The events that were not replayed, in their order. Blocks.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn list(&self, of: Option<&str>) -> Result<Vec<BusEvent>, LotError> {
        self.rest(of).map_err(|error| self.explained(error))
    }

    /// The same error with what is known of the bus: that it did not answer tells nobody of a wrong password.
    fn explained(&self, error: LotError) -> LotError {
        for _ in 0..WORDS {
            // Errors are told while one polls. What else comes was not asked for.
            let _heard = self.consumer.poll(WORD);
        }
        let problem = self.known.text();
        match error {
            LotError::Kafka { error, .. } => LotError::Kafka { error, problem },
            LotError::Silent(_) => LotError::Silent(problem),
            other @ LotError::Produce(_) => other,
        }
    }

    fn rest(&self, of: Option<&str>) -> Result<Vec<BusEvent>, LotError> {
        let mut events = vec![];
        for topic in self.topics(of)? {
            let mut rest = self.rest_of(&topic)?;
            if rest.count() == 0 {
                continue;
            }
            let name = topic.as_str().into();
            self.consumer.assign(&rest)?;
            let mut ends = rest.count();
            while ends > 0 {
                match self.consumer.poll(ANSWER) {
                    Some(Ok(message)) => events.push(event(&message, &name)),
                    Some(Err(KafkaError::PartitionEOF(_))) => ends -= 1,
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(LotError::Silent(None)),
                }
            }
            rest = TopicPartitionList::new();
            self.consumer.assign(&rest)?;
        }
        Ok(events)
    }

    /// The partitions of a topic with events that were not replayed, and from where.
    fn rest_of(&self, topic: &str) -> Result<TopicPartitionList, LotError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER)?;
        let mut all = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions) {
            all.add_partition(topic, partition.id());
        }
        let mut rest = TopicPartitionList::new();
        for one in self.consumer.committed_offsets(all, ANSWER)?.elements() {
            let (low, high) = self.consumer.fetch_watermarks(topic, one.partition(), ANSWER)?;
            let from = match one.offset() {
                Offset::Offset(offset) => offset.max(low),
                _ => low,
            };
            if from < high {
                rest.add_partition_offset(topic, one.partition(), Offset::Offset(from))?;
            }
        }
        Ok(rest)
    }

    /// Sends the events again, each to the step that could not handle it, at most so many; how many were sent.
    ///
    /// # Errors
    /// With the first that cannot be sent; those before it are, and count as replayed.
    pub async fn replay(&self, events: &[BusEvent], producer: &dyn Producer) -> Result<usize, LotError> {
        let mut sent = 0;
        for event in events {
            if let Some(message) = replay(event) {
                producer.send(message).await?;
                sent += 1;
            }
            self.replayed(event).map_err(|error| self.explained(error.into()))?;
        }
        Ok(sent)
    }

    fn replayed(&self, event: &BusEvent) -> KafkaResult<()> {
        let mut done = TopicPartitionList::new();
        done.add_partition_offset(&event.topic, event.partition, Offset::Offset(event.offset + 1))?;
        self.consumer.commit(&done, CommitMode::Sync)
    }
}
