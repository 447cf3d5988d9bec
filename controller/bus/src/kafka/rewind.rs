//! Starts a partition anew whose offsets went back: its topic was deleted and created again, or the broker has lost its
//! end.
//!
//! The events in flight are of what is gone, and nobody can receive them again. So they have the grace period to end
//! before the partition begins anew; what was received meanwhile waits for that.

use std::time::{Duration, Instant};

use super::shared::SharedTracker;
use super::topic_partition::TopicPartition;
use super::tracker::Received;

/// A partition that is to begin anew.
#[derive(Debug)]
struct Rewind {
    partition: TopicPartition,
    waiting: Vec<Received>,
    until: Instant,
}

/// The partitions that are to begin anew.
#[derive(Debug, Default)]
pub(crate) struct Rewinds(Vec<Rewind>);

impl Rewinds {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes those events out of a batch whose partition is to begin anew.
    pub(crate) fn take_from(&mut self, batch: &mut Vec<Received>) {
        for rewind in &mut self.0 {
            rewind.waiting.extend(batch.extract_if(.., |received| received.is_from(&rewind.partition)));
        }
    }

    /// Begins with these events, which came back from the tracker. Returns their partitions: they are to be paused.
    pub(crate) fn begin(
        &mut self,
        tracker: &SharedTracker,
        rewound: Vec<Received>,
        grace: Duration,
        now: Instant,
    ) -> Vec<TopicPartition> {
        let mut begun = vec![];
        for received in rewound {
            if let Some(rewind) = self.0.iter_mut().find(|rewind| received.is_from(&rewind.partition)) {
                rewind.waiting.push(received);
                continue;
            }
            let partition = received.from();
            tracing::warn!(
                %partition,
                offset = received.event.offset,
                "the offsets of the partition went back, as after its topic was created again: handling it from there"
            );
            tracker.lock().drain(&partition);
            begun.push(partition.clone());
            self.0.push(Rewind { partition, waiting: vec![received], until: now + grace });
        }
        begun
    }

    /// Forgets a partition that was revoked.
    pub(crate) fn forget(&mut self, partition: &TopicPartition) {
        self.0.retain(|rewind| rewind.partition != *partition);
    }

    /// Starts the partitions anew whose events in flight have ended, or had their time. Returns the events that waited,
    /// for the new assignments, and the partitions: they are to be resumed.
    pub(crate) fn finish(&mut self, tracker: &SharedTracker, now: Instant) -> (Vec<Received>, Vec<TopicPartition>) {
        let mut events = vec![];
        let mut partitions = vec![];
        let is_over = |rewind: &mut Rewind| {
            let partition = std::slice::from_ref(&rewind.partition);
            now >= rewind.until || tracker.closed.is_cancelled() || !tracker.lock().is_busy(partition)
        };
        for Rewind { partition, waiting, .. } in self.0.extract_if(.., is_over) {
            let assignment = tracker.assign(&partition);
            events.extend(waiting.into_iter().map(|received| Received { assignment, ..received }));
            partitions.push(partition);
        }
        (events, partitions)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use xos_steps::BusEvent;

    use super::*;
    use crate::kafka::tracker::Limits;
    use crate::settings::Settings;

    #[test]
    fn a_partition_begins_anew_when_its_events_in_flight_have_ended() {
        let now = Instant::now();
        let grace = Duration::from_secs(5);
        let tracker = SharedTracker::new(
            Limits { high: 10, low: 5, high_bytes: 1000, stuck: 10, stuck_bytes: 1000 },
            Settings::default().retry,
        );
        let partition = TopicPartition { topic: "t".into(), partition: 0 };
        let assignment = tracker.assign(&partition);
        let received = |offset| Received {
            assignment,
            order_key: None,
            event: Arc::new(BusEvent { offset, ..BusEvent::new("t", "") }),
            park_reason: None,
            replayed: None,
        };
        assert!(tracker.accept([received(7)]).is_empty());
        let old = tracker.lock().take(now, 1).pop().unwrap();
        let mut rewinds = Rewinds::default();
        let rewound = tracker.accept([received(0), received(1)]);
        assert_eq!(rewinds.begin(&tracker, rewound, grace, now), std::slice::from_ref(&partition));
        let mut batch = vec![received(2)];
        rewinds.take_from(&mut batch);
        assert!(batch.is_empty(), "it waits for those before it");
        assert!(rewinds.finish(&tracker, now).0.is_empty(), "an event of the old topic is in flight");
        tracker.lock().complete(&old, true);
        let (events, partitions) = rewinds.finish(&tracker, now);
        assert_eq!(partitions, [partition]);
        assert_eq!(events.iter().map(|one| one.event.offset).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(events.iter().all(|one| one.assignment != assignment) && rewinds.is_empty());
    }
}
