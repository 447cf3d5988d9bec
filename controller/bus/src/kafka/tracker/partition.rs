//! One assigned partition: its queues, how far it is done, and how much of it is in memory.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};

use slab::Slab;

use super::in_hand::{InFlight, InHand, Note, park_reason};
use super::queue::{Amount, Queue, Waiting};
use super::topics::TopicId;
use super::{Limits, OrderKey, Task, TopicPartition};
use crate::kafka::commit::{Commit, Committed};

/// So many done events behind one that is not done are forgotten at once.
const FORGOTTEN: usize = 1024;

#[derive(Debug)]
pub(super) struct Partition {
    pub(super) id: TopicPartition,
    /// The id of its topic, if it is known.
    pub(super) topic_id: Option<TopicId>,
    /// The id of the topic that its committed offset is of, if that is known.
    pub(super) committed_of: Option<TopicId>,
    /// Whether its topic was deleted: nothing of it is committed any more.
    pub(super) is_void: bool,
    /// What tells this process from those before it.
    process: u32,
    /// Accepted offsets in order, from the first that is not done, each with whether it is done. Most of those that are
    /// done are left out: there may be millions behind an event that waits for days.
    offsets: VecDeque<(i64, bool)>,
    /// How many of them are done.
    done: usize,
    /// The offset after the last accepted event.
    next: i64,
    /// The offset to commit: all events before it are done.
    pub(super) done_up_to: Option<i64>,
    /// The offset that was last returned for committing.
    pub(super) committed: Option<i64>,
    /// Waiting events by order key. A queue that exists has one event ready, in flight, or waiting for its next
    /// attempt.
    queues: HashMap<OrderKey, Queue, ahash::RandomState>,
    /// The events that are not done.
    held: Amount,
    /// Those of them in queues whose first event has failed or waits.
    stuck: Amount,
    in_flight: Slab<InFlight>,
    /// The offset that was committed when the partition was assigned.
    committed_before: Option<i64>,
    /// The first offset that was accepted.
    first: Option<i64>,
    /// Events that were in hand when the process ended, and have not come yet.
    to_come: InHand,
    /// Those of them that have come, and were not handled since.
    pub(super) suspects: InHand,
    /// Events that the broker knows to be in hand, and that are not started yet.
    ahead: BTreeSet<i64>,
    /// Whether the broker knows that events of the partition are in hand.
    pub(super) is_announced: bool,
    /// Whether other events are in hand than the broker knows.
    pub(super) is_dirty: bool,
    /// Whether the partition was given away as it should be.
    is_closed: bool,
    pub(super) is_paused: bool,
    pub(super) is_draining: bool,
}

impl Partition {
    pub(super) fn new(id: TopicPartition, process: u32) -> Self {
        Self {
            id,
            topic_id: None,
            committed_of: None,
            is_void: false,
            process,
            offsets: VecDeque::new(),
            done: 0,
            next: 0,
            done_up_to: None,
            committed: None,
            queues: HashMap::default(),
            held: Amount::default(),
            stuck: Amount::default(),
            in_flight: Slab::new(),
            committed_before: None,
            first: None,
            to_come: InHand::new(),
            suspects: InHand::new(),
            ahead: BTreeSet::new(),
            is_announced: false,
            is_dirty: false,
            is_closed: false,
            is_paused: false,
            is_draining: false,
        }
    }

    /// Whether an offset is not after those before it.
    pub(super) fn is_rewound(&self, offset: i64) -> bool {
        let has_any = !self.offsets.is_empty() || self.done_up_to.is_some();
        has_any && offset < self.next
    }

    /// Takes an event in. Returns it if it is the first one of its order key.
    pub(super) fn accept(&mut self, assignment: u64, order_key: OrderKey, waiting: Waiting) -> Option<Task> {
        let offset = waiting.event.offset;
        let amount = waiting.amount();
        self.offsets.push_back((offset, false));
        self.next = offset + 1;
        if self.first.is_none() {
            self.first = Some(offset);
            // An offset after the first event is that of a topic which was made anew.
            self.committed_before = self.committed_before.filter(|committed| *committed <= offset);
        }
        self.expect(offset);
        self.held.add(amount);
        match self.queues.entry(order_key) {
            Entry::Occupied(mut queue) => {
                let queue = queue.get_mut();
                queue.push(waiting);
                if queue.is_stuck {
                    self.stuck.add(amount);
                }
                None
            }
            Entry::Vacant(free) => {
                free.insert(Queue::default());
                Some(self.task(assignment, order_key, waiting))
            }
        }
    }

