//! Receiving goes on for the partitions that are kept while others are given away.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;

use super::ReceiveLoop;
use super::stand_in::StandIn;
use crate::kafka::topic_partition::TopicPartition;
use crate::kafka::tracker::Received;

/// How long partitions are drained before somebody stands in for the others.
const STAND_IN_AFTER: Duration = Duration::from_millis(500);

impl ReceiveLoop<'_> {
    /// Receives what the stand-in has.
    pub(super) fn poll_stand_in(&mut self, batch: &mut Vec<Received>) {
        let Some((stand_in, from)) = self.stand_in.take() else { return };
        while batch.len() < self.max_batch
            && let Some(polled) = stand_in.poll()
        {
            // It may be the first client to see that a topic is another one.
            if self.tracker.made_anew().is_some() {
                break;
            }
            match polled {
                Ok(message) => batch.extend(self.received(&message)),
                // The first client will receive them, or report it.
                Err(error) => tracing::debug!(%error, "the stand-in cannot receive"),
            }
        }
        self.stand_in = Some((stand_in, from));
    }

    /// Has the partitions that are kept received while others are drained for longer than a moment.
    pub(super) fn stand_in(&mut self) {
        let is_needed = self.rebalancing.draining_since().is_some_and(|since| since.elapsed() >= STAND_IN_AFTER);
        match self.stand_in.take() {
            None if is_needed => self.begin_standing_in(),
            Some((stand_in, from)) if !is_needed => {
                stand_in.end();
                for (partition, from) in from {
                    let assignment = self.tracker.lock().assignment(&partition);
                    if let Some(to) = assignment.and_then(|assignment| self.positions.next(assignment)) {
                        self.again.add(partition, from, to);
                    }
                }
            }
            unchanged => self.stand_in = unchanged,
        }
    }

    fn begin_standing_in(&mut self) {
        let mut from = vec![];
        let all = self.tracker.lock().assigned();
        for partition in all {
            let assignment = self.tracker.lock().assignment(&partition);
            if !self.rebalancing.is_leaving(&partition)
                && let Some(next) = assignment.and_then(|assignment| self.positions.next(assignment))
            {
                from.push((partition, next));
            }
        }
        if from.is_empty() {
            return;
        }
        match StandIn::start(&self.consumer.config(), &self.client.context().tracker, &from) {
            Ok(stand_in) => {
                let tracker = self.tracker.lock();
                let is_paused = |one: &TopicPartition| tracker.progress_of(one).is_some_and(|one| one.is_paused);
                let paused: Vec<_> = from.iter().map(|(one, _)| one.clone()).filter(is_paused).collect();
                drop(tracker);
                stand_in.pause(&paused);
                tracing::debug!(partitions = from.len(), "a second client receives the partitions that are kept");
                self.stand_in = Some((stand_in, from));
            }
            Err(error) => tracing::debug!(%error, "cannot start a second client"),
        }
    }
}
