//! Tracks the received events of a step: which one is handled next, and up to which offset each partition is done.
//! Pure: no Kafka, no clock.
//!
//! Events with the same order key form a queue: one of them is handled at a time, in order. A partition is done up to
//! its first event that is not done.
//!
//! **Invariant:** an offset is returned for committing only when every accepted event before it is done.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use xos_steps::BusEvent;

use super::topic_partition::TopicPartition;

/// How much of a partition may be in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At this number of events the partition is paused.
    pub(crate) high: usize,
    /// At this number of events the partition is resumed.
    pub(crate) low: usize,
    /// At this number of bytes the partition is paused; at half of it, it is resumed.
    pub(crate) high_bytes: usize,
}

/// The hash of an event's order key; `None` for events without one, which form one queue per partition. Two keys with
/// the same hash share a queue, which does no harm.
pub(crate) type OrderKey = Option<u64>;

/// An event that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: TopicPartition,
    /// The number of the assignment under which it was received.
    pub(crate) assignment: u64,
    pub(crate) order_key: OrderKey,
    pub(crate) event: Arc<BusEvent>,
    /// The reason for parking the event without an attempt, if there is one.
    pub(crate) park_reason: Option<String>,
}

/// An event that is ready, in flight, or waiting for its next attempt.
#[derive(Debug)]
pub(crate) struct Task {
    /// The number of the assignment that the event belongs to.
    pub(crate) assignment: u64,
    order_key: OrderKey,
    pub(crate) event: Arc<BusEvent>,
    /// The number of attempts so far.
    pub(crate) attempts: u32,
    /// How often the target of the step was away.
    pub(crate) waits: u32,
    /// The reason for parking the event, once that is decided.
    pub(crate) park_reason: Option<String>,
}

/// The numbers of partitions and events that the tracker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) partitions: usize,
    pub(crate) paused: usize,
    pub(crate) held: usize,
}

/// Tracks the received events of a step.
#[derive(Debug)]
pub(crate) struct PartitionTracker {
    limits: Limits,
    /// The assignment number of each assigned partition.
    assigned: HashMap<TopicPartition, u64>,
    /// The partitions by assignment number.
    partitions: BTreeMap<u64, Partition>,
    ready: VecDeque<Task>,
    /// Events that wait for their next attempt, by its time.
    retries: BTreeMap<(Instant, u64), Task>,
    last_assignment: u64,
    last_retry: u64,
}

#[derive(Debug)]
struct Partition {
    id: TopicPartition,
    /// Accepted offsets in order, from the first that is not done, each with whether it is done.
    offsets: VecDeque<(i64, bool)>,
    /// The offset to commit: the one after the last event that is done without a gap before it.
    done_up_to: Option<i64>,
    /// The offset that was last returned for committing.
    committed: Option<i64>,
    /// Waiting events by order key. A queue that exists has one event ready, in flight, or waiting for its next
    /// attempt.
    queues: HashMap<OrderKey, VecDeque<Waiting>, ahash::RandomState>,
    /// The number of events that are not done.
    held: usize,
    /// The size of the events that are not done.
    bytes: usize,
    in_flight: usize,
    is_paused: bool,
    is_draining: bool,
}

/// An event that waits for those before it, and the reason for parking it, if there is one.
type Waiting = (Arc<BusEvent>, Option<String>);

