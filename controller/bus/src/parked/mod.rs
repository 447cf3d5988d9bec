//! Parked events: events that no attempt could handle, written to a topic of their own.
//!
//! The topic of parked events is a log. Each record says what became of one event: it was parked, parked again, sent
//! again by an operator, handled then, or dropped. What is parked now is what is left of the log when it is read from
//! its beginning: no offset is remembered anywhere else, so it is the same for every process, and after every restart.

#[cfg(feature = "kafka")]
pub(crate) mod log;
#[cfg(feature = "kafka")]
pub(crate) mod plan;
#[cfg(feature = "kafka")]
pub(crate) mod record;
#[cfg(feature = "kafka")]
pub(crate) mod rounds;
mod selection;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use xos_steps::BusEvent;

pub use selection::Selection;

/// Header: why the event was parked.
pub const REASON: &str = "xos-reason";
/// Header: the topic that the event came from.
pub const TOPIC: &str = "xos-topic";
/// Header: the partition that the event came from.
pub const PARTITION: &str = "xos-partition";
/// Header: the event's offset in that partition.
pub const OFFSET: &str = "xos-offset";
/// Header: the event's own time, in milliseconds since 1970; `-` if it has none.
pub const TIMESTAMP: &str = "xos-timestamp";
/// Header: the step that could not handle the event.
pub const STEP: &str = "xos-step";
/// Header: that step's consumer group.
pub const GROUP: &str = "xos-group";
/// Header: the synchronizer.
pub const SYNCHRONIZER: &str = "xos-synchronizer";
/// Header: the number of attempts.
pub const ATTEMPTS: &str = "xos-attempts";
/// Header: when the event was parked.
pub const PARKED_AT: &str = "xos-parked-at";
/// Header: the offset at which the event was parked for the first time, if this is not the first time.
pub const FIRST: &str = "xos-first";
/// Header: the key whose order is kept, if it is not the key of the message; without a value if there is none.
pub const ORDER_KEY: &str = "xos-order-key";
/// Header: how many of the last headers are the framework's; those before them are the event's own.
pub const HEADERS: &str = "xos-headers";
/// Header of a record without an event: what became of a parked event: `done`, `dropped` or `sent`; or `replaying`, if
/// those of its key are being replayed.
pub const MARKER: &str = "xos-marker";
/// Header of the marker `sent`: the offset at which the event was sent again.
pub const SENT_OFFSET: &str = "xos-sent-offset";
/// Header of the marker `sent`: the offset at which the event was parked when it was sent.
pub const SENT_FROM: &str = "xos-sent-from";
/// Header of a replayed event: the consumer group that it is for. Other event steps skip it.
pub const REPLAY: &str = "xos-replay";
/// Header of a replayed event: which parked event it is.
pub const REPLAY_OF: &str = "xos-replay-of";

/// Which event a parked event is: it stays the same however often the event is parked and sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The partition that the event came from.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its time in milliseconds since 1970. A topic that was made anew has the same offsets, with other times.
    pub timestamp: Option<i64>,
}

impl Origin {
    /// Returns the origin of an event that comes from its topic for the first time.
    pub fn of(event: &BusEvent) -> Self {
        let timestamp = event.timestamp.map(Timestamp::as_millisecond);
        Self { partition: event.partition, offset: event.offset, timestamp }
    }

    /// Returns whether the event came after another one. After a crash that one may come again when this one is parked
    /// already. An event of before its topic was made anew has an earlier time.
    #[cfg(feature = "kafka")]
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        let has_earlier_time = self.timestamp.zip(other.timestamp).is_some_and(|(its, others)| its < others);
        self.partition == other.partition && self.offset > other.offset && !has_earlier_time
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.partition, self.offset)?;
        match self.timestamp {
            Some(at) => write!(f, "{at}"),
            None => f.write_str("-"),
        }
    }
}

/// A text that is no [`Origin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the origin of an event: expected `<partition>/<offset>/<milliseconds>`")]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let mut parts = text.split('/');
        let mut next = || parts.next().ok_or(NoOrigin);
        let partition = next()?.parse().map_err(|_| NoOrigin)?;
        let offset = next()?.parse().map_err(|_| NoOrigin)?;
        let timestamp = match next()? {
            "-" => None,
            at => Some(at.parse().map_err(|_| NoOrigin)?),
        };
        if parts.next().is_some() || partition < 0 || offset < 0 {
            return Err(NoOrigin);
        }
        Ok(Self { partition, offset, timestamp })
    }
}

/// A parked event, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// The event as it was in its topic: with its own place, time and headers.
    pub event: BusEvent,
    /// The step that could not handle it.
    pub step: String,
    /// That step's consumer group.
    pub group: String,
    /// Why it was parked.
    pub reason: String,
    /// The number of attempts; 0 if it was parked because an earlier event of its key is.
    pub attempts: u32,
    /// When it was last parked.
    pub parked_at: Option<Timestamp>,
    /// Where it is parked: `topic/partition/offset`.
    pub parked_in: String,
    /// The key whose order is kept.
    pub order_key: Option<Vec<u8>>,
    /// The offset in its partition at which it was sent again, if it was, and nothing is known of the outcome yet.
    pub sent: Option<i64>,
    /// Which event it is.
    pub origin: Origin,
    /// The partition of the topic of parked events.
    pub(crate) parked_partition: i32,
    /// The offset at which it was parked for the first time: parked events of a key are in this order.
    pub(crate) first: i64,
    /// The offset at which it was parked for the last time.
    pub(crate) latest: i64,
}

/// What became of parked events that were sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many were sent again.
    pub sent: usize,
    /// How many of these were handled.
    pub handled: usize,
    /// Those that failed again, and are parked.
    pub failed: Vec<ParkedEvent>,
    /// Those that were not sent, and why not.
    pub refused: Vec<(ParkedEvent, String)>,
    /// How many were sent and not decided when the command stopped waiting.
    pub undecided: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_text_and_back() {
        let origin = Origin { partition: 3, offset: 17, timestamp: Some(1_764_240_000_000) };
        assert_eq!(origin.to_string(), "3/17/1764240000000");
        assert_eq!(origin.to_string().parse(), Ok(origin));
        let timeless = Origin { timestamp: None, ..origin };
        assert_eq!(timeless.to_string().parse(), Ok(timeless));
        for wrong in ["", "3/17", "3/17/", "a/17/-", "3/17/-/1", "-1/17/-", "3/-2/-", "3/17/x"] {
            assert_eq!(wrong.parse::<Origin>(), Err(NoOrigin), "{wrong}");
        }
    }
}
