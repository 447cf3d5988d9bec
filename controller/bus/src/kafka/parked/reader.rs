//! Reads the logs of the partitions that are assigned, and follows them.
//!
//! It is a thread of its own. What others write into a log later, such as an operator who drops an event, is soon known.
//! Only where there are topics of parked events it has a client.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message as _, Offset, TopicPartitionList};
use xos_steps::BusEvent;
use xos_steps::call::panic_text;

use super::assigned::AssignedLog;
use super::clients::{ANSWER_TIMEOUT, is_unknown};
use super::logs::Shared;
use crate::kafka::message::to_event;
use crate::kafka::problem::{LastProblem, ProblemContext};
use crate::kafka::topic_partition::TopicPartition;
use crate::parked::log::Log;
use crate::settings::Settings;

/// How long the thread waits for something to do.
const WAIT: Duration = Duration::from_millis(250);
/// How long it waits for a record where it follows logs.
const POLL: Duration = Duration::from_millis(100);
/// When nothing has come for so long after the end of a partition, it is its end.
const END: Duration = Duration::from_secs(1);
/// How long it waits after an error.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How many records are taken in before it looks for something else to do.
const MAX_RECORDS: usize = 1000;

/// Why it cannot be found out what is parked.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("reading panicked, please report this: {0}")]
    Panicked(String),
}

/// The thread that reads.
pub(super) struct Reader {
    shared: Arc<Shared>,
    client: Option<BaseConsumer<ProblemContext>>,
    /// [`SharedTracker::assignments_version`] of the assignments whose logs were read.
    assignments: Option<u64>,
    /// The partitions that are followed now.
    followed: Vec<(Arc<str>, i32)>,
    /// When to look whether a topic is really gone.
    look_at: Option<Instant>,
}

/// Partitions of one topic of parked events, each with the number of its assignment.
type Unread = BTreeMap<Arc<str>, Vec<(u64, i32)>>;

/// A log, and whether there is a partition to follow.
type Loaded = (Log, bool);

