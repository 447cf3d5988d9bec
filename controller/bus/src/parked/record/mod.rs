//! The records of a topic of parked events, and the messages that replay them. Pure.

use jiff::Timestamp;
use xos_steps::{BusEvent, Message};

use super::{
    ATTEMPTS, FIRST, GROUP, HEADERS, MARKER, OFFSET, ORDER_KEY, Origin, PARKED_AT, PARTITION, ParkedEvent, REASON,
    REPLAY, REPLAY_OF, SENT_FROM, SENT_OFFSET, STEP, SYNCHRONIZER, TIMESTAMP, TOPIC,
};
use crate::settings::fnv;

/// The longest reason, in bytes: it must not make a message too large for its topic.
const LONGEST_REASON: usize = 1024;
/// The longest order key that is kept as it is.
const LONGEST_ORDER_KEY: usize = 256;
/// All headers that the framework added before it counted them.
const COUNTLESS: [&str; 10] =
    [REASON, TOPIC, PARTITION, OFFSET, STEP, GROUP, SYNCHRONIZER, ATTEMPTS, PARKED_AT, REPLAY];

type Headers = Vec<(String, Option<Vec<u8>>)>;

/// A record of a topic of parked events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The topic that the event came from.
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) origin: Origin,
    pub(crate) what: What,
}

/// What a record says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It was parked; not for the first time, if `first` is given.
    Parked { first: Option<i64>, order_key: Option<Vec<u8>> },
    /// It was sent again, at this offset, when it was parked at the offset `from`.
    Sent { at: i64, from: i64 },
    /// It was handled after all, or dropped.
    Ended,
    /// It is one of the parked events of this key that are being replayed.
    Replaying { order_key: Vec<u8> },
}

/// What a marker says of a parked event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker<'a> {
    Done,
    Dropped,
    Sent { at: i64, from: i64 },
    Replaying { order_key: &'a [u8] },
}

/// The step that parks events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parking<'a> {
    pub(crate) synchronizer: &'a str,
    pub(crate) step: &'a str,
    pub(crate) group: &'a str,
}

/// Why, and as which one, an event is parked.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) reason: &'a str,
    pub(crate) attempts: u32,
    pub(crate) order_key: Option<&'a [u8]>,
    /// The offset at which it was parked for the first time.
    pub(crate) first: Option<i64>,
}

/// What makes a message a replayed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) group: Vec<u8>,
    /// The partition of the topic of parked events that the event is parked in.
    pub(crate) parked_partition: i32,
    pub(crate) origin: Origin,
}

impl Replay {
    /// Returns what an event replays; `None` if it comes for the first time. A stranger's header of the same name does
    /// not make an event a replayed one.
    pub(crate) fn of(event: &BusEvent) -> Option<Self> {
        own_count(event)?;
        let group = framework(event, REPLAY)?.to_vec();
        let (partition, origin) = text(event, REPLAY_OF)?.split_once('/').map(|(a, b)| (a.parse(), b.parse()))?;
        Some(Self { group, parked_partition: partition.ok()?, origin: origin.ok()? })
    }

    /// Returns the offset that the event had when it came for the first time, if it is for this group, and came from the
    /// partition that it comes from now, and is parked in.
    pub(crate) fn offset_in(&self, event: &BusEvent, group: &[u8]) -> Option<i64> {
        let is_its = |partition: i32| partition == event.partition;
        (self.group == group && is_its(self.parked_partition) && is_its(self.origin.partition))
            .then_some(self.origin.offset)
    }
}

