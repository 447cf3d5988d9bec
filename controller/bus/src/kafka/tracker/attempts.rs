//! Which event is attempted next, and what becomes of it after the attempt.

use std::time::{Duration, Instant};

use xos_model::gate::{News, Outage};
use xos_steps::Wait;

use super::partition::Partition;
use super::target::{Absence, Blame};
use super::task::{EventId, Task};
use super::{OrderKey, PartitionTracker};

/// Nothing else is given out for so long while an event is handled that may have ended the process.
pub(crate) const ALONE: Duration = Duration::from_secs(10);

/// An event is tried again after this time if what it waits for has come or changed during its last attempt.
const CHANGED_MEANWHILE: Duration = Duration::from_millis(100);

impl PartitionTracker {
    /// Returns the next events to handle, at most `max`; at most one while the target of the step is away. Each is in
    /// flight until it is given back to [`complete`](Self::complete), [`retry`](Self::retry), [`wait`](Self::wait),
    /// [`wait_for_replays`](Self::wait_for_replays), [`unreached`](Self::unreached), [`put_back`](Self::put_back) or [`abandon`](Self::abandon).
    pub(crate) fn take(&mut self, now: Instant, max: usize) -> Vec<Task> {
        if self.alone.is_some_and(|(_, since)| now < since + ALONE) {
            return vec![];
        }
        self.alone = None;
        if let Some(task) = self.take_suspect() {
            self.alone = Some((task.id(), now));
            return vec![self.begin(task)];
        }
        if self.target.is_away() {
            return self.take_probe(now).into_iter().collect();
        }
        let mut taken = vec![];
        while taken.len() < max
            && let Some(task) = self.take_due_retry(now).or_else(|| self.ready.pop_front())
        {
            taken.push(self.begin(task));
        }
        taken
    }

    /// Returns an event that may have ended the process. Nothing else is given out while it is handled, for a while.
    fn take_suspect(&mut self) -> Option<Task> {
        if !self.has_suspects {
            return None;
        }
        let at = self.ready.iter().position(|task| task.is_suspect());
        self.has_suspects = self.partitions.values().any(Partition::has_suspects);
        self.ready.remove(at?)
    }

    /// Returns the event that tries whether the target is there again: another one each time.
    fn take_probe(&mut self, now: Instant) -> Option<Task> {
        if std::mem::take(&mut self.has_something_new) {
            self.target.something_new(now);
        }
        if self.target.next_probe().is_some_and(|at| at > now) {
            return None;
        }
        // What was not tried yet goes first: the target may be away for some events only.
        let fresh = self.ready.iter().position(|task| task.waits == 0).unwrap_or_default();
        let task = self.ready.remove(fresh).or_else(|| self.take_due_retry(now))?;
        self.target.began(task.id(), now);
        Some(self.begin(task))
    }

    fn begin(&mut self, mut task: Task) -> Task {
        task.answers_at_start = self.target.answers;
        if let Some(wait) = &task.wait {
            wait.rearm();
        }
        if let Some(partition) = self.partitions.get_mut(&task.assignment) {
            partition.begin(&mut task);
        }
        task
    }

    /// Takes an event out of flight. Returns its partition, unless that is not assigned any more.
    fn end(&mut self, task: &Task) -> Option<&mut Partition> {
        self.alone = self.alone.filter(|(id, _)| *id != task.id());
        let partition = self.partitions.get_mut(&task.assignment)?;
        partition.end(task);
        Some(partition)
    }

    fn take_due_retry(&mut self, now: Instant) -> Option<Task> {
        let first = self.retries.first_entry()?;
        let mut task = (first.key().0 <= now).then(|| first.remove())?;
        self.waiting.remove(&task.id());
        if std::mem::take(&mut task.is_after_replays) {
            self.after_replays.remove(&(task.assignment, task.order_key));
        }
        Some(task)
    }

