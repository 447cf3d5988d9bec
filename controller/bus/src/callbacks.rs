//! What librdkafka tells a consumer: statistics, errors, partitions that come and go, commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, Statistics, TopicPartitionList};

use crate::desk::Place;
use crate::logging::log;
use crate::partitions::{list, places, shown};
use crate::problem::{Known, Problem};
use crate::shared::Shared;
use crate::state::ConsumerStates;
use crate::teller::Teller;

/// What librdkafka calls back.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) states: ConsumerStates,
    pub(crate) step: String,
    pub(crate) teller: Teller,
    pub(crate) grace: Duration,
    pub(crate) span: tracing::Span,
    pub(crate) known: Known,
    /// Events on the broker that were not received, as the last statistics tell.
    pub(crate) unreceived: AtomicI64,
    pub(crate) commit_failed: AtomicBool,
    pub(crate) committing: AtomicBool,
}

impl ClientContext for Context {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, fac: &str, message: &str) {
        self.span.in_scope(|| log(level, fac, message));
    }

    fn stats(&self, statistics: Statistics) {
        let (mut unreceived, mut lag) = (0, 0);
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values().filter(|partition| partition.partition >= 0) {
                let place = Place { topic: topic.topic.as_str().into(), partition: partition.partition };
                let desk = self.shared.desk();
                if desk.assignment(&place).is_some() && partition.hi_offset >= 0 {
                    let known =
                        if partition.committed_offset >= 0 { partition.committed_offset } else { partition.lo_offset };
                    lag += (partition.hi_offset - desk.done_to(&place).unwrap_or(known.max(0))).max(0);
                    unreceived += partition.consumer_lag.max(0);
                }
            }
        }
        self.unreceived.store(unreceived, Ordering::Relaxed);
        let answers = statistics.brokers.values().any(|broker| broker.state == "UP");
        if answers {
            self.known.clear();
        }
        self.states.update(&self.step, |state| {
            state.lag = lag;
            if answers && state.problem.take().is_some() {
                self.span.in_scope(|| tracing::info!("the event bus answers again"));
                self.teller.is_up();
            }
        });
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.problem(Problem::new(&error, reason, Instant::now()));
    }
}

impl Context {
    /// What is wrong with the bus is told once, and again when more is known of it, not with each attempt.
    pub(crate) fn problem(&self, new: Problem) {
        let _entered = self.span.enter();
        tracing::debug!(problem = new.text, "the event bus");
        let (problem, tells_more) = self.known.take_in(new);
        if tells_more {
            tracing::warn!(problem, "the event bus is not as it should be; the consumer goes on trying");
            self.teller.is_down(&problem);
        }
        self.states.update(&self.step, |state| state.problem = Some(problem));
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let _entered = self.span.enter();
        match rebalance {
            Rebalance::Assign(partitions) => {
                let places = places(partitions);
                tracing::info!(partitions = %shown(&places), "partitions assigned");
                for place in &places {
                    self.shared.assign(place);
                }
            }
            Rebalance::Revoke(partitions) => self.give_up(consumer, &places(partitions)),
            Rebalance::Error(error) => self.problem(Problem::bare(error, Instant::now())),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        self.committing.store(false, Ordering::Relaxed);
        if let Err(error) = result {
            // There was nothing to commit.
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) {
                self.span.in_scope(|| tracing::debug!(%error, "commit failed, it is repeated"));
                self.commit_failed.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl Context {
    /// What is being handled may end, and is committed; then the partitions are somebody else's.
    fn give_up(&self, consumer: &BaseConsumer<Self>, places: &[Place]) {
        tracing::info!(partitions = %shown(places), "partitions go");
        self.shared.drain(places, self.grace);
        // Of partitions that were lost nothing can be committed: their new owner may be at work already.
        if !consumer.assignment_lost() {
            // Also those of a commit that is not answered yet.
            self.shared.desk().uncommit();
            let offsets = list(self.shared.desk().take_commits().into_iter());
            if offsets.count() > 0
                && let Err(error) = consumer.commit(&offsets, CommitMode::Sync)
            {
                tracing::warn!(%error, "the last offsets are not committed: their events will be handled again");
            }
        }
        places.iter().for_each(|place| self.shared.end(place));
    }
}
