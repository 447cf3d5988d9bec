//! librdkafka's callbacks of a consumer: statistics, errors, rebalances. They run on the consumer thread.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use xos_steps::call::panic_text;

use super::client;
use super::notifier::Notifier;
use super::problem::{Evidence, LastProblem, Problem};
use super::seen::{lag, view};
use super::shared::SharedTracker;
use super::stall::{Stall, StallWatch, View};
use super::topic_partition::{TopicPartition, from_list, to_list};
use crate::state::ConsumerStates;

/// The facility of the line that says that the brokers are of another cluster than before.
const OTHER_CLUSTER: &str = "CLUSTERID";
/// The states of a group that has this member.
const MEMBER: (&str, &str) = ("up", "steady");

/// A change of the assignment that the group asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// These partitions are added.
    Assign(Vec<TopicPartition>),
    /// These are taken away.
    Revoke(Vec<TopicPartition>),
}

/// The context of a consumer: librdkafka calls it.
pub(crate) struct CallbackContext {
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) states: ConsumerStates,
    pub(crate) step: String,
    pub(crate) notifier: Notifier,
    pub(crate) span: tracing::Span,
    /// It outlives the client: that a right is lost is no news to the next one.
    pub(crate) last_problem: Arc<LastProblem>,
    /// Whether messages of open transactions are not read.
    pub(crate) is_committed: bool,
    pub(crate) stalled_after: Duration,
    pub(crate) found: Found,
}

/// What the callbacks have found, for the consumer thread.
#[derive(Default)]
pub(crate) struct Found {
    changes: Mutex<VecDeque<Change>>,
    /// Whether nobody works on `changes` any more.
    is_closing: AtomicBool,
    /// Whether partitions are taken or given away, so that the others stand still.
    is_rebalancing: AtomicBool,
    /// How many events on the broker are not done, by the last statistics.
    lag: AtomicI64,
    /// Whether there are events that the tracker does not have yet.
    has_batch: AtomicBool,
    watch: Mutex<StallWatch>,
    stall: Mutex<Option<Stall>>,
    /// The ends of partitions, as the broker was asked for them.
    ends: Mutex<HashMap<TopicPartition, i64>>,
    /// Whether the brokers are of another cluster than before.
    is_other_cluster: AtomicBool,
    /// The message of a panic in a callback.
    panic: Mutex<Option<String>>,
}

impl ClientContext for CallbackContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.guard(|| {
            if facility == OTHER_CLUSTER {
                self.found.is_other_cluster.store(true, Ordering::Relaxed);
            }
            self.tracker.see(facility, message);
            self.last_problem.log(level, facility, message);
        });
    }

    fn stats(&self, statistics: Statistics) {
        self.guard(|| self.evaluate(&statistics));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.guard(|| self.report(Problem::new(&error, reason, Instant::now())));
    }
}

impl ConsumerContext for CallbackContext {
    /// Keeps the change for the consumer thread: events in flight may take long to end, and until then the other
    /// partitions, and the membership in the group, need a thread that polls.
    fn rebalance(&self, client: &BaseConsumer<Self>, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        self.guard(|| {
            let partitions = from_list(partitions);
            let change = match what {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assign(partitions),
                _ => Change::Revoke(partitions),
            };
            let mut changes = lock(&self.found.changes);
            if self.found.is_closing.load(Ordering::SeqCst) {
                drop(changes);
                change.apply(client);
            } else {
                changes.push_back(change);
            }
        });
    }
}

impl Change {
    /// Makes the change at once, without any regard for events.
    pub(crate) fn apply(&self, client: &BaseConsumer<CallbackContext>) {
        let applied = match self {
            Self::Assign(partitions) => client::assign(client, &to_list(partitions)),
            Self::Revoke(partitions) => client::unassign(client, &to_list(partitions)),
        };
        if let Err(error) = applied {
            tracing::debug!(%error, "cannot change the assignment");
        }
    }
}

