//! Counts and tells events that retention has deleted before they were received.

use std::sync::Arc;

use super::counters::Counters;
use super::notifier::Notifier;
use super::scout::Gap;
use super::start::missed_in_gap;
use super::topic_partition::TopicPartition;

/// Tells missed events of a step.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    pub(crate) counters: Arc<Counters>,
    pub(crate) notifier: Notifier,
}

impl Missing {
    /// Tells that the offsets `from..to` are gone.
    pub(crate) fn tell(&self, partition: &TopicPartition, from: i64, to: i64) {
        let count = (to - from).max(0);
        self.counters.missed(u64::try_from(count).unwrap_or_default());
        tracing::warn!(
            %partition,
            from,
            to,
            count,
            "events were deleted by the retention of their topic before they were received: give the topic a retention \
             that is longer than the step may be away or behind"
        );
        self.notifier.events_missed(partition, from, to);
    }

    /// Tells what of the gaps of a partition is before `low`, the first offset of the broker.
    pub(crate) fn in_gaps(&self, partition: &TopicPartition, gaps: &[Gap], low: i64) {
        for Gap { from, to, .. } in gaps {
            let count = missed_in_gap(*from, *to, low);
            if count > 0 {
                self.tell(partition, *from, from + count);
            }
        }
    }
}
