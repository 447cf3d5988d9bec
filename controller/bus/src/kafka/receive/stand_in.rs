//! Receives the events of the partitions that are kept while others are given away.
//!
//! librdkafka fetches nothing at all from when a partition is to be given away until that is done, and before that its
//! events in flight have to end. So a second client, which is in no group, receives the others meanwhile. When it is
//! over the first client goes on from where it was, and what it receives again is left out.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use crate::kafka::problem::LastProblem;
use crate::kafka::shared::SharedTracker;
use crate::kafka::topic_partition::{TopicPartition, to_list};

/// A client that stands in for another one.
pub(crate) struct StandIn(BaseConsumer<Context>);

/// Its context: the first client reports problems, and both must mean the same topics.
struct Context {
    tracker: Arc<SharedTracker>,
    problem: LastProblem,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.tracker.see(facility, message);
        self.problem.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "error of the event bus");
    }
}

impl ConsumerContext for Context {}

impl StandIn {
    /// Begins to receive these partitions from these offsets.
    pub(crate) fn start(
        consumer: &ClientConfig,
        tracker: &Arc<SharedTracker>,
        partitions: &[(TopicPartition, i64)],
    ) -> KafkaResult<Self> {
        let mut config = consumer.clone();
        config.remove("group.instance.id");
        config.set("statistics.interval.ms", "0");
        let context = Context { tracker: Arc::clone(tracker), problem: LastProblem::default() };
        let client: BaseConsumer<Context> = config.create_with_context(context)?;
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (partition, offset) in partitions {
            list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset))?;
        }
        client.assign(&list)?;
        Ok(Self(client))
    }

    /// Returns the next message, if one is there.
    pub(crate) fn poll(&self) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        self.0.poll(Duration::ZERO)
    }

    /// Does not receive partitions for now.
    pub(crate) fn pause(&self, partitions: &[TopicPartition]) {
        if let Err(error) = self.0.pause(&to_list(partitions)) {
            tracing::debug!(%error, "cannot pause partitions");
        }
    }

    /// Receives partitions again.
    pub(crate) fn resume(&self, partitions: &[TopicPartition]) {
        if let Err(error) = self.0.resume(&to_list(partitions)) {
            tracing::debug!(%error, "cannot resume partitions");
        }
    }

    /// Ends, on a thread of its own: that may wait for the broker.
    pub(crate) fn end(self) {
        if let Err(error) = thread::Builder::new().name("xos-bus-close".to_owned()).spawn(move || drop(self.0)) {
            tracing::warn!(%error, "cannot start a thread to close a client");
        }
    }
}

/// What the first client will receive again, by partition: from its position to what the other one has received.
#[derive(Debug, Default)]
pub(crate) struct Again(HashMap<TopicPartition, (i64, i64)>);

impl Again {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes note that the offsets `from..to` of a partition will be received again.
    pub(crate) fn add(&mut self, partition: TopicPartition, from: i64, to: i64) {
        if from < to {
            self.0.insert(partition, (from, to));
        }
    }

    /// Returns whether an offset was received already. The first one that was not ends it for the partition: from then
    /// on nothing is left out, as where the topic was created again.
    pub(crate) fn has(&mut self, partition: &TopicPartition, offset: i64) -> bool {
        let Some((from, to)) = self.0.get(partition) else { return false };
        if (*from..*to).contains(&offset) {
            return true;
        }
        self.0.remove(partition);
        false
    }

    /// Forgets a partition that was revoked.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.0.remove(partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_already_is_left_out_once() {
        let partition = |partition| TopicPartition { topic: "t".into(), partition };
        let mut again = Again::default();
        again.add(partition(0), 10, 13);
        again.add(partition(1), 10, 10);
        assert!(!again.has(&partition(1), 10), "nothing of it was received");
        assert_eq!(
            [10, 11, 12, 13, 12].map(|offset| again.has(&partition(0), offset)),
            [true, true, true, false, false]
        );
        again.add(partition(0), 10, 13);
        assert!(!again.has(&partition(0), 0), "the topic was created again");
        assert!(!again.has(&partition(0), 11) && again.is_empty());
    }
}
