//! Whether the target of a step is there. While it is away its objects wait, and one at a time tries.
//!
//! [`Gate`] is pure: it is given the time. [`Gates`] shares the gates of all steps between the engine, which hands out
//! the work, and the workers, which hear of the target first.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use xos_model::{Backoff, ObjectKey};

use crate::clock::later;

/// So many objects in a row whose calls did not reach the target: then it is away. Fewer may have targets of their own.
pub(crate) const ABSENCES: usize = 5;

/// How a call ended, as far as it says something of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending<'a> {
    /// It returned: whatever it says, the target was there, or was not needed.
    Returned,
    /// It could not reach the target, or had no answer within its time limit; how it failed.
    Unreached(&'a str),
    /// The step says that the target is away, and why.
    Away(&'a str),
}

/// A target that is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// Since when.
    pub(crate) since: Timestamp,
    /// What conditions say of it: the same words until it is over.
    pub(crate) message: Arc<str>,
}

/// What the engine does after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// The target is away, and was not before.
    Closed(Outage),
    /// It is still away.
    StillAway(Outage),
    /// It is there again.
    Opened(Outage),
}

/// The gate of a step.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: Option<Closed>,
    /// The objects whose last calls did not reach the target, since any call returned.
    unreached: HashSet<ObjectKey>,
    /// When the first of them did not.
    unreached_since: Option<Timestamp>,
    /// When a call last returned.
    returned: Option<Timestamp>,
    /// The probes of the last outage, and its end: one that begins soon after it goes on with its delays.
    before: Option<(u32, Timestamp)>,
    outages: u64,
}

#[derive(Debug)]
struct Closed {
    outage: Outage,
    /// How many objects have tried in vain.
    probes: u32,
    /// Not before this time may another object try.
    next_probe: Timestamp,
    /// The object that tries.
    probing: Option<ObjectKey>,
}

impl Gate {
    /// Returns the outage, while the target is away.
    pub(crate) fn outage(&self) -> Option<&Outage> {
        self.closed.as_ref().map(|closed| &closed.outage)
    }

    /// Returns how often the target went away.
    pub(crate) fn outages(&self) -> u64 {
        self.outages
    }

    /// Returns when the next object may try; none while the target is there.
    fn next_probe(&self) -> Option<Timestamp> {
        self.closed.as_ref().map(|closed| closed.next_probe)
    }

    /// Takes in that a worker begins with an object. While the target is away that is a probe: a next one comes when
    /// it has ended, or has taken as long as the longest delay.
    fn began(&mut self, key: &ObjectKey, delays: &Backoff, now: Timestamp) {
        if let Some(closed) = &mut self.closed {
            closed.probing = Some(key.clone());
            closed.next_probe = later(now, delays.longest());
        }
    }

    /// Takes in that the worker which had an object has ended, whether it called the step or not.
    fn left(&mut self, key: &ObjectKey, delays: &Backoff, now: Timestamp) {
        if let Some(closed) = self.closed.as_mut().filter(|closed| closed.probing.as_ref() == Some(key)) {
            closed.probing = None;
            closed.next_probe = later(now, delays.initial);
        }
    }

    /// Takes in the end of a call. `unit` is a random number in 0..1, for the jitter of the delay.
    fn ended(
        &mut self,
        (step, key): (&str, &ObjectKey),
        ending: Ending<'_>,
        (began, now): (Timestamp, Timestamp),
        (delays, unit): (&Backoff, f64),
    ) -> News {
        match ending {
            Ending::Returned => self.returned(now),
            // While this call waited the target answered another one: it is not away.
            Ending::Unreached(_) if self.returned.is_some_and(|returned| returned > began) => News::None,
            Ending::Unreached(why) if self.closed.is_none() => {
                self.unreached.insert(key.clone());
                let since = *self.unreached_since.get_or_insert(now);
                if self.unreached.len() < ABSENCES {
                    return News::None;
                }
                self.close((step, why), since, (now, delays, unit))
            }
            Ending::Away(why) if self.closed.is_none() => self.close((step, why), now, (now, delays, unit)),
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
    ) -> News {
        let goes_on = self.before.filter(|(_, ended)| later(*ended, delays.max) > now);
        let probes = goes_on.map_or(0, |(probes, _)| probes).saturating_add(1);
        let message = format!("the target of {step} is away since {since:.0}: {why}");
        let outage = Outage { since, message: message.into() };
        self.outages += 1;
        self.unreached.clear();
        self.unreached_since = None;
        let next_probe = later(now, delays.delay(probes, unit));
        self.closed = Some(Closed { outage: outage.clone(), probes, next_probe, probing: None });
        News::Closed(outage)
    }

    fn still_away(&mut self, key: &ObjectKey, (now, delays, unit): (Timestamp, &Backoff, f64)) -> News {
        let Some(closed) = &mut self.closed else { return News::None };
        // Calls that began before the target went away are no probes.
        if closed.probing.as_ref() == Some(key) {
            closed.probing = None;
            closed.probes = closed.probes.saturating_add(1);
            closed.next_probe = later(now, delays.delay(closed.probes, unit));
        }
        News::StillAway(closed.outage.clone())
    }
}

/// The gates of all steps, by the names of their lanes. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Gates {
    gates: Arc<Mutex<BTreeMap<Arc<str>, Gate>>>,
    /// The delays between probes.
    delays: Backoff,
}

impl Gates {
    pub(crate) fn new(delays: Backoff) -> Self {
        Self { gates: Arc::default(), delays }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what `read` finds at the gate of a lane; none if it was never used.
    pub(crate) fn of<T>(&self, lane: &str, read: impl FnOnce(&Gate) -> T) -> Option<T> {
        self.lock().get(lane).map(read)
    }

    /// Returns the outage of a lane's target, while it is away.
    pub(crate) fn outage(&self, lane: &str) -> Option<Outage> {
        self.of(lane, |gate| gate.outage().cloned()).flatten()
    }

    /// Returns when the next object of a lane may try; none while the target is there. It is not further ahead than the
    /// longest delay: else the clock was ahead when it was set.
    pub(crate) fn next_probe(&self, lane: &str, now: Timestamp) -> Option<Timestamp> {
        let at = self.of(lane, Gate::next_probe).flatten()?;
        let longest = self.delays.longest();
        Some(if at > later(now, longest) { now } else { at })
    }

    /// See [`Gate::began`].
    pub(crate) fn began(&self, lane: &str, key: &ObjectKey, now: Timestamp) {
        if let Some(gate) = self.lock().get_mut(lane) {
            gate.began(key, &self.delays, now);
        }
    }

    /// See [`Gate::left`].
    pub(crate) fn left(&self, lane: &str, key: &ObjectKey, now: Timestamp) {
        if let Some(gate) = self.lock().get_mut(lane) {
            gate.left(key, &self.delays, now);
        }
    }

    /// Takes in the end of a call of a step or policy, of an object of a lane.
    pub(crate) fn ended(
        &self,
        lane: &Arc<str>,
        call: (&str, &ObjectKey),
        ending: Ending<'_>,
        times: (Timestamp, Timestamp),
    ) -> News {
        let mut gates = self.lock();
        if !gates.contains_key(lane) {
            gates.insert(Arc::clone(lane), Gate::default());
        }
        let Some(gate) = gates.get_mut(lane) else { return News::None };
        gate.ended(call, ending, times, (&self.delays, rand::random()))
    }
}

#[cfg(test)]
mod tests;
