//! What is parked in all topics, as operators see it.

use std::collections::{BTreeMap, HashMap};

use xos_steps::BusEvent;

use crate::parked::log::Log;
use crate::parked::plan::sort;
use crate::parked::record::{Record, What};
use crate::parked::{Origin, ParkedEvent};

/// A log: the records of one topic's events and one group, in one partition of their topic of parked events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    parked_in: String,
    partition: i32,
    topic: String,
    group: String,
}

/// The logs of parked events, read up to some time.
#[derive(Default)]
pub(super) struct Seen {
    /// How far each partition was read.
    pub(super) read_to: BTreeMap<(String, i32), i64>,
    logs: HashMap<Place, Log>,
    /// Where each partition began when it was first read.
    start: BTreeMap<(String, i32), i64>,
    /// The first record of each partition that is not to be deleted: one that is not ours, or a young one.
    pub(super) kept: BTreeMap<(String, i32), i64>,
    /// The last record of each parked event.
    events: HashMap<(Place, Origin), ParkedEvent>,
}

impl Seen {
    /// Takes in that a partition begins at this offset now.
    pub(super) fn begins_at(&mut self, parked_in: &str, partition: i32, low: i64) {
        let place = (parked_in.to_owned(), partition);
        self.start.entry(place.clone()).or_insert(low);
        let Some(read_to) = self.read_to.get_mut(&place).filter(|read_to| **read_to < low) else { return };
        *read_to = low;
        let is_in = |place: &Place| place.partition == partition && place.parked_in == parked_in;
        self.events.retain(|(place, _), event| !is_in(place) || event.latest >= low);
        self.logs.iter_mut().filter(|(place, _)| is_in(place)).for_each(|(_, log)| log.forget_before(low));
    }

    /// Takes in a record that was read, of a partition that was read from `start` on.
    pub(super) fn take_in(&mut self, start: i64, record: &BusEvent, read: Record) {
        let Record { topic, group, origin, what } = read;
        let place = Place { parked_in: record.topic.to_string(), partition: record.partition, topic, group };
        let log = self.logs.entry(place.clone()).or_insert_with(|| Log::from_offset(start));
        log.read(record.offset, origin, &what);
        let is_parked = log.get(&origin).is_some();
        let id = (place, origin);
        if !is_parked {
            self.events.remove(&id);
        } else if matches!(what, What::Parked { .. })
            && let Some(parked) = ParkedEvent::read(record)
        {
            self.events.insert(id, parked);
        }
    }

    /// Returns the offset of each partition before which no record is of an event that is still parked, where there are
    /// records before it.
    pub(super) fn ended_before(&self) -> Vec<((String, i32), i64)> {
        let mut ends = self.read_to.clone();
        for (place, offset) in &self.kept {
            ends.entry(place.clone()).and_modify(|end| *end = (*end).min(*offset));
        }
        for event in self.all() {
            let topic = event.parked_in.split('/').next().unwrap_or_default().to_owned();
            ends.entry((topic, event.parked_partition)).and_modify(|end| *end = (*end).min(event.latest));
        }
        ends.retain(|place, end| self.start.get(place).is_some_and(|start| start < end));
        ends.into_iter().collect()
    }

    /// Returns all parked events in their order.
    pub(super) fn all(&self) -> Vec<ParkedEvent> {
        let seen = self.events.iter().filter_map(|((place, origin), event)| {
            let parked = self.logs.get(place)?.get(origin)?;
            Some(ParkedEvent { first: parked.first, latest: parked.latest, sent: parked.sent, ..event.clone() })
        });
        let mut all: Vec<_> = seen.collect();
        sort(&mut all);
        all
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use xos_steps::Message;

    use super::*;
    use crate::parked::record::{Entry, Marker, Parking};

    const PARKING: Parking<'_> = Parking { synchronizer: "s", step: "A", group: "s.A" };

    fn record(seen: &mut Seen, topic: &str, offset: i64, message: Message) {
        let Message { key, value, headers, .. } = message;
        let record = BusEvent {
            topic: format!("{topic}.parked").into(),
            partition: 0,
            offset,
            key,
            value,
            headers,
            timestamp: None,
        };
        let read = Record::read(&record).unwrap();
        seen.take_in(0, &record, read);
        seen.read_to.insert((format!("{topic}.parked"), 0), offset + 1);
    }

    fn park(seen: &mut Seen, topic: &str, at: i64, event: i64) {
        let event = BusEvent { offset: event, ..BusEvent::new(topic, "v").with_key("k") };
        let entry = Entry { reason: "no", attempts: 1, order_key: Some(b"k"), first: None };
        record(seen, topic, at, PARKING.record("p", &event, &entry, Timestamp::UNIX_EPOCH));
    }

    fn offsets(seen: &Seen) -> Vec<(String, i64)> {
        seen.all().iter().map(|one| (one.event.topic.to_string(), one.event.offset)).collect()
    }

    #[test]
    fn what_has_ended_may_be_deleted_and_what_was_deleted_has_ended() {
        let mut seen = Seen::default();
        for topic in ["a", "b"] {
            seen.begins_at(&format!("{topic}.parked"), 0, 0);
        }
        park(&mut seen, "a", 0, 10);
        park(&mut seen, "a", 1, 11);
        park(&mut seen, "b", 0, 20);
        let first = Origin { partition: 0, offset: 10, timestamp: None };
        assert_eq!(seen.ended_before(), []);
        record(&mut seen, "a", 2, PARKING.marker("p", "a", first, Marker::Done));
        assert_eq!(offsets(&seen), [("a".to_owned(), 11), ("b".to_owned(), 20)]);
        assert_eq!(seen.ended_before(), [(("a.parked".to_owned(), 0), 1)]);
        seen.kept.insert(("a.parked".to_owned(), 0), 0);
        assert_eq!(seen.ended_before(), [], "not what may have to be read yet");

        // By another command, which knew more.
        seen.begins_at("a.parked", 0, 5);
        assert_eq!(offsets(&seen), [("b".to_owned(), 20)], "and not in the other topic");
    }
}
