//! Takes partitions and gives them away, step by step, between polls.
//!
//! A partition that is taken: what was committed of it is read first, so that a gap is known before its first event.
//! A partition that is given away: its events in flight have the grace period to end, what is done is committed, and
//! only then is it given away. The consumer thread polls on meanwhile, and the events of other partitions that are in
//! memory go on.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot::{Receiver, error::TryRecvError};

use super::callbacks::Change;
use super::client::{self, Client};
use super::commit::{Commit, CommitError, Committed, Committer, Found, Read};
use super::consumer::Consumer;
use super::missed::Missing;
use super::shared::SharedTracker;
use super::start::{Begin, Finding, StartAt, start};
use super::topic_partition::{TopicPartition, to_text};
use crate::settings::Missed;

/// How long events in flight have to end where the partition is lost already: its topic was deleted, which loses
/// nothing of them, or another member may have it, which is not to wait for long.
const LOST_GRACE: Duration = Duration::from_secs(5);
/// How long the last commit of partitions may take.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How soon what was committed is asked for again.
const READ_AGAIN: Duration = Duration::from_millis(500);
/// How long it may take until it is seen which topics there are; a broker may have none of them any more.
const SEE_TOPICS: Duration = Duration::from_secs(2);

/// What the consumer thread learns of a change that was made.
pub(crate) enum Made {
    /// A partition is received under this assignment, from this offset if it is known.
    Assigned { assignment: u64, from: Option<i64> },
    /// A partition is not received any more.
    Revoked(TopicPartition),
    /// Events were missed, and the step is to stand still.
    Stopped(String),
}

/// A change that is being made.
enum Phase {
    Reading {
        partitions: Vec<TopicPartition>,
        answer: Receiver<Read>,
    },
    ReadingAgain {
        partitions: Vec<TopicPartition>,
        at: Instant,
    },
    /// It was read; which topics they are is seen when the client has been polled.
    Seeing {
        read: Read,
        until: Instant,
    },
    Draining {
        partitions: Vec<TopicPartition>,
        since: Instant,
    },
    Committing {
        partitions: Vec<TopicPartition>,
        answer: Receiver<Result<(), CommitError>>,
        until: Instant,
    },
}

/// Makes the changes that the group asks for, one after the other.
pub(crate) struct Rebalancing<'a> {
    pub(crate) consumer: &'a Consumer,
    pub(crate) tracker: &'a SharedTracker,
    pub(crate) client: &'a Client,
    pub(crate) committer: &'a Committer,
    pub(crate) missing: Missing,
    pub(crate) begin: Begin,
    phase: Option<Phase>,
}

impl<'a> Rebalancing<'a> {
    /// Returns one with nothing to do.
    pub(crate) fn new(
        consumer: &'a Consumer,
        tracker: &'a SharedTracker,
        client: &'a Client,
        committer: &'a Committer,
        missing: Missing,
    ) -> Self {
        let begin = Begin::of(consumer.settings.properties.get("auto.offset.reset").map(String::as_str));
        Self { consumer, tracker, client, committer, missing, begin, phase: None }
    }

    /// Returns whether a change is being made.
    pub(crate) fn is_busy(&self) -> bool {
        self.phase.is_some() || self.client.context().has_change()
    }

    /// Returns since when partitions are drained before they are given away, if some are.
    pub(crate) fn draining_since(&self) -> Option<Instant> {
        match &self.phase {
            Some(Phase::Draining { since, .. }) => Some(*since),
            _ => None,
        }
    }

    /// Returns whether a partition is about to be given away.
    pub(crate) fn is_leaving(&self, partition: &TopicPartition) -> bool {
        match &self.phase {
            Some(Phase::Draining { partitions, .. } | Phase::Committing { partitions, .. }) => {
                partitions.contains(partition)
            }
            _ => false,
        }
    }

    /// Goes on as far as it can without waiting. Returns what was changed.
    pub(crate) fn step(&mut self) -> Vec<Made> {
        let mut made = vec![];
        while let Some(phase) = self.phase.take().or_else(|| self.next()) {
            self.phase = self.advance(phase, &mut made);
            if self.phase.is_some() {
                break;
            }
        }
        self.client.context().set_rebalancing(self.phase.is_some());
        made
    }