    /// Returns the time of the earliest next attempt at what is not ready.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        if let Some((_, since)) = self.alone {
            return Some(since + ALONE);
        }
        let retry = self.retries.first_key_value().map(|((at, _), _)| *at);
        match self.target.next_probe() {
            None => retry,
            Some(probe) if !self.ready.is_empty() => Some(probe),
            Some(probe) => retry.map(|retry| retry.max(probe)),
        }
    }

    /// Returns whether an event is ready to be taken now.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty() && !self.target.is_away() && self.alone.is_none()
    }

    /// Marks an event in flight as done and makes the next one of its queue ready. Whether it was `handled`, or parked
    /// or skipped, says whether those behind it may be handled.
    pub(crate) fn complete(&mut self, task: &Task, handled: bool) {
        let Some(partition) = self.end(task) else { return };
        let next = partition.complete(task, handled);
        self.ready.extend(next);
    }

    /// Takes in that the target has answered, or was not needed for what was done.
    pub(crate) fn answered(&mut self, task: &Task, now: Instant) -> News {
        self.target.answered(task.id(), now)
    }

    /// Takes in that an attempt said nothing of the target.
    pub(crate) fn said_nothing(&mut self, task: &Task, now: Instant) {
        self.target.left(task.id(), now);
    }

    /// Schedules the next attempt at an event in flight that failed; the queue of its order key waits for it.
    pub(crate) fn retry(&mut self, mut task: Task, at: Instant) {
        task.waiting_since = None;
        task.wait = None;
        self.put_off(task, at);
    }

    /// Puts an event in flight off until `at`, or until the object comes that it waits for.
    pub(crate) fn wait(&mut self, mut task: Task, at: Instant, now: Instant) {
        task.waiting_since.get_or_insert(now);
        let is_over = task.wait.as_ref().is_some_and(Wait::is_woken);
        let id = task.wait.is_some().then(|| task.id());
        // What it waits for may have been changed by the attempt itself, and may be so each time.
        let place = self.put_off(task, if is_over { now + CHANGED_MEANWHILE } else { at });
        self.waiting.extend(id.zip(place));
    }

    /// Puts an event in flight off until `at`, as parked events of its key are being replayed: these go first.
    pub(crate) fn wait_for_replays(&mut self, mut task: Task, at: Instant) {
        let Some(partition) = self.end(&task) else { return };
        if partition.is_draining {
            return;
        }
        partition.stick(&task);
        if let Some(replay) = partition.replay_before(&task) {
            self.ready.push_back(replay);
            return;
        }
        self.last_retry += 1;
        let place = (at, self.last_retry);
        task.is_after_replays = true;
        self.after_replays.insert((task.assignment, task.order_key), place);
        self.retries.insert(place, task);
    }

    /// A replayed event has come: if an event of its key waits for it, it goes first.
    pub(super) fn replay_goes_first(&mut self, assignment: u64, order_key: OrderKey) {
        let of = (assignment, order_key);
        let Some(&place) = self.after_replays.get(&of) else { return };
        let Some(partition) = self.partitions.get_mut(&assignment) else { return };
        let Some(replay) = self.retries.get(&place).and_then(|task| partition.replay_before(task)) else { return };
        self.retries.remove(&place);
        self.after_replays.remove(&of);
        self.ready.push_back(replay);
    }

    /// Makes an event ready that waits for an object. Returns whether it did.
    pub(crate) fn wake(&mut self, id: EventId) -> bool {
        let task = self.waiting.remove(&id).and_then(|place| self.retries.remove(&place));
        let is_waiting = task.is_some();
        self.ready.extend(task);
        is_waiting
    }

    /// Puts an event in flight off that did not reach the target. Returns it if it is to blame for that itself: others
    /// have reached it.
    pub(crate) fn unreached(&mut self, mut task: Task, call: Absence<'_>, now: Instant) -> (Option<Task>, News) {
        let queues = self.partitions.values().map(Partition::queues).sum();
        let (blame, news) = self.target.unreached(&mut task, call, queues, now);
        if blame == Blame::Event {
            return (Some(task), news);
        }
        task.waits = task.waits.saturating_add(1);
        task.wait = None;
        if self.target.is_away() {
            // All take turns: the delay is that of the target.
            self.put_last(task);
        } else {
            task.waiting_since.get_or_insert(now);
            let at = now + self.target.delay(task.waits, call.unit);
            self.put_off(task, at);
        }
        (None, news)
    }

    /// Returns since when and why the target is away, while it is.
    pub(crate) fn outage(&self) -> Option<&Outage> {
        self.target.outage()
    }

    /// Returns where in `retries` the event is; none if its partition goes.
    fn put_off(&mut self, mut task: Task, at: Instant) -> Option<(Instant, u64)> {
        self.last_retry += 1;
        let place = (at, self.last_retry);
        let partition = self.end(&task)?;
        partition.acquit(&mut task);
        if partition.is_draining {
            return None;
        }
        partition.stick(&task);
        self.retries.insert(place, task);
        Some(place)
    }

    fn put_last(&mut self, mut task: Task) {
        let Some(partition) = self.end(&task) else { return };
        partition.acquit(&mut task);
        if !partition.is_draining {
            partition.stick(&task);
            self.ready.push_back(task);
        }
    }

    /// Puts an event back that was taken and not started; it is the next to be taken.
    pub(crate) fn put_back(&mut self, task: Task, now: Instant) {
        self.target.left(task.id(), now);
        let Some(partition) = self.end(&task) else { return };
        if !partition.is_draining {
            self.ready.push_front(task);
        }
    }

    /// Gives up an event in flight. It is not done: the next owner of its partition handles it.
    pub(crate) fn abandon(&mut self, task: &Task, now: Instant) {
        self.target.left(task.id(), now);
        self.end(task);
    }
}
