//! What of the received events is to be handled next, and how far each partition is done. Pure: no Kafka, no clock.
//!
//! Events of one order key form a lane: one of them is handled at a time, in order. A partition is done up to the first event that is not.
//!
//! **Invariant:** an offset is given out for committing only when every event before it, that was accepted, is done.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use xos_steps::BusEvent;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

/// How much of a partition may wait here before it is paused, and at how much it is taken up again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) high: usize,
    pub(crate) low: usize,
    /// The same in bytes.
    pub(crate) high_bytes: usize,
}

/// What is handled one after the other: the events of a key, by its hash, or those without any. Two keys of one hash wait for each other, which
/// harms nobody.
type Lane = Option<u64>;

/// An event that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) place: Place,
    /// The number of the assignment under which it was received.
    pub(crate) assignment: u64,
    pub(crate) lane: Lane,
    pub(crate) event: Arc<BusEvent>,
}

/// An event in somebody's hands.
#[derive(Debug)]
pub(crate) struct Task {
    /// The assignment that it belongs to.
    pub(crate) assignment: u64,
    lane: Lane,
    pub(crate) event: Arc<BusEvent>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// Why it is to be parked, once that is decided.
    pub(crate) verdict: Option<String>,
}

/// The received events of a step.
#[derive(Debug)]
pub(crate) struct Desk {
    limits: Limits,
    /// The assignment of each partition that is ours.
    assigned: HashMap<Place, u64>,
    /// The partitions, by their assignments.
    partitions: BTreeMap<u64, Partition>,
    ready: VecDeque<Task>,
    /// Failed ones, by the time of their next attempt.
    later: BTreeMap<(Instant, u64), Task>,
    assignments: u64,
    postponed: u64,
}

#[derive(Debug)]
struct Partition {
    place: Place,
    /// In the order of their offsets, up to the last accepted one.
    offsets: VecDeque<(i64, bool)>,
    /// The offset after the last of those that are done without a gap; none yet.
    done_to: Option<i64>,
    committed: Option<i64>,
    /// Waiting events by lane; a lane that is there has one in somebody's hands.
    lanes: HashMap<Lane, VecDeque<Arc<BusEvent>>, ahash::RandomState>,
    /// Events here, handled or not.
    held: usize,
    bytes: usize,
    in_hand: usize,
    is_paused: bool,
    is_draining: bool,
}