impl PartitionTracker {
    /// Returns a tracker without partitions.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            assigned: HashMap::new(),
            partitions: BTreeMap::new(),
            ready: VecDeque::new(),
            retries: BTreeMap::new(),
            last_assignment: 0,
            last_retry: 0,
        }
    }

    /// Adds an assigned partition and returns the number of the assignment.
    pub(crate) fn assign(&mut self, partition: &TopicPartition) -> u64 {
        self.remove(partition);
        self.last_assignment += 1;
        self.assigned.insert(partition.clone(), self.last_assignment);
        self.partitions.insert(self.last_assignment, Partition::new(partition.clone()));
        self.last_assignment
    }

    /// Prepares a partition for being revoked: waiting events are dropped, events in flight may end.
    pub(crate) fn drain(&mut self, partition: &TopicPartition) {
        let Some(assignment) = self.assignment(partition) else { return };
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        partition.is_draining = true;
        partition.queues.values_mut().for_each(VecDeque::clear);
        self.ready.retain(|task| task.assignment != assignment);
        self.retries.retain(|_, task| task.assignment != assignment);
    }

    /// Returns whether any of these partitions has events in flight.
    pub(crate) fn is_busy(&self, partitions: &[TopicPartition]) -> bool {
        partitions.iter().any(|one| self.partition(one).is_some_and(|partition| partition.in_flight > 0))
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
        let Received { assignment, order_key, event, park_reason, .. } = received;
        partition.offsets.push_back((event.offset, false));
        partition.held += 1;
        partition.bytes += size(&event);
        match partition.queues.entry(order_key) {
            Entry::Occupied(mut waiting) => waiting.get_mut().push_back((event, park_reason)),
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                self.ready.push_back(Task::new(assignment, order_key, (event, park_reason)));
            }
        }
        Ok(())
    }

    /// Returns the next events to handle, at most `max`. Each is in flight until it is given back to
    /// [`complete`](Self::complete), [`retry`](Self::retry), [`put_back`](Self::put_back) or
    /// [`abandon`](Self::abandon).
    pub(crate) fn take(&mut self, now: Instant, max: usize) -> Vec<Task> {
        let mut taken = vec![];
        while taken.len() < max
            && let Some(task) = self.take_due_retry(now).or_else(|| self.ready.pop_front())
        {
            if let Some(partition) = self.partitions.get_mut(&task.assignment) {
                partition.in_flight += 1;
            }
            taken.push(task);
        }
        taken
    }

    fn take_due_retry(&mut self, now: Instant) -> Option<Task> {
        let first = self.retries.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Returns the time of the earliest next attempt.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.retries.first_key_value().map(|((at, _), _)| *at)
    }

    /// Returns whether an event is ready to be taken.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Marks an event in flight as done and makes the next one of its queue ready.
    pub(crate) fn complete(&mut self, task: Task) {
        let Task { assignment, order_key, event, .. } = task;
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        partition.in_flight -= 1;
        partition.held -= 1;
        partition.bytes -= size(&event);
        partition.mark_done(event.offset);
        let Entry::Occupied(mut waiting) = partition.queues.entry(order_key) else { return };
        let Some(next) = waiting.get_mut().pop_front() else {
            waiting.remove();
            return;
        };
        self.ready.push_back(Task::new(assignment, order_key, next));
    }

    /// Schedules the next attempt at an event in flight; the queue of its order key waits for it.
    pub(crate) fn retry(&mut self, task: Task, at: Instant) {
        self.last_retry += 1;
        let Some(partition) = self.partitions.get_mut(&task.assignment) else { return };
        partition.in_flight -= 1;
        if !partition.is_draining {
            self.retries.insert((at, self.last_retry), task);
        }
    }

    /// Puts an event back that was taken and not started; it is the next to be taken.
    pub(crate) fn put_back(&mut self, task: Task) {
        let Some(partition) = self.partitions.get_mut(&task.assignment) else { return };
        partition.in_flight -= 1;
        if !partition.is_draining {
            self.ready.push_front(task);
        }
    }

    /// Gives up an event in flight. It is not done: the next owner of its partition handles it.
    pub(crate) fn abandon(&mut self, task: &Task) {
        if let Some(partition) = self.partitions.get_mut(&task.assignment) {
            partition.in_flight -= 1;
        }
    }

    /// Returns the offsets to commit: those that have advanced since the last call.
    pub(crate) fn take_offsets_to_commit(&mut self) -> Vec<(TopicPartition, i64)> {
        let mut offsets = vec![];
        for partition in self.partitions.values_mut() {
            if partition.done_up_to != partition.committed {
                partition.committed = partition.done_up_to;
                offsets.extend(partition.done_up_to.map(|offset| (partition.id.clone(), offset)));
            }
        }
        offsets
    }

    /// Has all offsets returned for committing again, after a commit that failed.
    pub(crate) fn commit_again(&mut self) {
        self.partitions.values_mut().for_each(|partition| partition.committed = None);
    }

    /// Returns whether a partition that was full may be resumed.
    pub(crate) fn has_room(&self, partition: &TopicPartition) -> bool {
        self.partition(partition).is_none_or(|partition| partition.has_room(self.limits))
    }

    /// Returns whether so many events of a partition are in memory that it should be paused.
    pub(crate) fn is_full(&self, partition: &TopicPartition) -> bool {
        let limits = self.limits;
        let is_full = |partition: &Partition| partition.held >= limits.high || partition.bytes >= limits.high_bytes;
        self.partition(partition).is_some_and(is_full)
    }

    /// Marks a partition as paused.
    pub(crate) fn mark_paused(&mut self, partition: &TopicPartition) {
        if let Some(partition) = self.assignment(partition).and_then(|number| self.partitions.get_mut(&number)) {
            partition.is_paused = true;
        }
    }

    /// Returns the paused partitions that have room again, and marks them as resumed.
    pub(crate) fn take_resumable(&mut self) -> Vec<TopicPartition> {
        let limits = self.limits;
        let paused = self.partitions.values_mut().filter(|partition| partition.is_paused && partition.has_room(limits));
        paused
            .map(|partition| {
                partition.is_paused = false;
                partition.id.clone()
            })
            .collect()
    }

    /// Returns the numbers of partitions and events.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            partitions: self.partitions.len(),
            paused: self.partitions.values().filter(|partition| partition.is_paused).count(),
            held: self.partitions.values().map(|partition| partition.held).sum(),
        }
    }

    /// Returns the offset up to which a partition is done, if any of its events is.
    pub(crate) fn done_up_to(&self, partition: &TopicPartition) -> Option<i64> {
        self.partition(partition)?.done_up_to
    }

    fn partition(&self, partition: &TopicPartition) -> Option<&Partition> {
        self.partitions.get(&self.assignment(partition)?)
    }
}

