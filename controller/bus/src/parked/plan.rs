//! Which parked events are sent again, and in which order. Pure.

use std::collections::{HashMap, HashSet};

use super::{Origin, ParkedEvent};

/// Events that keep their order: those of one key, of one topic and step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    topic: String,
    group: String,
    partition: i32,
    order_key: Vec<u8>,
}

/// Which parked event it is, of all topics and steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    topic: String,
    group: String,
    origin: Origin,
}

/// What is sent again, in this order, and what is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    pub(crate) send: Vec<&'a ParkedEvent>,
    pub(crate) refused: Vec<(&'a ParkedEvent, String)>,
}

impl ParkedEvent {
    /// Returns the events that it keeps its order with; `None` if it has no order key.
    pub(crate) fn lane(&self) -> Option<Lane> {
        Some(Lane {
            topic: self.event.topic.to_string(),
            group: self.group.clone(),
            partition: self.parked_partition,
            order_key: self.order_key.clone()?,
        })
    }

    /// Returns which parked event it is.
    pub(crate) fn id(&self) -> Id {
        Id { topic: self.event.topic.to_string(), group: self.group.clone(), origin: self.origin }
    }
}

/// Puts all parked events into their order: those of a key, oldest first.
pub(crate) fn sort(all: &mut [ParkedEvent]) {
    all.sort_by(|a, b| {
        let order = |one: &ParkedEvent| (one.parked_partition, one.first);
        (&a.event.topic, order(a)).cmp(&(&b.event.topic, order(b)))
    });
}

/// Plans to send the selected ones of all parked events, which are in their order. An event is not sent before those of
/// its key that were parked before it. With `again` those are sent once more whose outcome is not known.
pub(crate) fn plan<'a>(all: &[ParkedEvent], selected: &[&'a ParkedEvent], again: bool) -> Plan<'a> {
    let mut plan = Plan::default();
    let is_selected: HashSet<Id> = selected.iter().map(|one| one.id()).collect();
    let mut goes: HashSet<Id> = HashSet::new();
    let mut lanes: HashMap<Lane, Vec<&ParkedEvent>> = HashMap::new();
    for one in all {
        if let Some(lane) = one.lane() {
            lanes.entry(lane).or_default().push(one);
        }
    }
    for &one in selected {
        if let Some(at) = one.sent.filter(|_| !again) {
            let reason =
                format!("it was sent again at offset {at}, and is not decided yet (--again sends it once more)");
            plan.refused.push((one, reason));
            continue;
        }
        let before = one.lane().and_then(|lane| lanes.get(&lane)).into_iter().flatten();
        let is_in_the_way = |other: &&&ParkedEvent| other.sent.is_none() && !goes.contains(&other.id());
        let held_by = before.take_while(|other| other.first < one.first).find(is_in_the_way);
        if let Some(other) = held_by {
            let why = if is_selected.contains(&other.id()) { "is not sent" } else { "is not selected" };
            let reason = format!("an earlier event of its key is parked, and {why}: {}", other.event.place());
            plan.refused.push((one, reason));
            continue;
        }
        goes.insert(one.id());
        plan.send.push(one);
    }
    plan
}

/// Returns the events that were parked behind others of these keys since `known` were all that was parked.
pub(crate) fn parked_since<'a>(
    all: &'a [ParkedEvent],
    lanes: &HashSet<Lane>,
    known: &HashSet<Id>,
) -> Vec<&'a ParkedEvent> {
    let is_new =
        |one: &&ParkedEvent| !known.contains(&one.id()) && one.lane().is_some_and(|lane| lanes.contains(&lane));
    all.iter().filter(is_new).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use xos_steps::BusEvent;

    use super::*;

    pub(crate) fn parked(offset: i64, key: Option<&str>, sent: Option<i64>) -> ParkedEvent {
        let event = BusEvent { offset, ..BusEvent::new("t", "v") };
        ParkedEvent {
            origin: Origin::of(&event),
            event,
            step: "A".to_owned(),
            group: "s.A".to_owned(),
            reason: String::new(),
            attempts: 1,
            parked_at: None,
            parked_in: String::new(),
            order_key: key.map(|key| key.as_bytes().to_vec()),
            sent,
            parked_partition: 0,
            first: offset,
            latest: offset,
        }
    }

    pub(crate) fn offsets(events: &[&ParkedEvent]) -> Vec<i64> {
        events.iter().map(|one| one.event.offset).collect()
    }

    #[test]
    fn an_event_is_not_sent_before_those_of_its_key() {
        let all = [
            parked(0, Some("a"), None),
            parked(1, Some("a"), None),
            parked(2, Some("b"), Some(50)),
            parked(3, Some("b"), None),
            parked(4, None, None),
            parked(5, None, None),
        ];
        let every: Vec<_> = all.iter().collect();
        let planned = plan(&all, &every, false);
        assert_eq!(offsets(&planned.send), [0, 1, 3, 4, 5], "the first of b is on its way");
        assert_eq!(planned.refused.len(), 1);
        assert!(planned.refused[0].1.starts_with("it was sent again at offset 50"), "{}", planned.refused[0].1);
        assert_eq!(offsets(&plan(&all, &every, true).send), [0, 1, 2, 3, 4, 5]);

        let some = plan(&all, &[&all[1], &all[5]], false);
        assert_eq!(offsets(&some.send), [5], "an event without an order key waits for none");
        assert_eq!(some.refused[0].1, "an earlier event of its key is parked, and is not selected: t/0/0");
    }

    #[test]
    fn what_is_parked_meanwhile_is_found() {
        let before = [parked(0, Some("a"), None), parked(1, Some("b"), None)];
        let after = [
            parked(0, Some("a"), Some(9)),
            parked(1, Some("b"), None),
            parked(2, Some("a"), None),
            parked(3, Some("b"), None),
        ];
        let known = before.iter().map(ParkedEvent::id).collect();
        let lanes = [before[0].lane().unwrap()].into();
        assert_eq!(offsets(&parked_since(&after, &lanes, &known)), [2]);
    }
}