    /// Notes that the first event of an order key failed or waits: those behind it are counted apart from now on.
    pub(super) fn stick(&mut self, task: &Task) {
        if let Some(queue) = self.queues.get_mut(&task.order_key).filter(|queue| !queue.is_stuck) {
            queue.is_stuck = true;
            self.stuck.add(Amount::of(&task.event));
            self.stuck.add(queue.amount());
        }
    }

    /// Returns the replayed event of its order key that goes before an event, if it is there: the event is behind it
    /// then.
    pub(super) fn replay_before(&mut self, task: &Task) -> Option<Task> {
        let queue = self.queues.get_mut(&task.order_key)?;
        let replay = queue.pop_replay(task.event.offset)?;
        queue.put_back(task.as_waiting());
        Some(self.task(task.assignment, task.order_key, replay))
    }

    /// Notes that an event in flight is done. Returns the next of its order key. If the event was `handled`, those behind
    /// it may be, too.
    pub(super) fn complete(&mut self, task: &Task, handled: bool) -> Option<Task> {
        let amount = Amount::of(&task.event);
        self.held.remove(amount);
        self.suspects.remove(&task.event.offset);
        self.mark_done(task.event.offset);
        let Entry::Occupied(mut entry) = self.queues.entry(task.order_key) else { return None };
        let queue = entry.get_mut();
        if queue.is_stuck {
            self.stuck.remove(amount);
            // Those behind a replayed one may have to wait for others.
            if handled && task.replayed.is_none() {
                queue.is_stuck = false;
                self.stuck.remove(queue.amount());
            }
        }
        let Some(next) = queue.pop() else {
            entry.remove();
            return None;
        };
        Some(self.task(task.assignment, task.order_key, next))
    }

    fn task(&self, assignment: u64, order_key: OrderKey, waiting: Waiting) -> Task {
        let mut task = Task::new(assignment, order_key, waiting);
        if let Some(&ends) = self.suspects.get(&task.event.offset) {
            task.ends = ends;
            task.park_reason = task.park_reason.take().or_else(|| park_reason(ends));
        }
        task
    }

    /// Takes note of what is committed, before the first event comes. Returns whether events were in hand when the
    /// process ended that had the partition before.
    pub(super) fn set_committed(&mut self, committed: &Committed) -> bool {
        self.committed_before = committed.offset;
        let note = Note::read(&committed.metadata);
        self.committed_of = note.as_ref().and_then(|note| note.topic_id.clone());
        let of_others = note.filter(|note| note.process.is_some_and(|process| process != self.process));
        let was_ended = of_others.is_some();
        self.to_come = of_others.map(|note| note.in_hand).unwrap_or_default();
        was_ended
    }

    /// Suspects an event that comes, if it was in hand when the process ended. Those before it do not come any more.
    fn expect(&mut self, offset: i64) {
        while let Some(first) = self.to_come.first_entry().filter(|first| *first.key() <= offset) {
            let (came, ends) = first.remove_entry();
            if came == offset {
                self.suspects.insert(came, ends);
            }
        }
    }

    /// Returns whether there are events that were in hand when the process ended, and were not handled since.
    pub(super) fn has_suspects(&self) -> bool {
        !(self.to_come.is_empty() && self.suspects.is_empty())
    }

    /// An event is in flight.
    pub(super) fn begin(&mut self, task: &mut Task) {
        let is_started = task.ends == 0;
        self.ahead.remove(&task.event.offset);
        let in_flight = InFlight { offset: task.event.offset, ends: task.ends, is_started };
        task.in_flight = Some(self.in_flight.insert(in_flight));
        self.is_dirty = true;
    }

    /// An event is no longer in flight.
    pub(super) fn end(&mut self, task: &Task) {
        if let Some(at) = task.in_flight {
            self.in_flight.try_remove(at);
        }
        self.is_dirty = true;
    }

    /// The step was called for an event, and the process goes on.
    pub(super) fn acquit(&mut self, task: &mut Task) {
        if task.park_reason.is_none() && task.ends > 0 {
            self.suspects.remove(&task.event.offset);
            task.ends = 0;
        }
    }

    /// Notes that the step is about to be called for events in flight.
    pub(super) fn start(&mut self, offset: i64) {
        if let Some(one) = self.in_flight.iter_mut().map(|(_, one)| one).find(|one| one.offset == offset) {
            one.is_started = true;
        }
    }

    /// The broker knows that an event is in hand, before it is started.
    pub(super) fn announce(&mut self, offset: i64) {
        self.ahead.insert(offset);
    }