impl Reader {
    /// Returns a reader that has read nothing.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, client: None, assignments: None, followed: vec![], look_at: None }
    }

    /// Reads until the logs are dropped.
    pub(super) fn run(mut self) {
        let mut has_failed = false;
        while !self.shared.is_stopping() {
            let turned = catch_unwind(AssertUnwindSafe(|| self.turn()));
            let turned = turned.unwrap_or_else(|panic| Err(ReadError::Panicked(panic_text(panic.as_ref()).to_owned())));
            match turned {
                Ok(()) => {
                    if std::mem::take(&mut has_failed) {
                        tracing::info!("what is parked can be read again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        tracing::warn!(%error, "cannot read what is parked, trying again: the events of its partitions wait");
                    }
                    self.shared.of.notices.unreadable(&error.to_string());
                    self.shared.wait(AFTER_ERROR);
                }
            }
        }
    }

    /// Does all that is to be done now, or waits for something.
    fn turn(&mut self) -> Result<(), ReadError> {
        let assignments = self.shared.tracker.assignments_version();
        if self.assignments != Some(assignments) {
            self.assignments = None;
            let unread = self.renew();
            if !unread.is_empty() {
                self.load(unread)?;
            }
            self.shared.is_changed.store(true, Ordering::Relaxed);
            self.assignments = Some(assignments);
        }
        self.look()?;
        if self.shared.is_changed.swap(false, Ordering::Relaxed) {
            self.assign()?;
        }
        self.count();
        if self.followed.is_empty() {
            self.shared.wait(WAIT);
            return Ok(());
        }
        Ok(self.follow()?)
    }

    /// Forgets the logs of assignments that are over, and returns the partitions that were not read yet.
    fn renew(&self) -> Unread {
        let tracker = self.shared.tracker.lock();
        let assigned: HashMap<u64, TopicPartition> =
            tracker.assigned().into_iter().filter_map(|one| Some((tracker.assignment(&one)?, one))).collect();
        drop(tracker);
        let mut logs = self.shared.logs();
        logs.retain(|assignment, _| assigned.contains_key(assignment));
        let mut unread = Unread::new();
        for (assignment, from) in assigned {
            let of = &self.shared.of;
            let one = logs.entry(assignment).or_insert_with(|| {
                let parked_in = of.topics.name(&from.topic).into();
                AssignedLog::new(from, parked_in, self.shared.tracker.assignment(assignment))
            });
            if one.log().is_none() {
                unread.entry(Arc::clone(&one.parked_in)).or_default().push((assignment, one.from.partition));
            }
        }
        unread
    }

    /// Reads the logs of partitions, from their beginning to their end.
    fn load(&mut self, unread: Unread) -> Result<(), KafkaError> {
        let names: Vec<_> = unread.keys().map(ToString::to_string).collect();
        let clients = self.shared.of.topics.clients()?;
        let topics = match clients.topics(&names) {
            Ok(topics) => topics,
            // Whoever may not see it has parked nothing in it. That nothing can be parked is told when it is tried.
            Err(KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed)) => HashMap::new(),
            Err(error) => return Err(error),
        };
        for (parked_in, partitions) in unread {
            let count = topics.get(&*parked_in).map_or(0, |topic| topic.partitions);
            let (there, none): (Vec<_>, Vec<_>) = partitions.into_iter().partition(|(_, number)| *number < count);
            let mut logs: HashMap<u64, Loaded> =
                none.into_iter().map(|(assignment, _)| (assignment, (Log::from_offset(0), false))).collect();
            if !there.is_empty() {
                logs.extend(self.read(&parked_in, &there)?);
            }
            let mut assigned = self.shared.logs();
            for (assignment, (log, is_there)) in logs {
                if let Some(one) = assigned.get_mut(&assignment) {
                    let is_there = one.is_there | is_there;
                    one.put(log, is_there);
                }
            }
            drop(assigned);
            self.shared.loaded.notify_waiters();
        }
        Ok(())
    }

    fn client(&mut self) -> Result<&BaseConsumer<ProblemContext>, KafkaError> {
        let of = &self.shared.of;
        let client = match self.client.take() {
            Some(client) => client,
            None => reading_client(&of.settings, &of.synchronizer, &of.group)?,
        };
        Ok(self.client.insert(client))
    }

    /// Reads partitions of one topic.
    fn read(&mut self, parked_in: &Arc<str>, partitions: &[(u64, i32)]) -> Result<Vec<(u64, Loaded)>, KafkaError> {
        let shared = Arc::clone(&self.shared);
        self.followed.clear();
        let client = self.client()?;
        let mut ends = BTreeMap::new();
        for (_, partition) in partitions {
            ends.insert(*partition, client.fetch_watermarks(parked_in, *partition, ANSWER_TIMEOUT)?);
        }
        let mut logs: BTreeMap<i32, Log> =
            ends.iter().map(|(number, (low, _))| (*number, Log::from_offset(*low))).collect();
        let from = ends.iter().map(|(number, (low, _))| (*number, *low)).collect::<Vec<_>>();
        let to = ends.iter().map(|(number, (_, high))| (*number, *high)).collect();
        read_all(
            client,
            parked_in,
            &from,
            to,
            || shared.is_stopping(),
            |partition, record| {
                let Some(log) = logs.get_mut(&partition) else { return };
                match shared.record(record) {
                    Some(read) => log.read(record.offset, read.origin, &read.what),
                    None => log.skip_to(record.offset + 1),
                }
            },
        )?;
        let mut read = vec![];
        for (assignment, partition) in partitions {
            if let Some(mut log) = logs.remove(partition) {
                log.skip_to(ends.get(partition).map_or(0, |(_, high)| *high));
                read.push((*assignment, (log, true)));
            }
        }
        Ok(read)
    }

    /// Follows the partitions that are there, from where they were read to.
    fn assign(&mut self) -> Result<(), KafkaError> {
        let mut wanted: Vec<_> = {
            let logs = self.shared.logs();
            let there = logs.values().filter(|one| one.is_there);
            there
                .filter_map(|one| Some((Arc::clone(&one.parked_in), one.from.partition, one.log()?.read_to())))
                .collect()
        };
        wanted.sort();
        let places: Vec<_> = wanted.iter().map(|(topic, partition, _)| (Arc::clone(topic), *partition)).collect();
        if places == self.followed {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in &wanted {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        self.client()?.assign(&list)?;
        self.followed = places;
        Ok(())
    }

    /// Takes in what comes.
    fn follow(&mut self) -> Result<(), KafkaError> {
        let shared = Arc::clone(&self.shared);
        let client = self.client()?;
        let mut wait = POLL;
        let mut gone = None;
        for _ in 0..MAX_RECORDS {
            let Some(polled) = client.poll(wait) else { break };
            wait = Duration::ZERO;
            match polled {
                Ok(message) => {
                    let topic: Arc<str> = message.topic().into();
                    shared.take_in(&to_event(&message, &topic));
                }
                Err(KafkaError::PartitionEOF(_)) => {}
                Err(error) if error.rdkafka_error_code().is_some_and(is_unknown) => {
                    gone = Some(Instant::now() + AFTER_ERROR);
                }
                Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                    return Err(error);
                }
                // The broker is away: librdkafka goes on by itself.
                Err(error) => tracing::debug!(%error, "cannot follow what is parked"),
            }
        }
        self.look_at = self.look_at.or(gone);
        Ok(())
    }

    /// Forgets what was parked in topics that were deleted.
    fn look(&mut self) -> Result<(), KafkaError> {
        if self.look_at.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        self.look_at = None;
        let mut names: Vec<_> = self.followed.iter().map(|(topic, _)| topic.to_string()).collect();
        names.dedup();
        let topics = self.shared.of.topics.clients()?.topics(&names)?;
        for one in self.shared.logs().values_mut().filter(|one| one.is_there) {
            let partitions = topics.get(&*one.parked_in).map_or(0, |topic| topic.partitions);
            if one.from.partition >= partitions {
                let lost = one.log().map_or(0, Log::len);
                tracing::warn!(
                    topic = &*one.parked_in,
                    lost,
                    "the topic of parked events was deleted, with what was in it"
                );
                one.put(Log::from_offset(0), false);
                self.shared.is_changed.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Puts the number of parked events into the step's state.
    fn count(&self) {
        let parked = self.shared.logs().values().filter_map(AssignedLog::log).map(Log::len).sum();
        let of = &self.shared.of;
        of.states.update(&of.step, |state| state.parked_now = parked);
    }
}

/// Returns a client that reads topics of parked events. It does not join its group.
pub(crate) fn reading_client(
    settings: &Settings,
    synchronizer: &str,
    group: &str,
) -> Result<BaseConsumer<ProblemContext>, KafkaError> {
    let defaults = [("auto.offset.reset", "earliest"), ("topic.metadata.refresh.interval.ms", "10000")];
    let mut config = settings.client(synchronizer, &defaults);
    config.set("group.id", group).set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("enable.partition.eof", "true").set("allow.auto.create.topics", "false");
    config.create_with_context(ProblemContext(Arc::new(LastProblem::default())))
}

/// Reads partitions of one topic, each from an offset up to an offset. Blocks.
pub(crate) fn read_all(
    client: &BaseConsumer<ProblemContext>,
    topic: &Arc<str>,
    from: &[(i32, i64)],
    mut to: HashMap<i32, i64>,
    is_stopping: impl Fn() -> bool,
    mut take: impl FnMut(i32, &BusEvent),
) -> Result<(), KafkaError> {
    let from: Vec<_> =
        from.iter().filter(|(partition, low)| to.get(partition).is_some_and(|high| low < high)).collect();
    to.retain(|partition, _| from.iter().any(|(number, _)| number == partition));
    if to.is_empty() {
        return Ok(());
    }
    let mut list = TopicPartitionList::new();
    for (partition, low) in from {
        list.add_partition_offset(topic, *partition, Offset::Offset(*low))?;
    }
    client.assign(&list)?;
    let mut last = Instant::now();
    let mut ends: HashMap<i32, Instant> = HashMap::new();
    while !to.is_empty() {
        // An end may be that of another time. Only where the last records were deleted nothing comes after it.
        to.retain(|partition, _| ends.get(partition).is_none_or(|end| end.max(&last).elapsed() < END));
        match client.poll(POLL) {
            Some(Ok(message)) => {
                last = Instant::now();
                let record = to_event(&message, topic);
                if to.get(&record.partition).is_some_and(|high| record.offset + 1 >= *high) {
                    to.remove(&record.partition);
                }
                take(record.partition, &record);
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ends.insert(partition, Instant::now());
            }
            Some(Err(error)) if is_lasting(&error) => return Err(error),
            Some(Err(error)) => tracing::debug!(%error, "cannot read what is parked"),
            None => {}
        }
        if is_stopping() {
            return Err(KafkaError::Canceled);
        }
        if last.elapsed() > ANSWER_TIMEOUT {
            return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
        }
    }
    client.assign(&TopicPartitionList::new())
}

/// Returns whether an error does not end by itself.
fn is_lasting(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    error.rdkafka_error_code().is_some_and(|code| {
        is_unknown(code)
            || matches!(code, Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::Authentication)
    })
}