impl Record {
    /// Reads a record; `None` if it is not of the framework.
    pub(crate) fn read(record: &BusEvent) -> Option<Self> {
        let number = |name| text(record, name)?.parse::<i64>().ok();
        let timestamp = match text(record, TIMESTAMP) {
            Some(at) => at.parse().ok(),
            // Once records had the time of their event.
            None => record.timestamp.map(Timestamp::as_millisecond),
        };
        let origin = Origin { partition: text(record, PARTITION)?.parse().ok()?, offset: number(OFFSET)?, timestamp };
        let what = match text(record, MARKER) {
            Some("sent") => What::Sent { at: number(SENT_OFFSET)?, from: number(SENT_FROM)? },
            Some("done" | "dropped") => What::Ended,
            Some("replaying") => What::Replaying { order_key: order_key(record)? },
            Some(_) => return None,
            None => What::Parked { first: number(FIRST), order_key: order_key(record) },
        };
        Some(Self { topic: text(record, TOPIC)?.to_owned(), group: text(record, GROUP)?.to_owned(), origin, what })
    }
}

/// Returns the order key that a record has.
fn order_key(record: &BusEvent) -> Option<Vec<u8>> {
    match ours(record).rev().find(|(name, _)| name == ORDER_KEY) {
        Some((_, key)) => key.clone(),
        None => record.key.as_deref().map(limited),
    }
}

/// Returns an order key as records have it: a long one cut, with a hash of the whole. Two keys that become the same
/// share an order, which does no harm.
pub(crate) fn limited(key: &[u8]) -> Vec<u8> {
    let Some((start, _)) = key.split_at_checked(LONGEST_ORDER_KEY) else { return key.to_vec() };
    if key.len() == LONGEST_ORDER_KEY {
        return key.to_vec();
    }
    let mut limited = start.to_vec();
    limited.extend_from_slice(format!("…{:016x}", fnv(key)).as_bytes());
    limited
}

/// Returns how many headers are the event's own; `None` if that was not counted.
fn own_count(record: &BusEvent) -> Option<usize> {
    let (_, ours) = record.headers.last().filter(|(name, _)| name == HEADERS)?;
    let ours: usize = std::str::from_utf8(ours.as_deref()?).ok()?.parse().ok()?;
    record.headers.len().checked_sub(ours)
}

/// Returns the headers of the framework. They are the last ones: those before them may have the same names.
fn ours(record: &BusEvent) -> std::slice::Iter<'_, (String, Option<Vec<u8>>)> {
    record.headers.get(own_count(record).unwrap_or_default()..).unwrap_or_default().iter()
}

/// Returns the value of a header of the framework.
fn framework<'a>(record: &'a BusEvent, name: &str) -> Option<&'a [u8]> {
    ours(record).rev().find(|(header, _)| header == name)?.1.as_deref()
}

fn text<'a>(record: &'a BusEvent, name: &str) -> Option<&'a str> {
    std::str::from_utf8(framework(record, name)?).ok()
}

/// Returns the event's own headers, of a record or of a replayed event.
fn own_headers(record: &BusEvent) -> Headers {
    match own_count(record) {
        Some(count) => record.headers.iter().take(count).cloned().collect(),
        None => record.headers.iter().filter(|(name, _)| !COUNTLESS.contains(&name.as_str())).cloned().collect(),
    }
}

/// Adds headers of the framework, and their number.
fn add(own: Headers, added: Headers) -> Headers {
    let count = added.len() + 1;
    let mut headers = own;
    headers.extend(added);
    headers.push(header(HEADERS, count.to_string()));
    headers
}

fn header(name: &str, value: impl Into<Vec<u8>>) -> (String, Option<Vec<u8>>) {
    (name.to_owned(), Some(value.into()))
}

/// Cuts a text to so many bytes, between two characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

