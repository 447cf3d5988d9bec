//! The committing thread of a consumer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

use super::{Commit, CommitError, Committed, Pace, Request, Told};
use crate::kafka::client::{Client, watermarks};
use crate::kafka::counters::Counters;
use crate::kafka::notifier::Notifier;
use crate::kafka::shared::SharedTracker;
use crate::kafka::start::Range;
use crate::kafka::topic_partition::{TopicPartition, to_list, to_partition};

/// How long the broker may take to tell what is committed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to tell of all topics which ones they are.
const TOPICS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a last commit is tried.
const LAST: Duration = Duration::from_millis(2500);
/// How soon it is tried again.
const LAST_AGAIN: Duration = Duration::from_millis(50);

/// What the broker has of partitions that are being assigned.
#[derive(Debug)]
pub(crate) struct Read {
    /// The list that the broker filled in. It also has the epochs of the leaders under which offsets were committed.
    pub(crate) list: TopicPartitionList,
    /// Each partition of the list, in its order.
    pub(crate) partitions: Vec<Found>,
}

impl Read {
    /// Returns the partitions.
    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        self.partitions.iter().map(|found| found.partition.clone()).collect()
    }
}

/// What the broker has of a partition.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) partition: TopicPartition,
    /// What is committed; `None` if the broker does not tell it for this partition.
    pub(crate) committed: Option<Committed>,
    /// Which offsets there are; `None` if the broker does not tell it.
    pub(crate) range: Option<Range>,
}

/// Commits for a consumer until it is stopped.
pub(crate) struct Committing {
    pub(crate) client: Arc<Client>,
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) notifier: Notifier,
}

impl Committing {
    /// Serves requests, and commits what is done at every tick.
    pub(crate) fn run(&self, requests: &Receiver<Request>) {
        let mut pace = Pace::new(Instant::now());
        loop {
            // Also where requests come without end.
            let left = pace.next().saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.tick(&mut pace);
                continue;
            }
            match requests.recv_timeout(left) {
                Ok(Request::Commit(commits, reply)) => {
                    let _gone = reply.send(self.commit(&commits).map_err(refused));
                }
                Ok(Request::Last(partitions, reply)) => {
                    let commits = self.tracker.lock().take_last_offsets(&partitions);
                    let _gone = reply.send(self.commit_last(&commits).map_err(refused));
                }
                Ok(Request::Read(partitions, reply)) => {
                    // Without an answer the receiver sees that there is none, and asks again.
                    match self.read(&partitions) {
                        Ok(read) => drop(reply.send(read)),
                        Err(error) => tracing::debug!(%error, "cannot read the committed offsets"),
                    }
                }
                Ok(Request::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Commits what is done since the last time.
    fn tick(&self, pace: &mut Pace) {
        let commits = self.tracker.lock().take_offsets_to_commit();
        match self.commit(&commits) {
            Ok(()) => {
                if pace.accepted(Instant::now()) == Told::Accepted {
                    tracing::info!("offsets are committed again");
                }
            }
            Err(error) => {
                self.tracker.lock().commit_again();
                self.counters.commit_refused();
                tracing::debug!(%error, "a commit was refused, trying again");
                if pace.refused(Instant::now()) == Told::Refused {
                    tracing::warn!(
                        %error,
                        "offsets cannot be committed, trying again: if the process ended now, all events since the \
                         last commit would be handled again"
                    );
                    self.notifier.commits_refused(&error.to_string());
                }
            }
        }
    }

    /// Commits for the last time: a refusal that is part of a rebalance is not accepted at once.
    fn commit_last(&self, commits: &[Commit]) -> Result<(), KafkaError> {
        let until = Instant::now() + LAST;
        loop {
            match self.commit(commits) {
                Err(error) if Instant::now() < until && is_of_rebalance(&error) => thread::sleep(LAST_AGAIN),
                committed => return committed,
            }
        }
    }

    fn commit(&self, commits: &[Commit]) -> Result<(), KafkaError> {
        if commits.is_empty() {
            return Ok(());
        }
        match self.client.commit(&to_commit_list(commits), CommitMode::Sync) {
            // There was nothing to commit.
            Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::NoOffset) => Ok(()),
            committed => committed,
        }
    }

    fn read(&self, asked: &[TopicPartition]) -> Result<Read, KafkaError> {
        let list = self.client.committed_offsets(to_list(asked), ANSWER_TIMEOUT)?;
        // Without an answer librdkafka finds out whether the committed offsets are still there.
        let low = watermarks(&self.client, asked, Offset::Beginning).unwrap_or_default();
        let high = watermarks(&self.client, asked, Offset::End).unwrap_or_default();
        let found = |one: &TopicPartitionListElem<'_>| {
            let partition = to_partition(one);
            let range = low.get(&partition).zip(high.get(&partition)).map(|(&low, &high)| Range { low, high });
            let committed = one.error().is_ok().then(|| committed(one));
            Found { partition, committed, range }
        };
        let partitions = list.elements().iter().map(found).collect();
        self.see_topics(asked);
        Ok(Read { list, partitions })
    }

    /// Has librdkafka tell which topics these are, after what is committed was read: if that is of an older one, it shows.
    fn see_topics(&self, partitions: &[TopicPartition]) {
        let until = Instant::now() + TOPICS_TIMEOUT;
        let unknown = self.tracker.lock().unknown_topics(partitions);
        for topic in unknown {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if let Err(error) = self.client.fetch_metadata(Some(&topic), left) {
                tracing::debug!(%error, %topic, "cannot ask for a topic");
            }
        }
    }
}

/// Returns what is committed of a partition.
fn committed(one: &TopicPartitionListElem<'_>) -> Committed {
    // The metadata of other programs may be any bytes, and rust-rdkafka panics if they are no text.
    let metadata = catch_unwind(AssertUnwindSafe(|| one.metadata().to_owned())).unwrap_or_default();
    let offset = match one.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    };
    Committed { offset, metadata }
}

/// Returns whether a commit was refused because the group is being rebalanced, or its coordinator moves.
fn is_of_rebalance(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        CoordinatorLoadInProgress, CoordinatorNotAvailable, IllegalGeneration, NotCoordinator, RebalanceInProgress,
    };
    matches!(
        error.rdkafka_error_code(),
        Some(
            CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | IllegalGeneration
                | NotCoordinator
                | RebalanceInProgress
        )
    )
}

/// Returns a list of offsets for librdkafka.
fn to_commit_list(commits: &[Commit]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for Commit { partition, offset, metadata } in commits {
        let mut one = list.add_partition(&partition.topic, partition.partition);
        if one.set_offset(Offset::Offset(*offset)).is_ok() && !metadata.is_empty() {
            one.set_metadata(metadata);
        }
    }
    list
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: KafkaError) -> CommitError {
    CommitError::Refused(error.to_string())
}
