//! The events of an order key that are behind its first one.

use std::collections::VecDeque;
use std::sync::Arc;

use xos_steps::BusEvent;

/// An event that waits for those before it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Arc<BusEvent>,
    /// The reason for parking it, if there is one.
    pub(crate) park_reason: Option<String>,
    /// For a replayed event, the offset that it had when it came for the first time.
    pub(crate) replayed: Option<i64>,
}

impl Waiting {
    pub(super) fn amount(&self) -> Amount {
        Amount::of(&self.event)
    }
}

/// A number of events and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Amount {
    /// Returns one event, and about how many bytes it takes in memory.
    pub(super) fn of(event: &BusEvent) -> Self {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = event.headers.iter().map(|(name, value)| name.len() + bytes(value)).sum();
        Self { events: 1, bytes: bytes(&event.key) + bytes(&event.value) + headers }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
    }

    pub(super) fn remove(&mut self, other: Self) {
        self.events = self.events.saturating_sub(other.events);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

/// The events behind the first one of an order key. A replayed event goes before all that came after it for the first
/// time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order of their offsets.
    waiting: VecDeque<Waiting>,
    /// Replayed events, in the order in which they came for the first time.
    replays: VecDeque<Waiting>,
    amount: Amount,
    /// Whether its first event failed or waited, and none was handled since.
    pub(super) is_stuck: bool,
}

impl Queue {
    pub(super) fn push(&mut self, one: Waiting) {
        self.amount.add(one.amount());
        if one.replayed.is_none() {
            self.waiting.push_back(one);
        } else {
            let at = self.replays.partition_point(|other| other.replayed <= one.replayed);
            self.replays.insert(at, one);
        }
    }

    /// Puts back the event that was the first one.
    pub(super) fn put_back(&mut self, one: Waiting) {
        self.amount.add(one.amount());
        self.waiting.push_front(one);
    }

    /// Returns the next event.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let next = self.waiting.front().map_or(i64::MAX, |one| one.event.offset);
        if let Some(replay) = self.pop_replay(next) {
            return Some(replay);
        }
        let next = self.waiting.pop_front()?;
        self.amount.remove(next.amount());
        Some(next)
    }

    /// Returns the next replayed event, if it came before this offset for the first time.
    pub(super) fn pop_replay(&mut self, before: i64) -> Option<Waiting> {
        let next = self.replays.pop_front_if(|one| one.replayed.is_some_and(|first| first < before))?;
        self.amount.remove(next.amount());
        Some(next)
    }

    /// Returns how much is in it.
    pub(super) fn amount(&self) -> Amount {
        self.amount
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.replays.clear();
        self.amount = Amount::default();
    }
}