    /// Returns whether events are in flight.
    pub(super) fn is_busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Returns what to commit: how far the partition is, and what is in hand.
    pub(super) fn commit(&self) -> Option<Commit> {
        self.commit_with([])
    }

    /// The same, and these events will be in hand.
    pub(super) fn commit_with(&self, ahead: impl IntoIterator<Item = i64>) -> Option<Commit> {
        if self.is_void {
            return None;
        }
        let offset = self.done_up_to.or(self.committed_before).or(self.first)?;
        let note = Note {
            process: (!self.is_closed).then_some(self.process),
            topic_id: self.topic_id.clone(),
            in_hand: if self.is_closed { InHand::new() } else { self.in_hand(ahead) },
        };
        Some(Commit { partition: self.id.clone(), offset, metadata: note.to_string() })
    }

    /// Returns what to commit, and notes that it is.
    pub(super) fn take_commit(&mut self) -> Option<Commit> {
        self.committed = self.done_up_to;
        self.is_dirty = false;
        self.commit()
    }

    /// Returns the last thing to commit, before the partition is given away; none if the broker knows that already.
    pub(super) fn last_commit(&mut self) -> Option<Commit> {
        let is_known = self.done_up_to.is_none() && !self.is_announced && !self.has_suspects();
        self.is_closed = true;
        self.is_announced = false;
        self.committed = self.done_up_to;
        if is_known { None } else { self.commit() }
    }

    /// Returns what a process that ends now has in hand.
    fn in_hand(&self, ahead: impl IntoIterator<Item = i64>) -> InHand {
        let mut in_hand: InHand = self.ahead.iter().copied().chain(ahead).map(|offset| (offset, 1)).collect();
        in_hand.extend(&self.to_come);
        in_hand.extend(&self.suspects);
        for (_, one) in &self.in_flight {
            in_hand.insert(one.offset, one.ends + u32::from(one.is_started));
        }
        in_hand.retain(|_, ends| *ends > 0);
        in_hand
    }

    /// Drops what waits behind others.
    pub(super) fn clear(&mut self) {
        for queue in self.queues.values_mut() {
            if queue.is_stuck {
                self.stuck.remove(queue.amount());
            }
            queue.clear();
        }
    }

    /// Returns how many order keys have events.
    pub(super) fn queues(&self) -> usize {
        self.queues.len()
    }

    /// Returns how many offsets are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.offsets.len()
    }

    /// Returns how many events are not done.
    pub(super) fn held(&self) -> usize {
        self.held.events
    }

    pub(super) fn has_room(&self, limits: Limits) -> bool {
        let Amount { events, bytes } = self.moving();
        events <= limits.low
            && bytes <= limits.high_bytes / 2
            && self.stuck.events <= limits.stuck - limits.stuck / 10
            && self.stuck.bytes <= limits.stuck_bytes - limits.stuck_bytes / 10
    }

    pub(super) fn is_full(&self, limits: Limits) -> bool {
        let Amount { events, bytes } = self.moving();
        events >= limits.high
            || bytes >= limits.high_bytes
            || self.stuck.events >= limits.stuck
            || self.stuck.bytes >= limits.stuck_bytes
    }

    /// Returns whether half of the memory is used for what cannot go on now.
    pub(super) fn is_crowded(&self, limits: Limits) -> bool {
        self.stuck.events > limits.stuck / 2 || self.stuck.bytes > limits.stuck_bytes / 2
    }

    /// Returns whether there are events of an order key whose first event has neither failed nor waited.
    pub(super) fn has_untried(&self) -> bool {
        self.moving().events > 0
    }

    /// Returns what is not stuck.
    fn moving(&self) -> Amount {
        let mut moving = self.held;
        moving.remove(self.stuck);
        moving
    }

    /// Returns whether an event is done: those that are not done are all remembered.
    pub(super) fn is_done(&self, offset: i64) -> bool {
        let found = self.offsets.binary_search_by_key(&offset, |(offset, _)| *offset);
        let is_remembered = found.is_ok_and(|at| self.offsets.get(at).is_some_and(|(_, is_done)| !is_done));
        offset < self.next && !is_remembered
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
        self.done += 1;
        let mut has_advanced = false;
        while let Some((_, true)) = self.offsets.front() {
            self.offsets.pop_front();
            self.done -= 1;
            has_advanced = true;
        }
        if has_advanced {
            self.done_up_to = Some(self.offsets.front().map_or(self.next, |(first, _)| *first));
        }
        if self.done > FORGOTTEN && self.done > self.offsets.len() / 2 {
            self.offsets.retain(|(_, is_done)| !is_done);
            self.done = 0;
        }
    }
}
