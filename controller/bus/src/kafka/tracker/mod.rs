//! Tracks the received events of a step: which one is handled next, and up to which offset each partition is done.
//! Pure: no Kafka, and the time is a parameter.
//!
//! Events with the same order key form a queue: one of them is handled at a time, in order. A partition is done up to
//! its first event that is not done. While the target of the step is away one event at a time is given out.
//!
//! **Invariant:** an offset is returned for committing only when every accepted event before it is done.

mod announce;
mod attempts;
mod in_hand;
mod partition;
mod queue;
mod target;
mod task;
mod topics;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use xos_model::Backoff;
use xos_steps::BusEvent;

use super::commit::{Commit, Committed};
use super::topic_partition::TopicPartition;
pub(crate) use attempts::ALONE;
use partition::Partition;
use queue::Waiting;
pub(crate) use target::Absence;
use target::Target;
pub(crate) use task::{EventId, Task};
use topics::Topics;

/// After a process has ended without a shutdown the broker is told of each batch of events for so long.
const CAREFUL: Duration = Duration::from_secs(30);

/// How much of a partition may be in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At this number of events the partition is paused.
    pub(crate) high: usize,
    /// At this number of events the partition is resumed.
    pub(crate) low: usize,
    /// At this number of bytes the partition is paused; at half of it, it is resumed.
    pub(crate) high_bytes: usize,
    /// Events of order keys whose first event has failed or waits do not count. At this number of them the partition is
    /// paused; when a tenth of them is gone, it is resumed.
    pub(crate) stuck: usize,
    /// The same as bytes.
    pub(crate) stuck_bytes: usize,
}

/// The hash of an event's order key; `None` for events without one, which form one queue per partition. Two keys with
/// the same hash share a queue, which does no harm.
pub(crate) type OrderKey = Option<u64>;

/// An event that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The number of the assignment under which it was received.
    pub(crate) assignment: u64,
    pub(crate) order_key: OrderKey,
    pub(crate) event: Arc<BusEvent>,
    /// The reason for parking the event without an attempt, if there is one.
    pub(crate) park_reason: Option<String>,
    /// For a replayed event, the offset that it had when it came for the first time: it goes before those that came
    /// after it then.
    pub(crate) replayed: Option<i64>,
}

impl Received {
    /// Returns whether it came from a partition.
    pub(crate) fn is_from(&self, partition: &TopicPartition) -> bool {
        self.event.partition == partition.partition && *self.event.topic == *partition.topic
    }

    /// Returns the partition that it came from.
    pub(crate) fn from(&self) -> TopicPartition {
        TopicPartition { topic: Arc::clone(&self.event.topic), partition: self.event.partition }
    }
}

/// The numbers of partitions and events that the tracker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) partitions: usize,
    pub(crate) paused: usize,
    pub(crate) held: usize,
    /// How many events wait for something that is not there yet, or for a target that others reach.
    pub(crate) waiting: usize,
    /// Since when the first of them waits.
    pub(crate) waiting_since: Option<Instant>,
}

/// How far a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of events that are not done.
    pub(crate) held: usize,
    /// The offset up to which it is done, if any of its events is.
    pub(crate) done_up_to: Option<i64>,
    pub(crate) is_paused: bool,
}

/// Tracks the received events of a step.
#[derive(Debug)]
pub(crate) struct PartitionTracker {
    limits: Limits,
    /// What tells this process from those before it.
    process: u32,
    /// The assignment number of each assigned partition.
    assigned: HashMap<TopicPartition, u64>,
    /// The partitions by assignment number.
    partitions: BTreeMap<u64, Partition>,
    topics: Topics,
    ready: VecDeque<Task>,
    /// Events that wait for their next attempt, by its time.
    retries: BTreeMap<(Instant, u64), Task>,
    /// Where in `retries` an event is that waits for an object.
    waiting: HashMap<EventId, (Instant, u64)>,
    /// Where in `retries` an event of an order key is that waits for replayed ones.
    after_replays: HashMap<(u64, OrderKey), (Instant, u64)>,
    target: Target,
    /// The event that nothing else is given out beside, as it may have ended the process, and since when.
    alone: Option<(EventId, Instant)>,
    /// Whether there are events that may have ended the process.
    has_suspects: bool,
    /// Until then the broker is told of events before the step is called: the process had ended without a shutdown.
    careful_until: Option<Instant>,
    /// Whether an event has come whose order key had none.
    has_something_new: bool,
    last_assignment: u64,
    last_retry: u64,
}

