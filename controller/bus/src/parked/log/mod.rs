//! What is parked now: the fold of a log of parked events, for one topic and one consumer group. Pure.
//!
//! The owner of a partition reads its log, and knows its own records as soon as they are stored, before it reads them.
//! So for each event the log keeps what was read, and beside it the records that are known ahead: what they lead to
//! together is what counts.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::Origin;
use super::record::What;

/// Later events of a key wait so long while those that are parked are being replayed. Then they are parked behind them.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What is parked now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The first offset that was there to be read.
    start: i64,
    /// All records before this offset were read.
    read_to: i64,
    events: HashMap<Origin, Event>,
    /// The number of parked events.
    count: usize,
    by_key: HashMap<Vec<u8>, Queue>,
}

/// The parked events of an order key.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// By the offset at which they were parked for the first time.
    events: BTreeSet<(i64, Origin)>,
    /// The offset of the last record that says that they are being replayed, and since when that is known.
    replaying: Option<(i64, Instant)>,
}

impl Queue {
    fn is_replaying(&self, now: Instant) -> bool {
        self.replaying.is_some_and(|(_, since)| now.saturating_duration_since(since) < PATIENCE)
    }
}

/// What is known of an event.
#[derive(Clone, Debug, Default)]
struct Event {
    /// What the records that were read lead to.
    read: Option<Parked>,
    /// Records that are stored and were not read yet, in the order of their offsets.
    ahead: Vec<(i64, What)>,
    /// What both lead to.
    now: Option<Parked>,
}

/// A parked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    /// The offset at which it was parked for the first time.
    pub(crate) first: i64,
    /// The offset at which it was parked for the last time.
    pub(crate) latest: i64,
    pub(crate) order_key: Option<Vec<u8>>,
    /// The offset in its own partition at which it was sent again, after it was parked for the last time.
    pub(crate) sent: Option<i64>,
}

/// What an event is to do when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is handled.
    Handle,
    /// There is nothing to do: it is parked already, or it was replayed before.
    Nothing,
    /// It is parked behind this event, which is the oldest of its key.
    Behind(Origin),
    /// It waits while those of its key are being replayed, of which this one is the oldest.
    After(Origin),
}

/// Returns what a record makes of an event. `start` is the first offset that was there to be read.
fn after(parked: Option<Parked>, offset: i64, what: &What, start: i64) -> Option<Parked> {
    match (what, parked) {
        (What::Ended, _) => None,
        (What::Replaying { .. }, parked) => parked,
        (What::Sent { at, from }, Some(parked)) if *from == parked.latest => Some(Parked { sent: Some(*at), ..parked }),
        // It was parked again before that was noted.
        (What::Sent { .. }, parked) => parked,
        // Parked again, or by two owners of the partition at once.
        (What::Parked { .. }, Some(parked)) => Some(Parked { latest: offset, sent: None, ..parked }),
        // Parked again after it had ended. Or retention has deleted the record of the first time.
        (What::Parked { first: Some(first), .. }, None) if *first >= start => None,
        (What::Parked { first, order_key }, None) => {
            Some(Parked { first: first.unwrap_or(offset), latest: offset, order_key: order_key.clone(), sent: None })
        }
    }
}

impl Log {
    /// Returns a log of which nothing was read yet, from its first offset.
    pub(crate) fn from_offset(start: i64) -> Self {
        Self { start, read_to: start, ..Self::default() }
    }

    /// Takes in a record that was read. They come in the order of their offsets.
    pub(crate) fn read(&mut self, offset: i64, origin: Origin, what: &What) {
        self.skip_to(offset + 1);
        let event = self.events.entry(origin).or_default();
        event.read = after(event.read.take(), offset, what, self.start);
        event.ahead.retain(|(at, _)| *at > offset);
        self.renew(origin);
        self.stop_replaying(offset, what);
    }

    /// Takes in that there is nothing to be read before this offset.
    pub(crate) fn skip_to(&mut self, offset: i64) {
        self.read_to = self.read_to.max(offset);
    }

    /// Takes in that the records before this offset were deleted: nothing is parked by them any more.
    pub(crate) fn forget_before(&mut self, offset: i64) {
        let is_gone = |event: &Event| event.now.as_ref().is_some_and(|parked| parked.latest < offset);
        let gone: Vec<_> = self.events.iter().filter(|(_, event)| is_gone(event)).map(|(origin, _)| *origin).collect();
        for origin in gone {
            if let Some(event) = self.events.get_mut(&origin) {
                event.read = None;
                event.ahead.retain(|(at, _)| *at >= offset);
            }
            self.renew(origin);
        }
        self.start = self.start.max(offset);
        self.skip_to(offset);
    }

