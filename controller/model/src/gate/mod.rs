//! Whether the target of a step is there. While it is away what a step works on waits, and one at a time tries.
//!
//! [`Gate`] is pure: it is given the time. The engine has one for each sync step and for the policies of each model, the
//! event bus one for each event step.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use jiff::Timestamp;

use crate::backoff::Backoff;
use crate::time::later;

/// So many calls in a row, each for something else, that did not reach the target: then it is away. Fewer may have
/// targets of their own.
pub const ABSENCES: usize = 5;

/// How a call ended, as far as it says something of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<'a> {
    /// It returned: whatever it says, the target was there, or was not needed.
    Returned,
    /// It could not reach the target, or had no answer within its time limit; how it failed.
    Unreached(&'a str),
    /// The step says that the target is away, and why.
    Away(&'a str),
}

/// A target that is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Since when.
    pub since: Timestamp,
    /// What conditions say of it: the same words until it is over.
    pub message: Arc<str>,
}

/// What a call has shown of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// The target is away, and was not before.
    Closed(Outage),
    /// It is still away.
    StillAway(Outage),
    /// It is there again.
    Opened(Outage),
}

/// The gate of a step. `K` tells apart what the step is called for: objects, or events.
#[derive(Debug)]
pub struct Gate<K> {
    closed: Option<Closed<K>>,
    /// The objects whose last calls did not reach the target, since any call returned.
    unreached: HashSet<K>,
    /// When the first of them did not.
    unreached_since: Option<Timestamp>,
    /// When a call last returned.
    returned: Option<Timestamp>,
    /// The probes of the last outage, and its end: one that begins soon after it goes on with its delays.
    before: Option<(u32, Timestamp)>,
    outages: u64,
}

#[derive(Debug)]
struct Closed<K> {
    outage: Outage,
    /// How many objects have tried in vain.
    probes: u32,
    /// Not before this time may another object try.
    next_probe: Timestamp,
    /// The object that tries.
    probing: Option<K>,
    /// Whether enough has tried in vain, or the step has said that it is away. Else it may be away for a few only.
    is_sure: bool,
}

impl<K> Default for Gate<K> {
    fn default() -> Self {
        Self {
            closed: None,
            unreached: HashSet::new(),
            unreached_since: None,
            returned: None,
            before: None,
            outages: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> Gate<K> {
    /// Returns the outage, while the target is away.
    pub fn outage(&self) -> Option<&Outage> {
        self.closed.as_ref().map(|closed| &closed.outage)
    }

    /// Returns how often the target went away.
    pub fn outages(&self) -> u64 {
        self.outages
    }

    /// Returns when the next object may try; none while the target is there.
    pub fn next_probe(&self) -> Option<Timestamp> {
        self.closed.as_ref().map(|closed| closed.next_probe)
    }

    /// Takes in that a worker begins with an object. While the target is away that is a probe: a next one comes when
    /// it has ended, or has taken as long as the longest delay.
    pub fn began(&mut self, key: &K, delays: &Backoff, now: Timestamp) {
        if let Some(closed) = &mut self.closed {
            closed.probing = Some(key.clone());
            closed.next_probe = later(now, delays.longest());
        }
    }

    /// Takes in that the worker which had an object has ended, whether it called the step or not.
    pub fn left(&mut self, key: &K, delays: &Backoff, now: Timestamp) {
        if let Some(closed) = self.closed.as_mut().filter(|closed| closed.probing.as_ref() == Some(key)) {
            closed.probing = None;
            closed.next_probe = later(now, delays.initial);
        }
    }

    /// Takes in that what has just tried says nothing of the target: another may try at once.
    pub fn left_at_once(&mut self, key: &K, now: Timestamp) {
        if let Some(closed) = self.closed.as_mut().filter(|closed| closed.probing.as_ref() == Some(key)) {
            closed.probing = None;
            closed.next_probe = now;
        }
    }

    /// Lets something new try at once, unless something is trying, or enough has tried already: the target may be away
    /// for a few only.
    pub fn try_at_once(&mut self, now: Timestamp) {
        if let Some(closed) = self.closed.as_mut().filter(|closed| closed.probing.is_none() && !closed.is_sure) {
            closed.next_probe = closed.next_probe.min(now);
        }
    }

    /// Returns whether nothing speaks against the target: the end of a call that was answered need not be taken in.
    pub fn is_at_rest(&self) -> bool {
        self.closed.is_none() && self.unreached.is_empty()
    }

    /// Takes in the end of a call. `unit` is a random number in 0..1, for the jitter of the delay. So many `absences` in
    /// a row close the gate: [`ABSENCES`], or fewer where there is nothing else to try.
    pub fn ended(
        &mut self,
        (step, key): (&str, &K),
        ending: Ending<'_>,
        (began, now): (Timestamp, Timestamp),
        (delays, unit): (&Backoff, f64),
        absences: usize,
    ) -> News {
        match ending {
            Ending::Returned => self.returned(now),
            // While this call waited the target answered another one: it is not away.
            Ending::Unreached(_) if self.returned.is_some_and(|returned| returned > began) => News::None,
            Ending::Unreached(why) if self.closed.is_none() => {
                self.unreached.insert(key.clone());
                let since = *self.unreached_since.get_or_insert(now);
                if self.unreached.len() < absences {
                    return News::None;
                }
                let is_sure = self.unreached.len() >= ABSENCES;
                self.close((step, why), since, (now, delays, unit), is_sure)
            }
            Ending::Away(why) if self.closed.is_none() => self.close((step, why), now, (now, delays, unit), true),
            Ending::Unreached(_) | Ending::Away(_) => self.still_away(key, (now, delays, unit)),
        }
    }

    fn returned(&mut self, now: Timestamp) -> News {
        self.returned = Some(now);
        self.unreached.clear();
        self.unreached_since = None;
        let Some(closed) = self.closed.take() else { return News::None };
        self.before = Some((closed.probes, now));
        News::Opened(closed.outage)
    }

    fn close(
        &mut self,
        (step, why): (&str, &str),
        since: Timestamp,
        (now, delays, unit): (Timestamp, &Backoff, f64),
        is_sure: bool,
    ) -> News {
        let goes_on = self.before.filter(|(_, ended)| later(*ended, delays.max) > now);
        let probes = goes_on.map_or(0, |(probes, _)| probes).saturating_add(1);
        let message = format!("the target of {step} is away since {since:.0}: {why}");
        let outage = Outage { since, message: message.into() };
        self.outages += 1;
        self.unreached_since = None;
        let next_probe = later(now, delays.delay(probes, unit));
        self.closed = Some(Closed { outage: outage.clone(), probes, next_probe, probing: None, is_sure });
        News::Closed(outage)
    }

    fn still_away(&mut self, key: &K, (now, delays, unit): (Timestamp, &Backoff, f64)) -> News {
        let Some(closed) = &mut self.closed else { return News::None };
        if !closed.is_sure {
            self.unreached.insert(key.clone());
            closed.is_sure = self.unreached.len() >= ABSENCES;
        }
        // Calls that began before the target went away are no probes.
        if closed.probing.as_ref() == Some(key) {
            closed.probing = None;
            closed.probes = closed.probes.saturating_add(1);
            closed.next_probe = later(now, delays.delay(closed.probes, unit));
        }
        News::StillAway(closed.outage.clone())
    }
}

#[cfg(test)]
mod tests;