impl Desk {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            assigned: HashMap::new(),
            partitions: BTreeMap::new(),
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            assignments: 0,
            postponed: 0,
        }
    }

    /// A partition is ours from now on; gives the assignment's number.
    pub(crate) fn assign(&mut self, place: &Place) -> u64 {
        self.forget(place);
        self.assignments += 1;
        self.assigned.insert(place.clone(), self.assignments);
        self.partitions.insert(self.assignments, Partition::new(place.clone()));
        self.assignments
    }

    /// A partition will soon be somebody else's: what waits is dropped, what is being handled may end.
    pub(crate) fn drain(&mut self, place: &Place) {
        let Some(assignment) = self.assignment(place) else { return };
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        partition.is_draining = true;
        partition.lanes.values_mut().for_each(VecDeque::clear);
        self.ready.retain(|task| task.assignment != assignment);
        self.later.retain(|_, task| task.assignment != assignment);
    }

    /// Whether events of these partitions are still being handled.
    pub(crate) fn is_busy(&self, places: &[Place]) -> bool {
        places.iter().any(|place| self.at(place).is_some_and(|partition| partition.in_hand > 0))
    }

    /// A partition is no longer ours.
    pub(crate) fn forget(&mut self, place: &Place) {
        self.drain(place);
        if let Some(assignment) = self.assigned.remove(place) {
            self.partitions.remove(&assignment);
        }
    }

    /// All partitions that are ours.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.assigned.keys().cloned().collect()
    }

    /// The number of a partition's assignment.
    pub(crate) fn assignment(&self, place: &Place) -> Option<u64> {
        self.assigned.get(place).copied()
    }

    /// Takes an event in. Gives it back if its partition went back: its topic was made anew, or the broker lost its end. It is to be assigned
    /// anew then.
    pub(crate) fn accept(&mut self, received: Received) -> Result<(), Received> {
        // What was received before its partition went, and maybe came again, will be received again.
        let Some(partition) = self.partitions.get_mut(&received.assignment) else { return Ok(()) };
        if partition.is_draining {
            return Ok(());
        }
        if partition.goes_back(received.event.offset) {
            return Err(received);
        }
        let Received { assignment, lane, event, .. } = received;
        partition.offsets.push_back((event.offset, false));
        partition.held += 1;
        partition.bytes += size(&event);
        match partition.lanes.entry(lane) {
            Entry::Occupied(mut waiting) => waiting.get_mut().push_back(event),
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                self.ready.push_back(Task { assignment, lane, event, attempts: 0, verdict: None });
            }
        }
        Ok(())
    }

    /// The next things to do, so many at most. Whoever gets a task gives it back by [`done`](Self::done), [`later`](Self::later),
    /// [`put_back`](Self::put_back) or [`drop_task`](Self::drop_task).
    pub(crate) fn take(&mut self, now: Instant, most: usize) -> Vec<Task> {
        let mut taken = vec![];
        while taken.len() < most
            && let Some(task) = self.due(now).or_else(|| self.ready.pop_front())
        {
            if let Some(partition) = self.partition(&task) {
                partition.in_hand += 1;
            }
            taken.push(task);
        }
        taken
    }

    fn due(&mut self, now: Instant) -> Option<Task> {
        let first = self.later.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the first of those that were postponed is due.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether something waits to be taken.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// An event has had its effect.
    pub(crate) fn done(&mut self, task: Task) {
        let Task { assignment, lane, event, .. } = task;
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        partition.in_hand -= 1;
        partition.held -= 1;
        partition.bytes -= size(&event);
        partition.mark_done(event.offset);
        let Entry::Occupied(mut waiting) = partition.lanes.entry(lane) else { return };
        let Some(event) = waiting.get_mut().pop_front() else {
            waiting.remove();
            return;
        };
        self.ready.push_back(Task { assignment, lane, event, attempts: 0, verdict: None });
    }

    /// An event is to be tried again; its lane waits for it.
    pub(crate) fn later(&mut self, task: Task, at: Instant) {
        self.postponed += 1;
        let number = self.postponed;
        let Some(partition) = self.partition(&task) else { return };
        partition.in_hand -= 1;
        if !partition.is_draining {
            self.later.insert((at, number), task);
        }
    }

    /// An event was taken and not begun: it is the next again.
    pub(crate) fn put_back(&mut self, task: Task) {
        let Some(partition) = self.partition(&task) else { return };
        partition.in_hand -= 1;
        if !partition.is_draining {
            self.ready.push_front(task);
        }
    }

    /// An event is given up here, and will be somebody else's.
    pub(crate) fn drop_task(&mut self, task: &Task) {
        if let Some(partition) = self.partition(task) {
            partition.in_hand -= 1;
        }
    }

    /// The offsets to commit: those that went on since they were last given out.
    pub(crate) fn take_commits(&mut self) -> Vec<(Place, i64)> {
        let mut offsets = vec![];
        for partition in self.partitions.values_mut() {
            if partition.done_to != partition.committed {
                partition.committed = partition.done_to;
                offsets.extend(partition.done_to.map(|offset| (partition.place.clone(), offset)));
            }
        }
        offsets
    }

    /// The last commit failed: all offsets are given out again.
    pub(crate) fn uncommit(&mut self) {
        self.partitions.values_mut().for_each(|partition| partition.committed = None);
    }

    /// Whether a full partition has room again.
    pub(crate) fn has_room(&self, place: &Place) -> bool {
        self.at(place).is_none_or(|partition| partition.has_room(self.limits))
    }

    /// Whether so much of a partition waits here that it should be paused.
    pub(crate) fn is_full(&self, place: &Place) -> bool {
        let limits = self.limits;
        let full = |partition: &Partition| partition.held >= limits.high || partition.bytes >= limits.high_bytes;
        self.at(place).is_some_and(full)
    }

    /// A partition is paused.
    pub(crate) fn paused(&mut self, place: &Place) {
        if let Some(partition) = self.assignment(place).and_then(|assignment| self.partitions.get_mut(&assignment)) {
            partition.is_paused = true;
        }
    }

    /// The partitions that are paused and need not be any more; they count as taken up.
    pub(crate) fn take_resumable(&mut self) -> Vec<Place> {
        let limits = self.limits;
        let paused = self.partitions.values_mut().filter(|partition| partition.is_paused && partition.has_room(limits));
        paused
            .map(|partition| {
                partition.is_paused = false;
                partition.place.clone()
            })
            .collect()
    }

    /// (partitions, paused ones, events here).
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let paused = self.partitions.values().filter(|partition| partition.is_paused).count();
        (self.partitions.len(), paused, self.partitions.values().map(|partition| partition.held).sum())
    }

    /// The offset up to which a partition is done, if that is known.
    pub(crate) fn done_to(&self, place: &Place) -> Option<i64> {
        self.at(place)?.done_to
    }

    fn partition(&mut self, task: &Task) -> Option<&mut Partition> {
        self.partitions.get_mut(&task.assignment)
    }

    fn at(&self, place: &Place) -> Option<&Partition> {
        self.partitions.get(&self.assignment(place)?)
    }
}

impl Partition {
    fn new(place: Place) -> Self {
        Self {
            place,
            offsets: VecDeque::new(),
            done_to: None,
            committed: None,
            lanes: HashMap::default(),
            held: 0,
            bytes: 0,
            in_hand: 0,
            is_paused: false,
            is_draining: false,
        }
    }

    fn goes_back(&self, offset: i64) -> bool {
        self.offsets.back().is_some_and(|(last, _)| offset <= *last)
            || self.done_to.is_some_and(|done_to| offset < done_to)
    }

    fn has_room(&self, limits: Limits) -> bool {
        self.held <= limits.low && self.bytes <= limits.high_bytes / 2
    }

    fn mark_done(&mut self, offset: i64) {
        // Mostly it is the first.
        if let Some(first) = self.offsets.front_mut().filter(|(first, _)| *first == offset) {
            first.1 = true;
        } else if let Ok(at) = self.offsets.binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some(entry) = self.offsets.get_mut(at)
        {
            entry.1 = true;
        }
        while let Some((offset, true)) = self.offsets.front() {
            self.done_to = Some(offset + 1);
            self.offsets.pop_front();
        }
    }
}

/// What an event takes here, about.
fn size(event: &BusEvent) -> usize {
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let headers: usize = event.headers.iter().map(|(name, value)| name.len() + bytes(value)).sum();
    bytes(&event.key) + bytes(&event.value) + headers
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
