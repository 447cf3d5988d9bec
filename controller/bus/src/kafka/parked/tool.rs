//! Lists, replays and drops parked events, and sends messages by hand: what `xos events` does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use regex::Regex;
use tokio::time::{Instant, sleep};
use xos_steps::Message;

use super::clients::{ANSWER_TIMEOUT, Clients, after_errors};
use super::groups::nobody_takes;
use super::reader::{read_all, reading_client};
use super::seen::Seen;
use super::topics::{ParkedTopics, Store as _, StoreError, options};
use crate::error::BusError;
use crate::kafka::problem::{ProblemContext, in_brackets};
use crate::parked::record::{Marker, Parking, Record};
use crate::parked::rounds::{Round, Rounds};
use crate::parked::{ParkedEvent, Replayed, Selection};
use crate::settings::Settings;

/// How often it is looked what became of what was sent.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// How many events are sent at once.
const AT_ONCE: usize = 100;

/// Records that are younger are not deleted: a process may not have read them yet.
const YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// Why parked events cannot be read, replayed or dropped.
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
    /// A record that could not be stored.
    #[error("cannot note what became of a parked event: {0}")]
    NotNoted(String),
    /// A message to a topic that does not exist.
    #[error("there is no topic {0}: check the name, or make it (--create)")]
    NoTopic(String),
    /// Settings that cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl From<StoreError> for ParkedError {
    fn from(error: StoreError) -> Self {
        Self::NotNoted(error.to_string())
    }
}

/// Where a message was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
}

/// The parked events of a synchronizer.
pub struct ParkedEvents {
    topics: Arc<ParkedTopics>,
    consumer: Arc<BaseConsumer<ProblemContext>>,
    pattern: Option<Regex>,
    synchronizer: String,
}

impl ParkedEvents {
    /// Returns the parked events of a synchronizer. It connects when it is used.
    ///
    /// # Errors
    /// When librdkafka does not accept a setting.
    pub fn new(settings: &Settings, synchronizer: &str) -> Result<Self, ParkedError> {
        let pattern = Regex::new(&settings.parked_pattern(synchronizer)).ok();
        let consumer = reading_client(settings, synchronizer, &format!("{synchronizer}.parked"));
        let consumer = consumer.map_err(|error| ParkedError::Kafka { error, problem: None })?;
        Ok(Self {
            topics: Arc::new(ParkedTopics::new(settings.clone(), synchronizer.to_owned())),
            consumer: Arc::new(consumer),
            pattern,
            synchronizer: synchronizer.to_owned(),
        })
    }