    /// Ends the change that is being made without waiting: the consumer ends.
    pub(crate) fn cut_short(&mut self) {
        match self.phase.take() {
            Some(Phase::Reading { partitions, .. } | Phase::ReadingAgain { partitions, .. }) => {
                Change::Assign(partitions).apply(self.client);
            }
            Some(Phase::Seeing { read, .. }) => Change::Assign(read.partitions()).apply(self.client),
            Some(Phase::Draining { partitions, .. } | Phase::Committing { partitions, .. }) => {
                self.release(&partitions, &mut vec![]);
            }
            None => {}
        }
    }

    /// Begins the next change.
    fn next(&self) -> Option<Phase> {
        match self.client.context().next_change()? {
            Change::Assign(partitions) if partitions.is_empty() => {
                Change::Assign(partitions).apply(self.client);
                self.next()
            }
            Change::Assign(partitions) => {
                tracing::info!(partitions = to_text(&partitions), "partitions assigned");
                let answer = self.committer.read(partitions.clone());
                Some(Phase::Reading { partitions, answer })
            }
            Change::Revoke(partitions) => {
                tracing::info!(partitions = to_text(&partitions), "partitions revoked");
                let mut tracker = self.tracker.lock();
                partitions.iter().for_each(|partition| tracker.drain(partition));
                drop(tracker);
                Some(Phase::Draining { partitions, since: Instant::now() })
            }
        }
    }

    /// Goes on with a change. Returns it if it has to wait.
    fn advance(&mut self, phase: Phase, made: &mut Vec<Made>) -> Option<Phase> {
        let now = Instant::now();
        match phase {
            Phase::Reading { partitions, mut answer } => match answer.try_recv() {
                Ok(read) => return self.advance(Phase::Seeing { read, until: now + SEE_TOPICS }, made),
                // The group has changed its mind: nothing of them is to be received.
                Err(_) if self.client.context().will_revoke(&partitions) => self.take_unread(partitions, made),
                Err(TryRecvError::Empty) => return Some(Phase::Reading { partitions, answer }),
                Err(TryRecvError::Closed) => {
                    return Some(Phase::ReadingAgain { partitions, at: now + READ_AGAIN });
                }
            },
            Phase::ReadingAgain { partitions, .. } if self.client.context().will_revoke(&partitions) => {
                self.take_unread(partitions, made);
            }
            Phase::ReadingAgain { partitions, at } if now >= at => {
                let answer = self.committer.read(partitions.clone());
                return Some(Phase::Reading { partitions, answer });
            }
            waiting @ Phase::ReadingAgain { .. } => return Some(waiting),
            Phase::Seeing { read, until } => {
                if now < until && !self.tracker.lock().knows_topics(&read.partitions()) {
                    return Some(Phase::Seeing { read, until });
                }
                self.take(read, made);
            }
            Phase::Draining { partitions, since } => return self.drained(partitions, since, now, made),
            Phase::Committing { partitions, mut answer, until } => match answer.try_recv() {
                Err(TryRecvError::Empty) if now < until && !self.client.assignment_lost() => {
                    return Some(Phase::Committing { partitions, answer, until });
                }
                answer => {
                    let problem = match answer {
                        Ok(Ok(())) => None,
                        Ok(Err(error)) => Some(error.to_string()),
                        Err(_) => Some("the broker does not answer".to_owned()),
                    };
                    if let Some(problem) = problem {
                        tracing::warn!(problem, "cannot commit the last offsets: their events will be handled again");
                    }
                    self.release(&partitions, made);
                }
            },
        }
        None
    }

    /// Waits for the events in flight of partitions that are given away.
    fn drained(
        &self,
        partitions: Vec<TopicPartition>,
        since: Instant,
        now: Instant,
        made: &mut Vec<Made>,
    ) -> Option<Phase> {
        let is_lost = self.client.assignment_lost();
        let grace = if is_lost { self.consumer.grace.min(LOST_GRACE) } else { self.consumer.grace };
        let is_busy = self.tracker.lock().is_busy(&partitions) && !self.tracker.closed.is_cancelled();
        if is_busy && now < since + grace {
            return Some(Phase::Draining { partitions, since });
        }
        if is_busy {
            tracing::warn!(
                ?grace,
                "events in flight did not end in time and are cancelled: they will be handled again"
            );
        }
        // Nothing can be committed for partitions that were lost: their new owner may have them already.
        if is_lost {
            self.release(&partitions, made);
            return None;
        }
        let answer = self.committer.last(partitions.clone());
        Some(Phase::Committing { partitions, answer, until: now + COMMIT_TIMEOUT })
    }

