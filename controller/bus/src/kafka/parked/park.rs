//! Parks an event that cannot be handled.

use jiff::Timestamp;

use crate::kafka::tracker::Task;
use crate::kafka::worker::{Outcome, Worker};
use crate::parked::Origin;
use crate::parked::record::{Entry, Record, Replay, What, limited};

/// Returns the present time in whole milliseconds, which are easier to read than nanoseconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

impl Worker {
    /// Parks an event, for this reason. If it cannot be parked, that is tried again: the event is not lost.
    pub(crate) async fn park(&self, task: &mut Task, reason: String) -> Outcome {
        self.store(task, reason, true).await
    }

    /// Parks an event behind an earlier one of its key. Operators were told of that one.
    pub(crate) async fn park_behind(&self, task: &mut Task, reason: String) -> Outcome {
        self.store(task, reason, false).await
    }

    async fn store(&self, task: &mut Task, reason: String, is_told: bool) -> Outcome {
        if self.parked.with(task.assignment, |_| ()).is_none() && !self.parked.loaded(task.assignment).await {
            task.park_reason = Some(reason);
            return Outcome::Retry;
        }
        let event = &task.event;
        let replay = Replay::of(event).filter(|replay| replay.group == self.group.as_bytes());
        let origin = replay.as_ref().map_or_else(|| Origin::of(event), |replay| replay.origin);
        let partition = replay.as_ref().map_or(event.partition, |replay| replay.parked_partition);
        let first = self.parked.with(task.assignment, |log| log.get(&origin).map(|parked| parked.first)).flatten();
        let was_parked = replay.as_ref().is_some_and(|replay| replay.parked_partition == event.partition);
        // It was parked before a crash, or by an attempt whose answer was lost; or it was dropped while it was replayed.
        if first.is_some() != was_parked && (was_parked || replay.is_none()) {
            return Outcome::Parked;
        }
        let of = self.parked.of();
        let parked_in = of.topics.name(&event.topic);
        let order_key = self.order_key(event);
        let entry = Entry { reason: &reason, attempts: task.attempts, order_key: order_key.as_deref(), first };
        let raw = self.tracker.raw_headers.get(event);
        let mut record = of.parking().record(&parked_in, event, &entry, now());
        if raw.is_some() {
            // They have the event's own ones, all of them.
            record.headers.drain(..event.headers.len());
        }
        match of.store.append(&event.topic, partition, record, raw).await {
            Ok(offset) => {
                self.tracker.raw_headers.remove(event);
                if partition == event.partition {
                    let what = What::Parked { first, order_key: order_key.as_deref().map(limited) };
                    let (topic, group) = (event.topic.to_string(), self.group.clone());
                    self.parked.stored(task.assignment, offset, Record { topic, group, origin, what });
                }
                self.counters.parked();
                let place = event.place();
                tracing::warn!(event = place, parked_in, reason, "event parked");
                if is_told {
                    of.notices.parked(&place, &parked_in, task.attempts, &reason);
                }
                Outcome::Parked
            }
            Err(error) => {
                let place = event.place();
                self.counters.not_parked();
                tracing::error!(
                    event = place,
                    parked_in,
                    %error,
                    "cannot park the event, trying again: until then no later event of its partition is committed"
                );
                of.notices.not_parked(&place, &error.to_string());
                task.park_reason = Some(reason);
                task.waits = task.waits.saturating_add(1);
                Outcome::Retry
            }
        }
    }
}