impl Parking<'_> {
    /// Returns the headers that say which event a record is about.
    fn about(&self, topic: &str, origin: Origin) -> Headers {
        let timestamp = origin.timestamp.map_or_else(|| "-".to_owned(), |at| at.to_string());
        vec![
            header(TOPIC, topic),
            header(PARTITION, origin.partition.to_string()),
            header(OFFSET, origin.offset.to_string()),
            header(TIMESTAMP, timestamp),
            header(STEP, self.step),
            header(GROUP, self.group),
            header(SYNCHRONIZER, self.synchronizer),
        ]
    }

    /// Returns the record of an event that is parked, for the topic `parked_in`: the whole event, with the reason and
    /// where it came from in headers behind its own. It has no time of its own: the topic's retention counts from now.
    pub(crate) fn record(&self, parked_in: &str, event: &BusEvent, entry: &Entry<'_>, now: Timestamp) -> Message {
        let replay = Replay::of(event);
        let origin = replay.as_ref().map_or_else(|| Origin::of(event), |replay| replay.origin);
        let own = if replay.is_some() { own_headers(event) } else { event.headers.clone() };
        let mut added = vec![header(REASON, cut(entry.reason, LONGEST_REASON))];
        added.extend(self.about(&event.topic, origin));
        added.push(header(ATTEMPTS, entry.attempts.to_string()));
        added.push(header(PARKED_AT, now.to_string()));
        added.extend(entry.first.map(|first| header(FIRST, first.to_string())));
        let order_key = entry.order_key.map(limited);
        if order_key != event.key.as_deref().map(limited) {
            added.push((ORDER_KEY.to_owned(), order_key));
        }
        let headers = add(own, added);
        Message {
            topic: parked_in.to_owned(),
            key: event.key.clone(),
            value: event.value.clone(),
            headers,
            timestamp: None,
        }
    }

    /// Returns the record that says what became of a parked event.
    pub(crate) fn marker(&self, parked_in: &str, topic: &str, origin: Origin, marker: Marker<'_>) -> Message {
        let mut headers = self.about(topic, origin);
        let name = match marker {
            Marker::Done => "done",
            Marker::Dropped => "dropped",
            Marker::Sent { at, from } => {
                headers.push(header(SENT_OFFSET, at.to_string()));
                headers.push(header(SENT_FROM, from.to_string()));
                "sent"
            }
            Marker::Replaying { order_key } => {
                headers.push(header(ORDER_KEY, order_key));
                "replaying"
            }
        };
        headers.push(header(MARKER, name));
        Message { topic: parked_in.to_owned(), headers: add(vec![], headers), ..Message::default() }
    }
}

impl ParkedEvent {
    /// Reads a record of a parked event; `None` if it is none.
    pub(crate) fn read(record: &BusEvent) -> Option<Self> {
        let Record { topic, group, origin, what: What::Parked { first, order_key } } = Record::read(record)? else {
            return None;
        };
        let own = own_headers(record);
        let words = |name| text(record, name).unwrap_or_default().to_owned();
        Some(Self {
            event: BusEvent {
                topic: topic.into(),
                partition: origin.partition,
                offset: origin.offset,
                timestamp: origin.timestamp.and_then(|at| Timestamp::from_millisecond(at).ok()),
                key: record.key.clone(),
                value: record.value.clone(),
                headers: own,
            },
            step: words(STEP),
            group,
            reason: words(REASON),
            attempts: words(ATTEMPTS).parse().unwrap_or_default(),
            parked_at: words(PARKED_AT).parse().ok().or(record.timestamp),
            parked_in: record.place(),
            order_key,
            sent: None,
            origin,
            parked_partition: record.partition,
            first: first.unwrap_or(record.offset),
            latest: record.offset,
        })
    }

    /// Returns the message that replays it, to be sent to its own partition.
    pub(crate) fn replay(&self) -> Message {
        let of = format!("{}/{}", self.parked_partition, self.origin);
        let added = vec![header(REPLAY, self.group.as_str()), header(REPLAY_OF, of)];
        let event = &self.event;
        Message {
            topic: event.topic.to_string(),
            key: event.key.clone(),
            value: event.value.clone(),
            headers: add(event.headers.clone(), added),
            timestamp: None,
        }
    }
}

#[cfg(test)]
mod tests;
