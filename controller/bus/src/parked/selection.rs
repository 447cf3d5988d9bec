//! Which parked events a command is about.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ParkedEvent;

/// Which parked events a command is about: those that fit all that is given; without anything, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Events of this topic, or of this topic of parked events.
    pub topic: Option<String>,
    /// Events that came from this partition.
    pub partition: Option<i32>,
    /// The event that had this offset in its partition.
    pub offset: Option<i64>,
    /// Events with this key.
    pub key: Option<Vec<u8>>,
    /// Events that were parked longer ago than this.
    pub older_than: Option<Duration>,
    /// Events that this step parked.
    pub step: Option<String>,
    /// At most this many, the first of each partition first.
    pub limit: Option<usize>,
}

impl Selection {
    /// Returns whether nothing is given, so that all parked events are selected.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether an event is selected, apart from the limit.
    pub fn has(&self, parked: &ParkedEvent, now: Timestamp) -> bool {
        let event = &parked.event;
        let parked_topic = parked.parked_in.split('/').next();
        self.topic.as_deref().is_none_or(|topic| topic == &*event.topic || Some(topic) == parked_topic)
            && self.partition.is_none_or(|partition| partition == event.partition)
            && self.offset.is_none_or(|offset| offset == event.offset)
            && self.key.as_ref().is_none_or(|key| event.key.as_ref() == Some(key))
            && self.step.as_ref().is_none_or(|step| *step == parked.step)
            && self.older_than.is_none_or(|age| is_older(parked, age, now))
    }

    /// Returns the selected ones of all parked events, in their order.
    pub fn of<'a>(&self, all: &'a [ParkedEvent], now: Timestamp) -> Vec<&'a ParkedEvent> {
        all.iter().filter(|parked| self.has(parked, now)).take(self.limit.unwrap_or(usize::MAX)).collect()
    }
}

fn is_older(parked: &ParkedEvent, age: Duration, now: Timestamp) -> bool {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    parked.parked_at.is_some_and(|at| now.duration_since(at) > age)
}

#[cfg(test)]
mod tests {
    use xos_steps::BusEvent;

    use super::*;
    use crate::parked::Origin;

    fn parked(partition: i32, offset: i64, key: &str) -> ParkedEvent {
        let event = BusEvent { partition, offset, ..BusEvent::new("onu.events", "v").with_key(key) };
        ParkedEvent {
            origin: Origin::of(&event),
            event,
            step: "Step".to_owned(),
            group: "att.Step".to_owned(),
            reason: "no".to_owned(),
            attempts: 1,
            parked_at: Some(Timestamp::UNIX_EPOCH),
            parked_in: format!("onu.events.att.parked/{partition}/0"),
            order_key: Some(key.as_bytes().to_vec()),
            sent: None,
            parked_partition: partition,
            first: offset,
            latest: offset,
        }
    }

    #[test]
    fn what_is_given_has_to_fit() {
        let all = [parked(0, 1, "a"), parked(0, 2, "b"), parked(1, 1, "a")];
        let now = Timestamp::from_second(100).unwrap();
        let selected = |selection: Selection| {
            selection.of(&all, now).iter().map(|one| (one.event.partition, one.event.offset)).collect::<Vec<_>>()
        };
        let none = Selection::default;
        assert!(none().is_all());
        assert_eq!(selected(none()), [(0, 1), (0, 2), (1, 1)]);
        assert_eq!(selected(Selection { partition: Some(0), ..none() }), [(0, 1), (0, 2)]);
        assert_eq!(selected(Selection { offset: Some(1), partition: Some(1), ..none() }), [(1, 1)]);
        assert_eq!(selected(Selection { key: Some(b"b".to_vec()), ..none() }), [(0, 2)]);
        assert_eq!(selected(Selection { limit: Some(1), ..none() }), [(0, 1)]);
        for topic in ["onu.events", "onu.events.att.parked"] {
            assert_eq!(selected(Selection { topic: Some(topic.to_owned()), ..none() }).len(), 3);
        }
        assert_eq!(selected(Selection { topic: Some("onu".to_owned()), ..none() }), []);
        assert_eq!(selected(Selection { step: Some("Other".to_owned()), ..none() }), []);
        let older = |seconds| Selection { older_than: Some(Duration::from_secs(seconds)), ..none() };
        assert_eq!((selected(older(99)).len(), selected(older(100)).len()), (3, 0));
    }
}