    /// Returns the selected parked events in their order. Blocks.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub fn list(&self, selection: &Selection) -> Result<Vec<ParkedEvent>, ParkedError> {
        let mut seen = Seen::default();
        let all = self.read(&mut seen)?;
        Ok(selection.of(&all, Timestamp::now()).into_iter().cloned().collect())
    }

    /// Drops the selected parked events: they are never handled. Returns them.
    ///
    /// # Errors
    /// When the broker does not answer. Those before are dropped.
    pub async fn drop(&self, selection: &Selection) -> Result<Vec<ParkedEvent>, ParkedError> {
        let selected = self.list(selection)?;
        for parked in &selected {
            self.note(parked, Marker::Dropped).await?;
        }
        self.trim().await?;
        Ok(selected)
    }

    /// Sends the selected parked events again, each to its own partition, for the step that parked it: oldest first, and
    /// then those that were parked behind them meanwhile. Waits until they are handled, or parked again; but not when
    /// nothing happens for `patience`. With `again` those are sent once more whose outcome is not known. With `force`
    /// also those that nobody takes now; then nothing is waited for.
    ///
    /// # Errors
    /// When the broker does not answer. Those before are sent.
    pub async fn replay(
        &self,
        selection: &Selection,
        again: bool,
        force: bool,
        patience: Duration,
    ) -> Result<Replayed, ParkedError> {
        let mut seen = Seen::default();
        let all = self.read(&mut seen)?;
        let selected = selection.of(&all, Timestamp::now());
        let (mut rounds, first) = Rounds::begin(&all, &selected, again);
        self.run(first, force, &mut rounds).await?;
        let mut last = Instant::now();
        while !force && !rounds.is_over() && last.elapsed() < patience {
            sleep(LOOK_AGAIN).await;
            let all = self.read(&mut seen)?;
            if rounds.decide(&all) {
                last = Instant::now();
            }
            let next = rounds.next(&all);
            self.run(next, false, &mut rounds).await?;
        }
        self.trim().await?;
        Ok(rounds.end())
    }

    /// Does what is to be done in a round.
    async fn run(&self, round: Round<'_>, force: bool, rounds: &mut Rounds) -> Result<(), ParkedError> {
        let mut nobody: HashMap<(String, String, i32), Option<String>> = HashMap::new();
        for parked in &round.sent {
            if let Entry::Vacant(free) = nobody.entry(taken_at(parked)) {
                let why = self.refusal(free.key(), force).await?;
                free.insert(why);
            }
        }
        let is_taken = |parked: &&&ParkedEvent| nobody.get(&taken_at(parked)).is_none_or(Option::is_none);
        if !force {
            for parked in round.announced.iter().filter(is_taken) {
                let order_key = parked.order_key.as_deref().unwrap_or_default();
                self.note(parked, Marker::Replaying { order_key }).await?;
            }
        }
        for parked in round.sent.iter().filter(|parked| !is_taken(parked)) {
            let reason = nobody.get(&taken_at(parked)).cloned().flatten();
            rounds.refuse(parked, reason.unwrap_or_default());
        }
        let sent: Vec<_> = round.sent.iter().filter(is_taken).copied().collect();
        for some in sent.chunks(AT_ONCE) {
            self.send_some(some, rounds).await?;
        }
        Ok(())
    }

    /// Sends some events, in this order, and notes that they were sent.
    async fn send_some(&self, events: &[&ParkedEvent], rounds: &mut Rounds) -> Result<(), ParkedError> {
        let messages: Vec<_> = events.iter().map(|parked| (parked.replay(), parked.event.partition)).collect();
        let all_stored = self.clients()?.store_all(&messages).await;
        let mut failed = None;
        let mut notes = vec![];
        for (parked, stored) in events.iter().zip(all_stored) {
            match stored {
                Ok(at) => {
                    rounds.sent(parked);
                    notes.push(self.note(parked, Marker::Sent { at, from: parked.latest }));
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        try_join_all(notes).await?;
        match failed {
            None => Ok(()),
            Some(error) => Err(self.explain(error)),
        }
    }

    /// Deletes the records before the first event that is still parked: nothing is left of what they tell.
    async fn trim(&self) -> Result<(), ParkedError> {
        let mut seen = Seen::default();
        self.read(&mut seen)?;
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in seen.ended_before() {
            let added = list.add_partition_offset(&topic, partition, Offset::Offset(offset));
            added.map_err(|error| self.explain(error))?;
        }
        if list.count() > 0
            && let Err(error) = self.clients()?.admin.delete_records(&list, &options()).await
        {
            // A right may be missing. It does no harm.
            tracing::debug!(%error, "cannot delete records of events that are not parked any more");
        }
        Ok(())
    }

    /// Returns why an event is not sent to this partition for this group.
    async fn refusal(
        &self,
        (group, topic, partition): &(String, String, i32),
        force: bool,
    ) -> Result<Option<String>, ParkedError> {
        let clients = self.clients()?;
        let (group, topic, partition) = (group.clone(), topic.clone(), *partition);
        let asked = tokio::task::spawn_blocking(move || {
            let found = clients.topics(std::slice::from_ref(&topic))?;
            match found.get(&topic) {
                None => Ok(Some(format!("there is no topic {topic} any more"))),
                Some(one) if one.partitions <= partition => {
                    Ok(Some(format!("topic {topic} has no partition {partition} any more")))
                }
                Some(_) if force => Ok(None),
                Some(_) => nobody_takes(&clients, &group, &topic, partition),
            }
        });
        asked.await.unwrap_or(Err(KafkaError::Canceled)).map_err(|error| self.explain(error))
    }

    /// Notes what became of a parked event.
    async fn note(&self, parked: &ParkedEvent, marker: Marker<'_>) -> Result<(), ParkedError> {
        let parking = Parking { synchronizer: &self.synchronizer, step: &parked.step, group: &parked.group };
        let topic = &parked.event.topic;
        let parked_in = parked.parked_in.split('/').next().unwrap_or_default();
        let record = parking.marker(parked_in, topic, parked.origin, marker);
        self.topics.append(topic, parked.parked_partition, record, None).await?;
        Ok(())
    }

    /// Sends a message by hand, and returns where it was stored. With `create` a topic that does not exist is made.
    ///
    /// # Errors
    /// When there is no such topic, or the broker refuses the message.
    pub async fn send(&self, message: &Message, create: bool) -> Result<Stored, ParkedError> {
        let clients = self.clients()?;
        let names = [message.topic.clone()];
        let asked = Arc::clone(&clients);
        let found = tokio::task::spawn_blocking(move || asked.topics(&names));
        let found = found.await.unwrap_or(Err(KafkaError::Canceled)).map_err(|error| self.explain(error))?;
        if !found.contains_key(&message.topic) {
            if !create {
                return Err(ParkedError::NoTopic(message.topic.clone()));
            }
            self.topics.make_plain(&clients, &message.topic).await.map_err(|error| self.explain(error))?;
        }
        let stored = clients.store(message, None, None).await.map_err(|error| self.explain(error))?;
        Ok(Stored { partition: stored.0, offset: stored.1 })
    }

    fn clients(&self) -> Result<Arc<Clients>, ParkedError> {
        self.topics.clients().map_err(|error| ParkedError::Kafka { error, problem: None })
    }

    /// Adds the last problem to an error: a missing answer alone does not show that the password is wrong.
    fn explain(&self, error: KafkaError) -> ParkedError {
        let of_consumer = after_errors(&self.consumer, &self.consumer.context().0);
        let of_clients = || self.topics.clients().ok().and_then(|clients| clients.problem());
        ParkedError::Kafka { error, problem: of_consumer.or_else(of_clients) }
    }

    /// Returns the topics with parked events.
    fn parked_topics(&self) -> Result<Vec<String>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(None, ANSWER_TIMEOUT)?;
        let is_parked = |name: &str| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name));
        let mut names: Vec<_> =
            metadata.topics().iter().map(|topic| topic.name().to_owned()).filter(|name| is_parked(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Reads on to the end of all logs, and returns all parked events in their order.
    fn read(&self, seen: &mut Seen) -> Result<Vec<ParkedEvent>, ParkedError> {
        self.read_on(seen).map_err(|error| self.explain(error))?;
        Ok(seen.all())
    }

    fn read_on(&self, seen: &mut Seen) -> Result<(), KafkaError> {
        let young = Timestamp::now().checked_sub(YOUNG).unwrap_or(Timestamp::MIN);
        for name in self.parked_topics()? {
            let topic: Arc<str> = name.as_str().into();
            let metadata = self.consumer.fetch_metadata(Some(&name), ANSWER_TIMEOUT)?;
            let partitions = metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions);
            let (mut from, mut to) = (vec![], HashMap::new());
            for partition in partitions.map(rdkafka::metadata::MetadataPartition::id) {
                let (low, high) = self.consumer.fetch_watermarks(&name, partition, ANSWER_TIMEOUT)?;
                seen.begins_at(&name, partition, low);
                let read_to = seen.read_to.get(&(name.clone(), partition)).copied().unwrap_or(low).max(low);
                from.push((partition, read_to));
                to.insert(partition, high);
            }
            let starts: HashMap<i32, i64> = from.iter().copied().collect();
            read_all(
                &self.consumer,
                &topic,
                &from,
                to.clone(),
                || false,
                |partition, record| {
                    let place = (name.clone(), partition);
                    if seen.read_to.get(&place).is_some_and(|read_to| record.offset < *read_to) {
                        return;
                    }
                    seen.read_to.insert(place.clone(), record.offset + 1);
                    if record.timestamp.is_none_or(|at| at > young) {
                        seen.kept.entry(place.clone()).or_insert(record.offset);
                    }
                    let read = Record::read(record).filter(|read| self.topics.name(&read.topic) == name);
                    let Some(read) = read else {
                        seen.kept.entry(place).or_insert(record.offset);
                        return;
                    };
                    let start = starts.get(&partition).copied().unwrap_or_default();
                    seen.take_in(start, record, read);
                },
            )?;
            for (partition, high) in to {
                let read_to = seen.read_to.entry((name.clone(), partition)).or_insert(high);
                *read_to = (*read_to).max(high);
            }
        }
        Ok(())
    }
}

/// Returns who takes a replayed event: the group, topic and partition.
fn taken_at(parked: &ParkedEvent) -> (String, String, i32) {
    (parked.group.clone(), parked.event.topic.to_string(), parked.event.partition)
}
