//! Which offset of each partition is expected next.

use std::collections::HashMap;

use rdkafka::message::{BorrowedMessage, Message as _};

use crate::kafka::scout::Gap;
use crate::kafka::shared::SharedTracker;
use crate::kafka::topic_partition::TopicPartition;

/// The partition that the last event came from.
struct Last {
    from: TopicPartition,
    assignment: u64,
    /// [`SharedTracker::assignments_version`] when the assignment was looked up.
    version: u64,
    /// The offset that is expected next, if it is known.
    next: Option<i64>,
}

/// The offsets that are expected next, by assignment.
#[derive(Default)]
pub(super) struct Positions {
    /// The next event mostly comes from the same partition, which saves looking its assignment up.
    last: Option<Last>,
    /// Of each other assignment, if it is known.
    expected: HashMap<u64, i64, ahash::RandomState>,
}

impl Positions {
    /// Returns the partition that a message came from, and the number of its assignment; `None` if there is none any
    /// more.
    pub(super) fn look_up(
        &mut self,
        tracker: &SharedTracker,
        message: &BorrowedMessage<'_>,
    ) -> Option<(&TopicPartition, u64)> {
        let version = tracker.assignments_version();
        let is_same = self.last.as_ref().is_some_and(|last| {
            last.from.partition == message.partition()
                && *last.from.topic == *message.topic()
                && last.version == version
        });
        if !is_same {
            self.keep_last();
            let from = TopicPartition { topic: message.topic().into(), partition: message.partition() };
            let assignment = tracker.lock().assignment(&from)?;
            let next = self.expected.get(&assignment).copied();
            self.last = Some(Last { from, assignment, version, next });
        }
        self.last.as_ref().map(|last| (&last.from, last.assignment))
    }

    /// Takes note of an offset of the partition that was looked up last. Returns the gap before it, if there is one.
    pub(super) fn receive(&mut self, offset: i64) -> Option<Gap> {
        let last = self.last.as_mut()?;
        let from = last.next.filter(|next| offset > *next);
        last.next = Some(offset + 1);
        from.map(|from| Gap { partition: last.from.clone(), from, to: offset })
    }

    /// Takes note of where an assignment begins, if that is known.
    pub(super) fn begin(&mut self, assignment: u64, from: Option<i64>) {
        self.keep_last();
        self.expected.extend(from.map(|from| (assignment, from)));
    }

    /// Returns the offset that is expected next of an assignment, if it is known.
    pub(super) fn next(&mut self, assignment: u64) -> Option<i64> {
        self.keep_last();
        self.expected.get(&assignment).copied()
    }

    /// Keeps the expected offset of the last partition.
    fn keep_last(&mut self) {
        if let Some(Last { assignment, next: Some(next), .. }) = self.last.take() {
            self.expected.insert(assignment, next);
        }
    }
}
