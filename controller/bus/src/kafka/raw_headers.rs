//! The headers of events that have names which are not UTF-8: kept as they are until the event is parked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::message::OwnedHeaders;
use xos_steps::BusEvent;

use super::topic_partition::TopicPartition;

/// Headers by partition and offset. Nearly always there are none.
#[derive(Debug, Default)]
pub(crate) struct RawHeaders {
    headers: Mutex<HashMap<TopicPartition, HashMap<i64, OwnedHeaders>>>,
    /// How many there are, so that other events need no lock.
    count: AtomicUsize,
}

impl RawHeaders {
    fn lock(&self) -> MutexGuard<'_, HashMap<TopicPartition, HashMap<i64, OwnedHeaders>>> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the headers of an event.
    pub(crate) fn keep(&self, event: &BusEvent, headers: OwnedHeaders) {
        let mut all = self.lock();
        all.entry(partition_of(event)).or_default().insert(event.offset, headers);
        self.count(&all);
    }

    /// Returns the headers of an event, if they are kept.
    pub(crate) fn get(&self, event: &BusEvent) -> Option<OwnedHeaders> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.lock().get(&partition_of(event))?.get(&event.offset).cloned()
    }

    /// Forgets the headers of an event that was parked.
    pub(crate) fn remove(&self, event: &BusEvent) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut all = self.lock();
        if let Some(of_partition) = all.get_mut(&partition_of(event)) {
            of_partition.remove(&event.offset);
        }
        self.count(&all);
    }

    /// Forgets those of a partition that was revoked.
    pub(crate) fn remove_all(&self, partition: &TopicPartition) {
        let mut all = self.lock();
        all.remove(partition);
        self.count(&all);
    }

    fn count(&self, all: &HashMap<TopicPartition, HashMap<i64, OwnedHeaders>>) {
        self.count.store(all.values().map(HashMap::len).sum(), Ordering::Relaxed);
    }
}

fn partition_of(event: &BusEvent) -> TopicPartition {
    TopicPartition { topic: event.topic.clone(), partition: event.partition }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::{Header, Headers as _};

    use super::*;

    #[test]
    fn headers_are_kept_until_the_event_is_parked_or_its_partition_revoked() {
        let kept = RawHeaders::default();
        let event = |offset| BusEvent { partition: 1, offset, ..BusEvent::new("t", "") };
        let partition = TopicPartition { topic: "t".into(), partition: 1 };
        let headers = || OwnedHeaders::new().insert(Header { key: "a", value: Some("1") });
        assert!(kept.get(&event(0)).is_none());
        kept.keep(&event(0), headers());
        kept.keep(&event(1), headers());
        assert_eq!(kept.get(&event(0)).map(|headers| headers.count()), Some(1));
        assert!(kept.get(&event(2)).is_none());
        kept.remove(&event(0));
        assert!(kept.get(&event(0)).is_none() && kept.get(&event(1)).is_some());
        kept.remove_all(&partition);
        assert!(kept.get(&event(1)).is_none());
    }
}
