//! The logs of the partitions that are assigned: what is parked of them.
//!
//! No event of a partition is handled before its log was read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;
use xos_steps::BusEvent;

use super::assigned::AssignedLog;
use super::notices::Notices;
use super::reader::Reader;
use super::topics::{ParkedTopics, Store};
use crate::kafka::shared::SharedTracker;
use crate::kafka::topic_partition::TopicPartition;
use crate::parked::log::Log;
use crate::parked::record::{Marker, Parking, Record, What};
use crate::settings::Settings;
use crate::state::ConsumerStates;

/// How long an event waits for its partition's log before it makes room for others.
const PATIENCE: Duration = Duration::from_secs(1);

/// The step whose parked events are read.
pub(crate) struct OfStep {
    pub(crate) step: String,
    pub(crate) group: String,
    pub(crate) synchronizer: String,
    pub(crate) settings: Settings,
    pub(crate) topics: Arc<ParkedTopics>,
    /// Where records are written to: the same topics.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) notices: Notices,
    pub(crate) states: ConsumerStates,
}

/// The logs of the assigned partitions. The thread ends when this is dropped.
pub(crate) struct Logs(Arc<Shared>);

/// What the reader shares with those who ask.
pub(super) struct Shared {
    pub(super) of: OfStep,
    pub(super) tracker: Arc<SharedTracker>,
    runtime: Handle,
    /// By the number of the assignment.
    pub(super) logs: Mutex<HashMap<u64, AssignedLog>>,
    /// A log was read.
    pub(super) loaded: Notify,
    has_work: Mutex<bool>,
    work: Condvar,
    /// Whether there is another partition to follow, or one less.
    pub(super) is_changed: AtomicBool,
    stopping: AtomicBool,
}

impl Logs {
    /// Starts reading.
    pub(crate) fn start(of: OfStep, tracker: &Arc<SharedTracker>) -> Self {
        let logs = Self::new(of, tracker);
        let reader = Reader::new(Arc::clone(&logs.0));
        let span = tracing::Span::current();
        // Nobody waits for its end: ending a client may wait for a broker.
        std::thread::spawn(move || span.in_scope(|| reader.run()));
        logs
    }

    fn new(of: OfStep, tracker: &Arc<SharedTracker>) -> Self {
        Self(Arc::new(Shared {
            of,
            tracker: Arc::clone(tracker),
            runtime: Handle::current(),
            logs: Mutex::default(),
            loaded: Notify::new(),
            has_work: Mutex::new(true),
            work: Condvar::new(),
            is_changed: AtomicBool::new(true),
            stopping: AtomicBool::new(false),
        }))
    }

    /// Returns the empty log of one partition, which nobody reads on.
    #[cfg(test)]
    pub(crate) fn of_one(of: OfStep, tracker: &Arc<SharedTracker>, assignment: u64, from: TopicPartition) -> Self {
        let logs = Self::new(of, tracker);
        let parked_in = logs.of().topics.name(&from.topic).into();
        let mut one = AssignedLog::new(from, parked_in, tracker.assignment(assignment));
        one.put(Log::from_offset(0), false);
        logs.0.logs().insert(assignment, one);
        logs
    }

    /// Calls `f` with the log of an assigned partition; `None` if it was not read yet.
    pub(crate) fn with<T>(&self, assignment: u64, f: impl FnOnce(&Log) -> T) -> Option<T> {
        self.0.logs().get(&assignment)?.log().map(f)
    }

    /// Calls `f` with the log of an assigned partition, to change it.
    #[cfg(test)]
    pub(crate) fn change<T>(&self, assignment: u64, f: impl FnOnce(&mut Log) -> T) -> Option<T> {
        self.0.logs().get_mut(&assignment)?.change(f)
    }

    /// Waits a while for the log of an assigned partition. Returns whether it was read.
    pub(crate) async fn loaded(&self, assignment: u64) -> bool {
        let waiting = async {
            loop {
                let loaded = self.0.loaded.notified();
                if self.with(assignment, |_| ()).is_some() {
                    return;
                }
                self.0.wake();
                loaded.await;
            }
        };
        timeout(PATIENCE, waiting).await.is_ok()
    }

    /// Takes in a record that was stored at `offset` for an event of an assigned partition.
    pub(crate) fn stored(&self, assignment: u64, offset: i64, record: Record) {
        let mut logs = self.0.logs();
        let Some(one) = logs.get_mut(&assignment) else { return };
        let is_news = !one.is_there;
        one.is_there = true;
        one.change(|log| log.stored(offset, record.origin, record.what));
        drop(logs);
        if is_news {
            self.0.is_changed.store(true, Ordering::Relaxed);
            self.0.wake();
        }
    }

