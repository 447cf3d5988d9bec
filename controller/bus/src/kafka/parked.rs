//! Writes parked events to their topic, lists and replays them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use regex::Regex;
use xos_steps::{BusEvent, Message, ProduceError, Producer};

use super::message::to_event;
use super::problem::{LastProblem, ProblemContext, in_brackets};
use crate::error::BusError;
use crate::parked::{ATTEMPTS, GROUP, OFFSET, PARKED_AT, PARTITION, REASON, REPLAY, STEP, SYNCHRONIZER, TOPIC};
use crate::settings::Settings;

/// The prefix of all headers of the framework.
const PREFIX: &str = "xos-";
/// How long a broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How many errors of librdkafka are read after a failure, to explain it.
const MAX_ERRORS: usize = 10;
/// How long each of them is waited for.
const ERROR_TIMEOUT: Duration = Duration::from_millis(50);

/// The step that parks events.
pub(crate) struct Parking<'a> {
    pub(crate) synchronizer: &'a str,
    pub(crate) step: &'a str,
    pub(crate) group: &'a str,
}

impl Parking<'_> {
    /// Returns the message to write: the whole event, with the reason and where it came from in headers.
    pub(crate) fn message(&self, settings: &Settings, event: &BusEvent, reason: &str, attempts: u32) -> Message {
        let added = [
            (REASON, reason.to_owned()),
            (TOPIC, event.topic.to_string()),
            (PARTITION, event.partition.to_string()),
            (OFFSET, event.offset.to_string()),
            (STEP, self.step.to_owned()),
            (GROUP, self.group.to_owned()),
            (SYNCHRONIZER, self.synchronizer.to_owned()),
            (ATTEMPTS, attempts.to_string()),
            (PARKED_AT, now().to_string()),
        ];
        let mut headers = without_framework_headers(&event.headers);
        headers.extend(added.map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))));
        Message {
            topic: settings.parked(&event.topic, self.synchronizer),
            key: event.key.clone(),
            value: event.value.clone(),
            headers,
            timestamp: event.timestamp.map(Timestamp::as_millisecond),
        }
    }
}

/// Returns the present time in whole milliseconds, which are easier to read than nanoseconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Returns the message that replays a parked event; `None` if it was not parked by an event step.
fn replay_message(parked: &BusEvent) -> Option<Message> {
    let text = |name| parked.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let topic = text(TOPIC)?;
    let group = text(GROUP)?;
    let mut headers = without_framework_headers(&parked.headers);
    headers.push((REPLAY.to_owned(), Some(group.into_bytes())));
    Some(Message { topic, key: parked.key.clone(), value: parked.value.clone(), headers, timestamp: None })
}

fn without_framework_headers(headers: &[(String, Option<Vec<u8>>)]) -> Vec<(String, Option<Vec<u8>>)> {
    headers.iter().filter(|(name, _)| !name.starts_with(PREFIX)).cloned().collect()
}

/// Why parked events cannot be read or replayed.
#[derive(Debug, thiserror::Error)]
pub enum ParkedError {
    /// An error of Kafka, with the last problem that librdkafka reported.
    #[error("cannot use the event bus: {error}{}", in_brackets(.problem.as_ref()))]
    Kafka {
        /// The error.
        #[source]
        error: KafkaError,
        /// The last problem.
        problem: Option<String>,
    },
    /// No answer within 15 s, with the last problem that librdkafka reported.
    #[error("the event bus does not answer within {}s{}", ANSWER_TIMEOUT.as_secs(), in_brackets(.0.as_ref()))]
    NoAnswer(Option<String>),
    /// A message that could not be sent.
    #[error(transparent)]
    Produce(#[from] ProduceError),
    /// Settings that cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl From<KafkaError> for ParkedError {
    fn from(error: KafkaError) -> Self {
        Self::Kafka { error, problem: None }
    }
}

/// The parked events of a synchronizer that were not replayed yet.
///
/// Kafka keeps how far they were replayed: as the offsets of the consumer group `<synchronizer>.parked`.
pub struct ParkedEvents {
    consumer: BaseConsumer<ProblemContext>,
    last_problem: Arc<LastProblem>,
    pattern: Option<Regex>,
    settings: Settings,
    synchronizer: String,
}

impl ParkedEvents {
    /// Returns a reader of a synchronizer's parked events. It connects when it is used.
    ///
    /// # Errors
    /// When librdkafka does not accept a setting.
    pub fn new(settings: &Settings, synchronizer: &str) -> Result<Self, ParkedError> {
        let mut config = settings.client(synchronizer, &[("auto.offset.reset", "earliest")]);
        config.set("group.id", format!("{synchronizer}.parked"));
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        config.set("enable.partition.eof", "true");
        let pattern = Regex::new(&settings.parked_pattern(synchronizer)).ok();
        let last_problem = Arc::default();
        let consumer = config.create_with_context(ProblemContext(Arc::clone(&last_problem)))?;
        let settings = settings.clone();
        Ok(Self { consumer, last_problem, pattern, settings, synchronizer: synchronizer.to_owned() })
    }

