//! librdkafka's callbacks of a consumer: statistics, errors, rebalances, commits. They run on the consumer thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Partition as PartitionStatistics;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use xos_steps::call::panic_text;

use super::notifier::Notifier;
use super::problem::{LastProblem, Problem, log};
use super::shared::SharedTracker;
use super::topic_partition::{TopicPartition, from_list, to_offset_list, to_text};
use crate::state::ConsumerStates;

/// The context of a consumer: librdkafka calls it.
pub(crate) struct CallbackContext {
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) states: ConsumerStates,
    pub(crate) step: String,
    pub(crate) notifier: Notifier,
    /// How long events in flight have to end when their partition is revoked.
    pub(crate) grace: Duration,
    pub(crate) span: tracing::Span,
    pub(crate) last_problem: LastProblem,
    /// How many events on the broker were not received, by the last statistics.
    pub(crate) unreceived: AtomicI64,
    pub(crate) commit_failed: AtomicBool,
    pub(crate) commit_pending: AtomicBool,
    /// The message of a panic in a callback.
    pub(crate) panic: Mutex<Option<String>>,
}

impl ClientContext for CallbackContext {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        self.guard(|| log(level, facility, message));
    }

    fn stats(&self, statistics: Statistics) {
        self.guard(|| self.evaluate(&statistics));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.guard(|| self.report(Problem::new(&error, reason, Instant::now())));
    }
}

impl CallbackContext {
    /// Runs a callback. A panic must not unwind through librdkafka, least of all while the consumer is closed: it is
    /// kept for [`take_panic`](Self::take_panic).
    fn guard(&self, callback: impl FnOnce()) {
        let _entered = self.span.enter();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(callback)) {
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic_text(panic.as_ref()).to_owned());
        }
    }

    /// Returns the message of the panic that a callback ended with, if one did.
    pub(crate) fn take_panic(&self) -> Option<String> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes lag and the end of a problem from librdkafka's statistics.
    fn evaluate(&self, statistics: &Statistics) {
        let mut unreceived = 0;
        let mut lag = 0;
        for topic in statistics.topics.values() {
            let name: Arc<str> = topic.topic.as_str().into();
            for statistics in topic.partitions.values().filter(|one| one.partition >= 0 && one.hi_offset >= 0) {
                let partition = TopicPartition { topic: Arc::clone(&name), partition: statistics.partition };
                if let Some(partition_lag) = self.lag(&partition, statistics) {
                    lag += partition_lag;
                    unreceived += statistics.consumer_lag.max(0);
                }
            }
        }
        self.unreceived.store(unreceived, Ordering::Relaxed);
        let has_broker = statistics.brokers.values().any(|broker| broker.state == "UP");
        if has_broker {
            self.last_problem.clear();
        }
        let mut is_solved = false;
        self.states.update(&self.step, |state| {
            state.lag = lag;
            is_solved = has_broker && state.problem.take().is_some();
        });
        if is_solved {
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
        }
    }

    /// Returns how many events of a partition are not done; `None` if it is not assigned.
    fn lag(&self, partition: &TopicPartition, statistics: &PartitionStatistics) -> Option<i64> {
        let tracker = self.tracker.lock();
        tracker.assignment(partition)?;
        let is_committed = statistics.committed_offset >= 0;
        let committed = if is_committed { statistics.committed_offset } else { statistics.lo_offset };
        let done_up_to = tracker.done_up_to(partition).unwrap_or(committed.max(0));
        Some((statistics.hi_offset - done_up_to).max(0))
    }

    /// Lets events in flight end and commits what is done. After that the partitions belong to another consumer.
    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &[TopicPartition]) {
        tracing::info!(partitions = to_text(partitions), "partitions revoked");
        self.tracker.drain(partitions, self.grace);
        // Nothing can be committed for partitions that were lost: their new owner may have them already.
        if !consumer.assignment_lost() {
            // Also the offsets of a commit that is still pending.
            self.tracker.lock().commit_again();
            let offsets = to_offset_list(self.tracker.lock().take_offsets_to_commit());
            if offsets.count() > 0
                && let Err(error) = consumer.commit(&offsets, CommitMode::Sync)
            {
                tracing::warn!(%error, "cannot commit the last offsets: their events will be handled again");
            }
        }
        partitions.iter().for_each(|partition| self.tracker.revoke(partition));
    }
}

impl ConsumerContext for CallbackContext {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.guard(|| match rebalance {
            Rebalance::Assign(partitions) => {
                let partitions = from_list(partitions);
                tracing::info!(partitions = to_text(&partitions), "partitions assigned");
                for partition in &partitions {
                    self.tracker.assign(partition);
                }
            }
            Rebalance::Revoke(partitions) => self.revoke(consumer, &from_list(partitions)),
            Rebalance::Error(error) => self.report(Problem::without_reason(error, Instant::now())),
        });
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        self.commit_pending.store(false, Ordering::Relaxed);
        if let Err(error) = result {
            // There was nothing to commit.
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) {
                tracing::debug!(%error, "commit failed, trying again");
                self.commit_failed.store(true, Ordering::Relaxed);
            }
        }
    }
}