    /// Takes in a record that this process has stored. It may have been read already.
    pub(crate) fn stored(&mut self, offset: i64, origin: Origin, what: What) {
        if offset < self.read_to {
            return;
        }
        self.stop_replaying(offset, &what);
        let event = self.events.entry(origin).or_default();
        let at = event.ahead.partition_point(|(before, _)| *before < offset);
        event.ahead.insert(at, (offset, what));
        self.renew(origin);
    }

    /// Takes in that the parked events of a key are being replayed, as a record says that has just come: later ones wait
    /// for them, for a while. A record that was there before says nothing: whoever wrote it may be gone.
    pub(crate) fn replaying(&mut self, offset: i64, order_key: &[u8], now: Instant) {
        let Some(queue) = self.by_key.get_mut(order_key) else { return };
        let since = match queue.replaying {
            Some((_, since)) if queue.is_replaying(now) => since,
            _ => now,
        };
        queue.replaying = Some((offset, since));
    }

    /// Takes in that one of the parked events of a key has failed again, if a record says that: later ones are parked.
    fn stop_replaying(&mut self, offset: i64, what: &What) {
        if let What::Parked { first: Some(_), order_key: Some(key) } = what
            && let Some(queue) = self.by_key.get_mut(key)
        {
            queue.replaying.take_if(|(said_at, _)| *said_at < offset);
        }
    }

    /// Finds out what is true of an event now.
    fn renew(&mut self, origin: Origin) {
        let Some(event) = self.events.get_mut(&origin) else { return };
        let start = self.start;
        let now = event.ahead.iter().fold(event.read.clone(), |now, (offset, what)| after(now, *offset, what, start));
        let before = std::mem::replace(&mut event.now, now.clone());
        if event.read.is_none() && event.ahead.is_empty() {
            self.events.remove(&origin);
        }
        self.count = self.count + usize::from(now.is_some()) - usize::from(before.is_some());
        let place = |parked: Option<Parked>| parked.and_then(|parked| Some((parked.order_key?, parked.first)));
        let (before, now) = (place(before), place(now));
        if before == now {
            return;
        }
        if let Some((key, first)) = before
            && let Some(queue) = self.by_key.get_mut(&key)
        {
            queue.events.remove(&(first, origin));
            if queue.events.is_empty() {
                self.by_key.remove(&key);
            }
        }
        if let Some((key, first)) = now {
            self.by_key.entry(key).or_default().events.insert((first, origin));
        }
    }

    /// Returns the offset before which all records were read.
    pub(crate) fn read_to(&self) -> i64 {
        self.read_to
    }

    /// Returns whether nothing is known of any event: none is parked.
    pub(crate) fn knows_nothing(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns how many events are parked.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Returns what is known of a parked event; `None` if it is not parked.
    pub(crate) fn get(&self, origin: &Origin) -> Option<&Parked> {
        self.events.get(origin)?.now.as_ref()
    }

    /// Returns what an event is to do that comes for the first time. `order_key` is asked only if it matters.
    pub(crate) fn turn(&self, origin: &Origin, order_key: impl FnOnce() -> Option<Vec<u8>>, now: Instant) -> Turn {
        if self.count == 0 {
            return Turn::Handle;
        }
        if self.get(origin).is_some() {
            return Turn::Nothing;
        }
        let Some(queue) = order_key().and_then(|key| self.by_key.get(&key)) else { return Turn::Handle };
        match queue.events.iter().map(|(_, parked)| *parked).find(|parked| !parked.is_after(origin)) {
            None => Turn::Handle,
            Some(oldest) if queue.is_replaying(now) => Turn::After(oldest),
            Some(oldest) => Turn::Behind(oldest),
        }
    }

    /// Returns what a replayed event is to do. Those of its key that were parked before it come first.
    pub(crate) fn turn_of_replay(&self, origin: &Origin) -> Turn {
        let Some(parked) = self.get(origin) else { return Turn::Nothing };
        match parked.order_key.as_deref().and_then(|key| self.oldest(key)) {
            Some(oldest) if oldest != *origin => Turn::Behind(oldest),
            _ => Turn::Handle,
        }
    }

    fn oldest(&self, order_key: &[u8]) -> Option<Origin> {
        self.by_key.get(order_key)?.events.first().map(|(_, origin)| *origin)
    }
}

#[cfg(test)]
mod tests;