    /// What the step parks in, and whom it tells.
    pub(crate) fn of(&self) -> &OfStep {
        &self.0.of
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.wake();
    }
}

impl OfStep {
    /// Returns the step as the one that parks events.
    pub(crate) fn parking(&self) -> Parking<'_> {
        Parking { synchronizer: &self.synchronizer, step: &self.step, group: &self.group }
    }
}

impl Shared {
    pub(super) fn logs(&self) -> MutexGuard<'_, HashMap<u64, AssignedLog>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        *self.has_work.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.work.notify_one();
    }

    pub(super) fn wait(&self, timeout: Duration) {
        let has_work = self.has_work.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut has_work, _) = self
            .work
            .wait_timeout_while(has_work, timeout, |has_work| !*has_work)
            .unwrap_or_else(PoisonError::into_inner);
        *has_work = false;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// Reads a record; `None` if it is not about an event of this step and topic.
    pub(super) fn record(&self, record: &BusEvent) -> Option<Record> {
        Record::read(record)
            .filter(|read| read.group == self.of.group && self.of.topics.name(&read.topic) == *record.topic)
    }

    /// Takes in a record that was read.
    pub(super) fn take_in(&self, record: &BusEvent) {
        self.take_in_by(record, |read| self.is_done(record, read));
    }

    fn take_in_by(&self, record: &BusEvent, is_done: impl FnOnce(&Record) -> bool) {
        let read = self.record(record);
        // Looked up before what is stored: an event that this process parks is done only after its record is known as
        // stored. The other way round its own record, read in between, would look like that of a process that is gone.
        let parked = read.as_ref().filter(|read| matches!(read.what, What::Parked { first: None, .. }));
        let was_done = parked.is_some_and(is_done);
        let mut logs = self.logs();
        let is_its = |one: &&mut AssignedLog| one.parked_in == record.topic && one.from.partition == record.partition;
        let Some(one) = logs.values_mut().find(is_its) else { return };
        let from = one.from.partition;
        let is_void = one.change(|log| take_in(log, record, read.as_ref(), (from, was_done))).unwrap_or(false);
        drop(logs);
        if let Some(read) = read.filter(|_| is_void) {
            self.void(record, &read);
        }
    }

    /// Returns whether the event of a record is done, as far as this process has its partition.
    fn is_done(&self, record: &BusEvent, read: &Record) -> bool {
        let from = TopicPartition { topic: read.topic.as_str().into(), partition: record.partition };
        let tracker = self.tracker.lock();
        tracker.assignment(&from).is_some_and(|assignment| tracker.is_done(assignment, read.origin.offset))
    }

    /// Takes back a record of a process that owned the partition before, and has come to life too late: the event was
    /// handled here meanwhile.
    fn void(&self, record: &BusEvent, read: &Record) {
        tracing::info!(
            event = record.place(),
            "a process that is gone has parked an event that was handled: taking it back"
        );
        let marker = self.of.parking().marker(&record.topic, &read.topic, read.origin, Marker::Dropped);
        let stored = self.runtime.block_on(self.of.store.append(&read.topic, record.partition, marker, None));
        if let Err(error) = stored {
            let event = record.place();
            tracing::warn!(%error, event, "cannot take back what was parked: drop it by `xos events drop`");
        }
    }
}

/// Takes in a record, or that there is one of others. Returns whether it is to be taken back: an event of this partition
/// `was_done` before it was parked by somebody else.
fn take_in(log: &mut Log, record: &BusEvent, read: Option<&Record>, (partition, was_done): (i32, bool)) -> bool {
    if record.offset < log.read_to() {
        tracing::warn!(
            topic = &*record.topic,
            "the topic of parked events was created again: reading it from its beginning"
        );
        *log = Log::from_offset(record.offset);
    }
    if record.offset > log.read_to() {
        log.forget_before(record.offset);
    }
    let Some(read) = read else {
        log.skip_to(record.offset + 1);
        return false;
    };
    let was_parked = log.get(&read.origin).is_some();
    log.read(record.offset, read.origin, &read.what);
    if let What::Replaying { order_key } = &read.what {
        log.replaying(record.offset, order_key, Instant::now());
    }
    let is_strange = !was_parked && log.get(&read.origin).is_some() && read.origin.partition == partition;
    let is_void = is_strange && was_done;
    if is_void {
        // Nobody is to act on it until that is written.
        log.read(record.offset, read.origin, &What::Ended);
    }
    is_void
}

#[cfg(test)]
mod tests;
