//! The gates of all steps: whether their targets are there. The engine, which hands out the work, and the workers, which
//! hear of the targets first, share them.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
pub(crate) use xos_model::gate::Outage;
use xos_model::gate::{ABSENCES, Ending, Gate, News};
use xos_model::{Backoff, ObjectKey};

use crate::clock::later;

/// The gates of all steps, by the names of their lanes. Clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Gates {
    gates: Arc<Mutex<BTreeMap<Arc<str>, Gate<ObjectKey>>>>,
    /// The delays between probes.
    delays: Backoff,
}

impl Gates {
    pub(crate) fn new(delays: Backoff) -> Self {
        Self { gates: Arc::default(), delays }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Gate<ObjectKey>>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the gates of lanes that are not among these.
    pub(crate) fn keep(&self, lanes: &HashSet<Arc<str>>) {
        self.lock().retain(|lane, _| lanes.contains(lane));
    }

    /// Returns what `read` finds at the gate of a lane; none if it was never used.
    pub(crate) fn of<T>(&self, lane: &str, read: impl FnOnce(&Gate<ObjectKey>) -> T) -> Option<T> {
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
        gate.ended(call, ending, times, (&self.delays, rand::random()), ABSENCES)
    }
}
