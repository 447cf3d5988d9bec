//! A partition of a topic, and conversions from and to librdkafka's lists of them.

use std::fmt;
use std::sync::Arc;

use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicPartition {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// Returns the partitions of a list of librdkafka.
pub(crate) fn from_list(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(to_partition).collect()
}

/// Returns the partition of an element of a list.
pub(crate) fn to_partition(one: &TopicPartitionListElem<'_>) -> TopicPartition {
    TopicPartition { topic: one.topic().into(), partition: one.partition() }
}

/// Returns a list of partitions for librdkafka.
pub(crate) fn to_list(partitions: &[TopicPartition]) -> TopicPartitionList {
    partitions.iter().map(|one| (one.topic.to_string(), one.partition, Offset::Invalid)).collect()
}

/// Returns the partitions as text for a log line: `topic/0 topic/1`.
pub(crate) fn to_text(partitions: &[TopicPartition]) -> String {
    let all: Vec<_> = partitions.iter().map(TopicPartition::to_string).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(" ") }
}
