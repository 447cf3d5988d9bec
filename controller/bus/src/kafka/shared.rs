//! The tracker, shared by a step's consumer thread and its workers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use xos_model::Backoff;
use xos_model::gate::Outage;

use super::commit::Committer;
use super::raw_headers::RawHeaders;
use super::sight::Sight;
use super::topic_partition::TopicPartition;
use super::tracker::{Counts, EventId, Limits, PartitionTracker, Received};

/// What those who handle the events of an assignment look at.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    /// Cancelled when it is over.
    pub(crate) over: CancellationToken,
    /// Whether the log of the partition was read, and says nothing of any event: then no event has to look into it. It is
    /// changed while the log is locked.
    nothing_parked: AtomicBool,
}

impl Assignment {
    /// Returns one that is over.
    fn ended() -> Self {
        let ended = Self::default();
        ended.over.cancel();
        ended
    }

    /// Returns whether nothing of the partition is parked, for certain.
    pub(crate) fn has_nothing_parked(&self) -> bool {
        self.nothing_parked.load(Ordering::Acquire)
    }

    /// Says whether nothing of the partition is parked, for certain.
    pub(crate) fn set_nothing_parked(&self, is_it: bool) {
        self.nothing_parked.store(is_it, Ordering::Release);
    }
}

/// A tracker behind a lock, and the signals between those who use it.
pub(crate) struct SharedTracker {
    tracker: Mutex<PartitionTracker>,
    /// The way to the thread that commits.
    pub(crate) committer: Committer,
    /// The headers of events that are to be parked with headers that the events cannot have.
    pub(crate) raw_headers: RawHeaders,
    /// Wakes a dispatcher: there is something to do.
    pub(crate) work_available: Notify,
    /// Wakes the consumer thread: an event has ended.
    progress: Condvar,
    /// How many wait for `progress`: without any, nobody needs to be woken.
    progress_waiters: AtomicUsize,
    /// Whether the consumer thread is to end.
    pub(crate) stopping: AtomicBool,
    /// Whether a topic is another one than before.
    made_anew: AtomicBool,
    /// Cancelled when no more events are to be taken.
    pub(crate) closed: CancellationToken,
    /// Changes with every assignment and revocation.
    assignments_version: AtomicU64,
    /// By the number of the assignment.
    assignments: Mutex<HashMap<u64, Arc<Assignment>>>,
}

impl SharedTracker {
    /// Returns a tracker without partitions. `probes` are the delays between attempts to reach a target that is away.
    pub(crate) fn new(limits: Limits, probes: Backoff) -> Self {
        Self {
            tracker: Mutex::new(PartitionTracker::new(limits, probes)),
            committer: Committer::new(),
            raw_headers: RawHeaders::default(),
            work_available: Notify::new(),
            progress: Condvar::new(),
            progress_waiters: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            made_anew: AtomicBool::new(false),
            closed: CancellationToken::new(),
            assignments_version: AtomicU64::new(0),
            assignments: Mutex::default(),
        }
    }

    // Poisoned locks are used on: nothing that holds one leaves a change half made.

    /// Locks the tracker.
    pub(crate) fn lock(&self) -> MutexGuard<'_, PartitionTracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assignments(&self) -> MutexGuard<'_, HashMap<u64, Arc<Assignment>>> {
        self.assignments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the threads that wait for events to end.
    pub(crate) fn notify_progress(&self) {
        if self.progress_waiters.load(Ordering::SeqCst) > 0 {
            self.progress.notify_all();
        }
    }

    /// Waits until an event has ended, at most for `timeout`.
    fn wait<'a>(
        &self,
        tracker: MutexGuard<'a, PartitionTracker>,
        timeout: Duration,
    ) -> MutexGuard<'a, PartitionTracker> {
        // No event can end before the wait begins: the tracker is locked until then.
        self.progress_waiters.fetch_add(1, Ordering::SeqCst);
        let tracker = self.progress.wait_timeout(tracker, timeout).unwrap_or_else(PoisonError::into_inner).0;
        self.progress_waiters.fetch_sub(1, Ordering::SeqCst);
        tracker
    }

    /// Returns what those look at who handle the events of an assignment.
    pub(crate) fn assignment(&self, assignment: u64) -> Arc<Assignment> {
        self.assignments().get(&assignment).cloned().unwrap_or_else(|| Arc::new(Assignment::ended()))
    }

    /// Adds an assigned partition and returns the number of the assignment.
    pub(crate) fn assign(&self, partition: &TopicPartition) -> u64 {
        self.revoke(partition);
        let assignment = self.lock().assign(partition);
        self.assignments().insert(assignment, Arc::default());
        self.assignments_version.fetch_add(1, Ordering::Relaxed);
        assignment
    }

    /// Returns a number that changes with every assignment and revocation.
    pub(crate) fn assignments_version(&self) -> u64 {
        self.assignments_version.load(Ordering::Relaxed)
    }

    /// Accepts events by [`PartitionTracker::accept`] and returns those that it returns.
    pub(crate) fn accept(&self, received: impl IntoIterator<Item = Received>) -> Vec<Received> {
        let mut tracker = self.lock();
        let rewound = received.into_iter().filter_map(|received| tracker.accept(received).err()).collect();
        drop(tracker);
        self.work_available.notify_one();
        rewound
    }

    /// Takes note of what a line of a client tells of a topic.
    pub(crate) fn see(&self, facility: &str, line: &str) {
        if let Some(sight) = Sight::read(facility, line)
            && self.lock().see(&sight)
        {
            self.made_anew.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the topics that were deleted and created again, if some were.
    pub(crate) fn made_anew(&self) -> Option<String> {
        // It is asked for each event.
        let is_any = self.made_anew.load(Ordering::Relaxed);
        is_any.then(|| self.lock().made_anew().collect::<Vec<_>>().join(" "))
    }

    /// Returns the numbers of partitions and events, and the outage while the target of the step is away.
    pub(crate) fn progress(&self) -> (Counts, Option<Outage>) {
        let tracker = self.lock();
        (tracker.counts(), tracker.outage().cloned())
    }

    /// Makes an event ready that waits for an object.
    pub(crate) fn wake(&self, id: EventId) {
        if self.lock().wake(id) {
            self.work_available.notify_one();
        }
    }

    /// Removes a partition and cancels its events in flight.
    pub(crate) fn revoke(&self, partition: &TopicPartition) {
        let mut tracker = self.lock();
        let assignment = tracker.assignment(partition);
        tracker.remove(partition);
        drop(tracker);
        self.assignments_version.fetch_add(1, Ordering::Relaxed);
        if let Some(ended) = assignment.and_then(|assignment| self.assignments().remove(&assignment)) {
            ended.over.cancel();
        }
    }

    /// Removes all partitions and cancels their events in flight.
    pub(crate) fn revoke_all(&self) {
        let assigned = self.lock().assigned();
        assigned.iter().for_each(|partition| self.revoke(partition));
    }

    /// Waits for a full partition to have room, at most for `timeout`. Returns `false` if it is still full: it must be
    /// paused.
    pub(crate) fn wait_for_room(&self, partition: &TopicPartition, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut tracker = self.lock();
        while !tracker.has_room(partition) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return !tracker.is_full(partition);
            }
            tracker = self.wait(tracker, left);
        }
        true
    }
}