    fn release(&self, partitions: &[TopicPartition], made: &mut Vec<Made>) {
        for partition in partitions {
            self.tracker.revoke(partition);
            self.tracker.raw_headers.remove_all(partition);
            made.push(Made::Revoked(partition.clone()));
        }
        Change::Revoke(partitions.to_vec()).apply(self.client);
    }

    /// Takes partitions whose committed offsets are known.
    fn take(&self, read: Read, made: &mut Vec<Made>) {
        let Read { list, partitions } = read;
        let mut stopped = vec![];
        let mut skipped = vec![];
        for (mut one, Found { partition, committed, range }) in list.elements().into_iter().zip(partitions) {
            let Some(committed) = committed else {
                // librdkafka finds it out, or reports why not.
                made.push(Made::Assigned { assignment: self.assign(&partition, &Committed::default()), from: None });
                continue;
            };
            let is_of_topic = self.tracker.lock().is_of_topic(&partition, &committed);
            let missed = self.consumer.settings.missed;
            let (at, finding) = start(committed.offset, is_of_topic, range, self.begin, missed);
            let committed = if is_of_topic { committed } else { Committed::default() };
            if let Some(Finding::Missed { from, to }) = finding {
                stopped.push(format!("{partition} from {from} to {to}"));
                let metadata = committed.metadata.clone();
                skipped.push(Commit { partition: partition.clone(), offset: to, metadata });
            }
            self.tell(&partition, finding);
            let (offset, from) = match at {
                StartAt::Committed => (None, committed.offset),
                StartAt::Offset(offset) => (Some(Offset::Offset(offset)), Some(offset)),
                StartAt::Beginning => (Some(Offset::Beginning), None),
                StartAt::End => (Some(Offset::End), None),
                StartAt::Unset => (Some(Offset::Stored), None),
            };
            if let Some(offset) = offset
                && let Err(error) = one.set_offset(offset)
            {
                tracing::debug!(%error, %partition, "cannot set the offset to begin with");
            }
            made.push(Made::Assigned { assignment: self.assign(&partition, &committed), from });
        }
        if self.consumer.settings.missed == Missed::Stop && !stopped.is_empty() {
            made.push(Made::Stopped(stopped.join(", ")));
        } else if !skipped.is_empty() {
            // So that they are not told again.
            self.committer.skip(skipped);
        }
        if let Err(error) = client::assign(self.client, &list) {
            tracing::warn!(%error, "cannot take the assigned partitions");
        }
    }

    fn tell(&self, partition: &TopicPartition, finding: Option<Finding>) {
        match finding {
            // Nothing is missed while the step stands still.
            Some(Finding::Missed { .. }) if self.consumer.settings.missed == Missed::Stop => {}
            Some(Finding::Missed { from, to }) => self.missing.tell(partition, from, to),
            Some(Finding::Rewound { committed, end }) => tracing::warn!(
                %partition,
                committed,
                end,
                "the partition ends before the offset that was committed, as after its topic was created again: \
                 handling it from its beginning"
            ),
            Some(Finding::MadeAnew { committed }) => tracing::warn!(
                %partition,
                committed,
                "the topic was deleted and created again since the offset was committed: handling it from its beginning"
            ),
            None => {}
        }
    }

    /// Takes partitions that are given away next.
    fn take_unread(&self, partitions: Vec<TopicPartition>, made: &mut Vec<Made>) {
        for partition in &partitions {
            made.push(Made::Assigned { assignment: self.assign(partition, &Committed::default()), from: None });
        }
        Change::Assign(partitions).apply(self.client);
    }

    fn assign(&self, partition: &TopicPartition, committed: &Committed) -> u64 {
        let assignment = self.tracker.assign(partition);
        self.tracker.lock().set_committed(partition, committed, Instant::now());
        assignment
    }
}