    /// Returns the topics with parked events: all, or that of `topic`.
    fn topics(&self, topic: Option<&str>) -> Result<Vec<String>, ParkedError> {
        let metadata = self.consumer.fetch_metadata(None, ANSWER_TIMEOUT)?;
        let has_parked = |name: &str| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        let is_wanted = |name: &str| {
            topic.is_none_or(|topic| name == topic || name == self.settings.parked(topic, &self.synchronizer))
        };
        let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
        let mut names: Vec<_> = names.filter(|name| has_parked(name) && is_wanted(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Returns the parked events in their order: all, or those of `topic`. Blocks.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn list(&self, topic: Option<&str>) -> Result<Vec<BusEvent>, ParkedError> {
        self.read(topic).map_err(|error| self.explain(error))
    }

    /// Adds the last problem to an error: a missing answer alone does not show that the password is wrong.
    fn explain(&self, error: ParkedError) -> ParkedError {
        for _ in 0..MAX_ERRORS {
            // librdkafka reports errors during a poll. No event was asked for.
            let _nothing = self.consumer.poll(ERROR_TIMEOUT);
        }
        let problem = self.last_problem.text();
        match error {
            ParkedError::Kafka { error, .. } => ParkedError::Kafka { error, problem },
            ParkedError::NoAnswer(_) => ParkedError::NoAnswer(problem),
            other @ (ParkedError::Produce(_) | ParkedError::Bus(_)) => other,
        }
    }

    fn read(&self, topic: Option<&str>) -> Result<Vec<BusEvent>, ParkedError> {
        let mut events = vec![];
        for topic in self.topics(topic)? {
            let partitions = self.partitions(&topic)?;
            if partitions.count() == 0 {
                continue;
            }
            let name = topic.as_str().into();
            self.consumer.assign(&partitions)?;
            let mut unfinished = partitions.count();
            while unfinished > 0 {
                match self.consumer.poll(ANSWER_TIMEOUT) {
                    Some(Ok(message)) => events.push(to_event(&message, &name)),
                    Some(Err(KafkaError::PartitionEOF(_))) => unfinished -= 1,
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(ParkedError::NoAnswer(None)),
                }
            }
            self.consumer.assign(&TopicPartitionList::new())?;
        }
        Ok(events)
    }

    /// Returns the partitions of a topic with events that were not replayed, each with the offset of the first.
    fn partitions(&self, topic: &str) -> Result<TopicPartitionList, ParkedError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
        let mut all = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions) {
            all.add_partition(topic, partition.id());
        }
        let mut partitions = TopicPartitionList::new();
        for one in self.consumer.committed_offsets(all, ANSWER_TIMEOUT)?.elements() {
            let (low, high) = self.consumer.fetch_watermarks(topic, one.partition(), ANSWER_TIMEOUT)?;
            let from = match one.offset() {
                Offset::Offset(offset) => offset.max(low),
                _ => low,
            };
            if from < high {
                partitions.add_partition_offset(topic, one.partition(), Offset::Offset(from))?;
            }
        }
        Ok(partitions)
    }

    /// Sends events again, each to the step that had parked it. Returns how many were sent.
    ///
    /// # Errors
    /// When an event cannot be sent. Those before it are sent and count as replayed.
    pub async fn replay(&self, events: &[BusEvent], producer: &dyn Producer) -> Result<usize, ParkedError> {
        let mut sent = 0;
        for event in events {
            if let Some(message) = replay_message(event) {
                producer.send(message).await?;
                sent += 1;
            }
            self.mark_replayed(event).map_err(|error| self.explain(error.into()))?;
        }
        Ok(sent)
    }

    fn mark_replayed(&self, event: &BusEvent) -> KafkaResult<()> {
        let mut done = TopicPartitionList::new();
        done.add_partition_offset(&event.topic, event.partition, Offset::Offset(event.offset + 1))?;
        self.consumer.commit(&done, CommitMode::Sync)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_parked_whole_and_goes_back_as_it_was() {
        let headers = vec![("trace".to_owned(), Some(b"1".to_vec())), (REPLAY.to_owned(), Some(b"s.A".to_vec()))];
        let event = BusEvent { partition: 2, offset: 7, headers, ..BusEvent::new("onu.events", "{").with_key("k") };
        let parking = Parking { synchronizer: "att", step: "A", group: "att.A" };
        let message = parking.message(&Settings::default(), &event, "no JSON", 3);
        assert_eq!((message.topic.as_str(), message.value.as_deref()), ("onu.events.att.parked", Some(&b"{"[..])));
        let parked = BusEvent {
            topic: message.topic.into(),
            key: message.key,
            value: message.value,
            headers: message.headers,
            ..BusEvent::default()
        };
        for (name, value) in [(REASON, "no JSON"), (PARTITION, "2"), (OFFSET, "7"), (ATTEMPTS, "3"), ("trace", "1")] {
            assert_eq!(parked.header(name), Some(value.as_bytes()), "{name}");
        }
        let again = replay_message(&parked).unwrap();
        assert_eq!((again.topic.as_str(), again.key, again.value), ("onu.events", event.key, event.value));
        assert_eq!(
            again.headers,
            [("trace".to_owned(), Some(b"1".to_vec())), (REPLAY.to_owned(), Some(b"att.A".to_vec()))]
        );
        assert!(replay_message(&BusEvent::new("t", "")).is_none());
    }
}