impl Task {
    fn new(assignment: u64, order_key: OrderKey, (event, park_reason): Waiting) -> Self {
        Self { assignment, order_key, event, attempts: 0, waits: 0, park_reason }
    }
}

impl Partition {
    fn new(id: TopicPartition) -> Self {
        Self {
            id,
            offsets: VecDeque::new(),
            done_up_to: None,
            committed: None,
            queues: HashMap::default(),
            held: 0,
            bytes: 0,
            in_flight: 0,
            is_paused: false,
            is_draining: false,
        }
    }

    fn is_rewound(&self, offset: i64) -> bool {
        self.offsets.back().is_some_and(|(last, _)| offset <= *last)
            || self.done_up_to.is_some_and(|done_up_to| offset < done_up_to)
    }

    fn has_room(&self, limits: Limits) -> bool {
        self.held <= limits.low && self.bytes <= limits.high_bytes / 2
    }

    fn mark_done(&mut self, offset: i64) {
        // Mostly it is the first one.
        if let Some(first) = self.offsets.front_mut().filter(|(first, _)| *first == offset) {
            first.1 = true;
        } else if let Ok(at) = self.offsets.binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some(entry) = self.offsets.get_mut(at)
        {
            entry.1 = true;
        }
        while let Some((offset, true)) = self.offsets.front() {
            self.done_up_to = Some(offset + 1);
            self.offsets.pop_front();
        }
    }
}

/// Returns about how many bytes an event takes in memory.
fn size(event: &BusEvent) -> usize {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = event.headers.iter().map(|(name, value)| name.len() + bytes(value)).sum();
    bytes(&event.key) + bytes(&event.value) + headers
}

#[cfg(test)]
mod tests;