impl CallbackContext {
    /// Runs a callback. A panic must not unwind through librdkafka, least of all while the consumer is closed: it is
    /// kept for [`take_panic`](Self::take_panic).
    fn guard(&self, callback: impl FnOnce()) {
        let _entered = self.span.enter();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(callback)) {
            self.keep_panic(panic_text(panic.as_ref()));
        }
    }

    /// Keeps the message of a panic: the consumer ends with it.
    pub(crate) fn keep_panic(&self, panic: &str) {
        *lock(&self.found.panic) = Some(panic.to_owned());
    }

    /// Returns the message of the panic that a callback ended with, if one did.
    pub(crate) fn take_panic(&self) -> Option<String> {
        lock(&self.found.panic).take()
    }

    /// Returns the next change of the assignment.
    pub(crate) fn next_change(&self) -> Option<Change> {
        lock(&self.found.changes).pop_front()
    }

    /// Returns whether all of these partitions are to be given away as soon as they are taken.
    pub(crate) fn will_revoke(&self, partitions: &[TopicPartition]) -> bool {
        let takes_all = |change: &Change| match change {
            Change::Revoke(revoked) => partitions.iter().all(|one| revoked.contains(one)),
            Change::Assign(_) => false,
        };
        lock(&self.found.changes).iter().any(takes_all)
    }

    /// Returns whether there is another change.
    pub(crate) fn has_change(&self) -> bool {
        !lock(&self.found.changes).is_empty()
    }

    /// From now on changes are made at once. Returns those that are left.
    pub(crate) fn start_closing(&self) -> Vec<Change> {
        let mut changes = lock(&self.found.changes);
        self.found.is_closing.store(true, Ordering::SeqCst);
        changes.drain(..).collect()
    }

    /// Says whether partitions are being taken or given away.
    pub(crate) fn set_rebalancing(&self, is_rebalancing: bool) {
        self.found.is_rebalancing.store(is_rebalancing, Ordering::Relaxed);
    }

    /// Returns how many events on the broker are not done.
    pub(crate) fn lag(&self) -> i64 {
        self.found.lag.load(Ordering::Relaxed)
    }

    /// Says whether there are events that the tracker does not have yet.
    pub(crate) fn set_batch(&self, has_batch: bool) {
        self.found.has_batch.store(has_batch, Ordering::Relaxed);
    }

    /// Takes note of the ends of all assigned partitions, as the broker was asked for them.
    pub(crate) fn set_ends(&self, ends: HashMap<TopicPartition, i64>) {
        *lock(&self.found.ends) = ends;
    }

    /// Returns the partition that stands still, if one does.
    pub(crate) fn take_stall(&self) -> Option<Stall> {
        lock(&self.found.stall).take()
    }

    /// Returns whether the brokers are of another cluster than before.
    pub(crate) fn is_other_cluster(&self) -> bool {
        self.found.is_other_cluster.load(Ordering::Relaxed)
    }

    /// Takes lag, stalls and the end of a problem from librdkafka's statistics.
    fn evaluate(&self, statistics: &Statistics) {
        let has_batch = self.found.has_batch.load(Ordering::Relaxed);
        let mut total = 0;
        let mut views = vec![];
        {
            let ends = lock(&self.found.ends);
            let tracker = self.tracker.lock();
            for partition in tracker.assigned() {
                let Some(progress) = tracker.progress_of(&partition) else { continue };
                let topic = statistics.topics.get(&*partition.topic);
                let seen = topic.and_then(|topic| topic.partitions.get(&partition.partition));
                total += seen.and_then(|seen| lag(&progress, seen, has_batch, self.is_committed)).unwrap_or(0);
                let end = ends.get(&partition).copied();
                views.push(view(partition, &progress, seen, end, self.is_committed));
            }
        }
        let group = statistics.cgrp.as_ref();
        let evidence = Evidence {
            connection: statistics.brokers.values().any(|broker| broker.state == "UP"),
            group: group.is_some_and(|group| (group.state.as_str(), group.join_state.as_str()) == MEMBER),
            topics: false,
        };
        self.watch(evidence, &views);
        self.found.lag.store(total, Ordering::Relaxed);
        self.solved(evidence);
    }

    /// Looks for partitions that stand still. They may while the broker is away, the group is rebalanced, or a right is
    /// missing.
    fn watch(&self, evidence: Evidence, views: &[View]) {
        let mut watch = lock(&self.found.watch);
        let is_rebalancing = self.found.is_rebalancing.load(Ordering::Relaxed);
        if !evidence.connection || !evidence.group || is_rebalancing || self.last_problem.is_about_rights() {
            watch.clear();
        } else if let Some(stall) = watch.look(Instant::now(), views, self.stalled_after) {
            watch.clear();
            *lock(&self.found.stall) = Some(stall);
        }
    }

    /// Takes note of what works. If the last problem is over, it is told.
    pub(crate) fn solved(&self, evidence: Evidence) {
        if self.last_problem.clear_if_over(evidence) {
            self.states.update(&self.step, |state| state.problem = None);
            tracing::info!("the event bus works again");
            self.notifier.bus_up();
        }
    }

    /// Reports a problem with the event bus: once, and again when more is known of it, but not after each attempt.
    pub(crate) fn report(&self, problem: Problem) {
        tracing::debug!(problem = problem.text, "error of the event bus");
        let (problem, is_news) = self.last_problem.add(problem);
        self.states.update(&self.step, |state| state.problem = Some(problem.clone()));
        if is_news {
            tracing::warn!(
                problem,
                "cannot use the event bus, trying again: check the brokers, and `event_bus` in the configuration"
            );
            self.notifier.bus_down(&problem);
            self.last_problem.told();
        }
    }
}

/// Returns whether an error says that the broker does not have the next offset of a partition.
pub(crate) fn is_out_of_range(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::LogTruncation))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