impl PartitionTracker {
    /// Returns a tracker without partitions. `probes` are the delays between attempts to reach a target that is away.
    pub(crate) fn new(limits: Limits, probes: Backoff) -> Self {
        Self {
            limits,
            process: in_hand::this_process(),
            assigned: HashMap::new(),
            partitions: BTreeMap::new(),
            topics: Topics::default(),
            ready: VecDeque::new(),
            retries: BTreeMap::new(),
            waiting: HashMap::new(),
            after_replays: HashMap::new(),
            target: Target::new(probes),
            alone: None,
            has_suspects: false,
            careful_until: None,
            has_something_new: false,
            last_assignment: 0,
            last_retry: 0,
        }
    }

    /// Adds an assigned partition and returns the number of the assignment.
    pub(crate) fn assign(&mut self, partition: &TopicPartition) -> u64 {
        self.remove(partition);
        self.last_assignment += 1;
        self.assigned.insert(partition.clone(), self.last_assignment);
        let mut assigned = Partition::new(partition.clone(), self.process);
        assigned.topic_id = self.topics.id(&partition.topic).cloned();
        assigned.is_void = self.topics.is_made_anew(&partition.topic);
        self.partitions.insert(self.last_assignment, assigned);
        self.last_assignment
    }

    /// Prepares a partition for being revoked: waiting events are dropped, events in flight may end.
    pub(crate) fn drain(&mut self, partition: &TopicPartition) {
        let Some(assignment) = self.assignment(partition) else { return };
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        partition.is_draining = true;
        partition.clear();
        self.ready.retain(|task| task.assignment != assignment);
        self.retries.retain(|_, task| task.assignment != assignment);
        self.waiting.retain(|(of, _), _| *of != assignment);
        self.after_replays.retain(|(of, _), _| *of != assignment);
    }

    /// Returns whether any of these partitions has events in flight.
    pub(crate) fn is_busy(&self, partitions: &[TopicPartition]) -> bool {
        partitions.iter().any(|one| self.partition(one).is_some_and(Partition::is_busy))
    }

    /// Removes a partition that was revoked.
    pub(crate) fn remove(&mut self, partition: &TopicPartition) {
        self.drain(partition);
        if let Some(assignment) = self.assigned.remove(partition) {
            self.partitions.remove(&assignment);
        }
    }

    /// Returns all assigned partitions.
    pub(crate) fn assigned(&self) -> Vec<TopicPartition> {
        self.assigned.keys().cloned().collect()
    }

    /// Returns the number of a partition's assignment.
    pub(crate) fn assignment(&self, partition: &TopicPartition) -> Option<u64> {
        self.assigned.get(partition).copied()
    }

    /// Accepts an event. Returns it if its offset is not after those before it: its topic was deleted and created
    /// again, or the broker lost the end of the partition. The partition must then be assigned anew.
    pub(crate) fn accept(&mut self, received: Received) -> Result<(), Received> {
        // An event of an assignment that is over is received again under the next one.
        let Some(partition) = self.partitions.get_mut(&received.assignment) else { return Ok(()) };
        if partition.is_draining {
            return Ok(());
        }
        if partition.is_rewound(received.event.offset) {
            return Err(received);
        }
        let Received { assignment, order_key, event, park_reason, replayed } = received;
        if let Some(task) = partition.accept(assignment, order_key, Waiting { event, park_reason, replayed }) {
            self.ready.push_back(task);
            self.has_something_new |= self.target.is_away();
        } else if replayed.is_some() {
            self.replay_goes_first(assignment, order_key);
        }
        Ok(())
    }

    /// Returns what to commit: the offsets that have advanced since the last call, and what is in hand.
    pub(crate) fn take_offsets_to_commit(&mut self) -> Vec<Commit> {
        let changed = |one: &&mut Partition| one.done_up_to != one.committed || (one.is_dirty && one.is_announced);
        let changed = self.partitions.values_mut().filter(changed);
        changed.filter_map(Partition::take_commit).collect()
    }

    /// Returns what to commit of partitions before they are given away: all that is done of them, and that nothing is in
    /// hand any more.
    pub(crate) fn take_last_offsets(&mut self, partitions: &[TopicPartition]) -> Vec<Commit> {
        let mut commits = vec![];
        for partition in partitions {
            let Some(number) = self.assignment(partition) else { continue };
            commits.extend(self.partitions.get_mut(&number).and_then(Partition::last_commit));
        }
        commits
    }

    /// Takes note of what is committed of a partition, before its first event comes.
    pub(crate) fn set_committed(&mut self, partition: &TopicPartition, committed: &Committed, now: Instant) {
        let Some(number) = self.assignment(partition) else { return };
        let Some(partition) = self.partitions.get_mut(&number) else { return };
        if partition.set_committed(committed) {
            self.careful_until = Some(now + CAREFUL);
            self.has_suspects |= partition.has_suspects();
        }
    }

    /// Has all offsets returned for committing again, after a commit that failed.
    pub(crate) fn commit_again(&mut self) {
        self.partitions.values_mut().for_each(|partition| partition.committed = None);
    }

    /// Returns whether a partition that was full may be resumed.
    pub(crate) fn has_room(&self, partition: &TopicPartition) -> bool {
        let is_away = self.target.is_away();
        let may_fetch = |one: &Partition| one.has_room(self.limits) && !(is_away && one.has_untried());
        self.partition(partition).is_none_or(may_fetch)
    }

    /// Returns whether so many events of a partition are in memory that it should be paused. While the target of the step
    /// is away one that was not tried yet is enough.
    pub(crate) fn is_full(&self, partition: &TopicPartition) -> bool {
        let is_full = |partition: &Partition| {
            partition.is_full(self.limits) || (self.target.is_away() && partition.has_untried())
        };
        self.partition(partition).is_some_and(is_full)
    }

    /// Returns whether so much of a partition waits that an event should not wait for replayed ones of its key.
    pub(crate) fn is_crowded(&self, assignment: u64) -> bool {
        self.partitions.get(&assignment).is_some_and(|partition| partition.is_crowded(self.limits))
    }

    /// Marks a partition as paused.
    pub(crate) fn mark_paused(&mut self, partition: &TopicPartition) {
        if let Some(partition) = self.assignment(partition).and_then(|number| self.partitions.get_mut(&number)) {
            partition.is_paused = true;
        }
    }

    /// Returns the paused partitions that have room again, and marks them as resumed.
    pub(crate) fn take_resumable(&mut self) -> Vec<TopicPartition> {
        let (limits, is_away) = (self.limits, self.target.is_away());
        let may_fetch = |one: &Partition| one.has_room(limits) && !(is_away && one.has_untried());
        let paused = self.partitions.values_mut().filter(|partition| partition.is_paused && may_fetch(partition));
        paused
            .map(|partition| {
                partition.is_paused = false;
                partition.id.clone()
            })
            .collect()
    }

    /// Returns the numbers of partitions and events.
    pub(crate) fn counts(&self) -> Counts {
        let waiting = || self.retries.values().filter_map(|task| task.waiting_since);
        Counts {
            partitions: self.partitions.len(),
            paused: self.partitions.values().filter(|partition| partition.is_paused).count(),
            held: self.partitions.values().map(Partition::held).sum(),
            waiting: waiting().count(),
            waiting_since: waiting().min(),
        }
    }

    /// Returns how far a partition is; `None` if it is not assigned.
    pub(crate) fn progress_of(&self, partition: &TopicPartition) -> Option<Progress> {
        let partition = self.partition(partition)?;
        let Partition { done_up_to, is_paused, .. } = *partition;
        Some(Progress { held: partition.held(), done_up_to, is_paused })
    }

    /// Returns the offset up to which a partition is done, if any of its events is.
    #[cfg(test)]
    pub(crate) fn done_up_to(&self, partition: &TopicPartition) -> Option<i64> {
        self.partition(partition)?.done_up_to
    }

    /// Returns whether an event of an assigned partition is done.
    pub(crate) fn is_done(&self, assignment: u64, offset: i64) -> bool {
        self.partitions.get(&assignment).is_some_and(|partition| partition.is_done(offset))
    }

    fn partition(&self, partition: &TopicPartition) -> Option<&Partition> {
        self.partitions.get(&self.assignment(partition)?)
    }
}

#[cfg(test)]
mod ends_tests;
#[cfg(test)]
mod tests;
