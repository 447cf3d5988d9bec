//! The places of workers: a lane for each step and for the policies of each model, so that no step holds up another.
//!
//! Pure: it is given the time. A limited number of workers counts as fast; one that has worked for a while counts as
//! slow instead, which makes room for another one. Each lane has so many slow ones at most; the objects of a lane that
//! is known to be slow count as slow from the start, until it is fast again. What finds no place in its lane waits
//! there.

mod lane;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::Id;
use tokio::time::Instant;
use xos_model::{ObjectKey, Pass};

use crate::clock::later;
use crate::gate::Gates;
use crate::queue::{Group, Head, Priority};
use crate::stats::LaneStats;
use lane::Lane;

/// One place of this many is kept for other lanes, and one slow place of a lane for other namespaces and writers.
const KEPT: usize = 8;
/// A lane stalls if one of its fast workers has worked for this part of the time after which it is slow. Only then
/// places are kept for others: while calls are short there is one in no time.
const STALLS: u32 = 10;
/// How long objects of a lane wait without a break for a place before the log says so.
const SAY_FULL_AFTER: Duration = Duration::from_secs(10);

/// A place in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) lane: Arc<str>,
    /// The step's own limit.
    pub(crate) limit: Option<usize>,
    /// The pass whose code runs in the lane.
    pub(crate) pass: Pass,
}

/// The places that a job needs.
pub(crate) type Needs = [Option<Need>; 2];

/// How many workers there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Fast ones, in all.
    pub(crate) fast: usize,
    /// Slow ones, of each lane.
    pub(crate) slow: usize,
    /// A worker that has worked this long is slow.
    pub(crate) slow_after: Duration,
    /// Whether there are several lanes: then none may have all fast places.
    pub(crate) has_several: bool,
    /// How long objects wait before they are told.
    pub(crate) report_after: Duration,
}

impl Limits {
    /// Returns how many fast workers a lane may have that stalls.
    fn fast_of_stalled(&self) -> usize {
        let kept = if self.has_several && self.fast > 1 { (self.fast / KEPT).max(1) } else { 0 };
        self.fast - kept
    }

    fn stalls_after(&self) -> Duration {
        self.slow_after / STALLS
    }

    /// Returns how many slow workers of a lane a group may have.
    fn slow_of_group(&self) -> usize {
        self.slow - self.slow / KEPT
    }
}

/// All lanes, and the workers in them.
#[derive(Debug)]
pub(super) struct Lanes {
    limits: Limits,
    lanes: BTreeMap<Arc<str>, Lane>,
    /// The fast workers, in order of their start.
    fast: VecDeque<(Instant, Id)>,
    workers: HashMap<Id, Working>,
    /// The objects that have been offered a place and have not taken it yet, and whose.
    offered: HashMap<ObjectKey, Arc<str>>,
    /// Whether any lane stalls.
    has_stalled: bool,
}

/// A worker.
#[derive(Debug)]
struct Working {
    key: ObjectKey,
    needs: Needs,
    group: Group,
    is_slow: bool,
    started: Instant,
}

/// What there is to do for the objects that wait.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// These are to be looked at again: there is a place for each.
    pub(crate) offered: Vec<Head>,
    /// The status of these is to say that the target is away.
    pub(crate) told: Vec<ObjectKey>,
    /// Lanes whose objects have waited for long.
    pub(crate) full: Vec<Full>,
}

/// A lane whose objects have waited for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) lane: Arc<str>,
    pub(crate) waiting: usize,
    pub(crate) running: usize,
    /// For how long the oldest worker has worked.
    pub(crate) longest: Duration,
}

impl Lanes {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: BTreeMap::new(),
            fast: VecDeque::new(),
            workers: HashMap::new(),
            offered: HashMap::new(),
            has_stalled: false,
        }
    }

    /// Returns the objects that workers have.
    pub(super) fn working_on(&self) -> impl Iterator<Item = &ObjectKey> {
        self.workers.values().map(|worker| &worker.key)
    }

    /// Takes in which lanes there are. Those that have workers or waiting objects stay until they have none.
    pub(super) fn keep(&mut self, lanes: &HashSet<Arc<str>>) {
        self.limits.has_several = lanes.len() > 1;
        let is_used = |lane: &Lane| lane.fast + lane.slow > 0 || !lane.waiting.is_empty();
        self.lanes.retain(|name, lane| lanes.contains(name) || is_used(lane));
    }

    /// Returns whether one more fast worker may start.
    pub(super) fn has_room(&self) -> bool {
        self.fast.len() < self.limits.fast
    }

    fn lane_mut(&mut self, need: &Need) -> &mut Lane {
        let lane = self.lanes.entry(Arc::clone(&need.lane)).or_default();
        lane.limit = need.limit;
        lane
    }

    /// Returns whether a lane has no place for an object.
    pub(super) fn is_full(&self, need: &Need, key: &ObjectKey, group: &Group) -> bool {
        self.lanes.get(&need.lane).is_some_and(|lane| {
            let promised = if self.is_offered(&need.lane, key) { 0 } else { lane.offered };
            lane.room(group, &self.limits) <= promised
        })
    }

    /// Returns whether a place of a lane has been offered to an object.
    pub(super) fn is_offered(&self, lane: &Arc<str>, key: &ObjectKey) -> bool {
        self.offered.get(key) == Some(lane)
    }

    /// Takes in that an object that had been offered a place has been looked at, or is gone.
    pub(super) fn settle_offer(&mut self, key: &ObjectKey) {
        if let Some(lane) = self.offered.remove(key).and_then(|name| self.lanes.get_mut(&name)) {
            lane.offered = lane.offered.saturating_sub(1);
        }
    }

    /// Lets an object wait for a place.
    pub(super) fn wait(&mut self, need: &Need, key: &ObjectKey, (priority, group): (Priority, Group), now: Timestamp) {
        self.lane_mut(need).waiting.add(key, group, priority, now);
    }

    /// Has an object that waits for the target told so after a while.
    pub(super) fn tell_later(&mut self, lane: &Arc<str>, key: &ObjectKey, now: Timestamp) {
        let first = later(now, self.limits.report_after);
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.untold.push_back(key.clone());
            lane.next_telling.get_or_insert(first);
        }
    }

    /// Takes in that an object is gone.
    pub(super) fn forget(&mut self, key: &ObjectKey) {
        self.settle_offer(key);
        for lane in self.lanes.values_mut() {
            lane.waiting.remove(key);
        }
    }

    /// Takes in that a worker has started.
    pub(super) fn started(&mut self, worker: Id, (key, group): (ObjectKey, Group), needs: Needs, now: Instant) {
        let is_known_slow = |need: &Need| self.lanes.get(&need.lane).is_some_and(|lane| lane.is_known_slow);
        let is_slow = needs.iter().flatten().any(is_known_slow);
        for need in needs.iter().flatten() {
            self.lane_mut(need).count(is_slow, &group, 1);
        }
        if !is_slow {
            self.fast.push_back((now, worker));
        }
        self.workers.insert(worker, Working { key, needs, group, is_slow, started: now });
    }

    /// Takes in that a worker has ended. Returns the lanes that it was in.
    pub(super) fn ended(&mut self, worker: Id, now: Instant) -> Option<(ObjectKey, Needs)> {
        let Working { key, needs, group, is_slow, started } = self.workers.remove(&worker)?;
        if !is_slow {
            self.fast.retain(|(_, other)| *other != worker);
        }
        let was_fast = now.duration_since(started) < self.limits.slow_after;
        let few = self.limits.fast_of_stalled();
        for need in needs.iter().flatten() {
            let Some(lane) = self.lanes.get_mut(&need.lane) else { continue };
            lane.count(is_slow, &group, -1);
            // While so many are slow that they would fill the fast places, others do not begin there.
            if is_slow && was_fast && lane.slow < few {
                lane.is_known_slow = false;
            }
        }
        Some((key, needs))
    }

    /// Counts workers as slow that have worked long enough.
    pub(super) fn update(&mut self, now: Instant) {
        while let Some((started, worker)) = self.fast.front().copied()
            && now.duration_since(started) >= self.limits.slow_after
        {
            self.fast.pop_front();
            self.make_slow(worker);
            for need in self.workers.get(&worker).iter().flat_map(|working| working.needs.iter().flatten()) {
                if let Some(lane) = self.lanes.get_mut(&need.lane) {
                    lane.is_known_slow = true;
                }
            }
        }
        if self.limits.has_several {
            self.keep_places(now);
        }
    }

    /// Finds the lanes that stall, and keeps places for others: the oldest workers beyond that count as slow.
    fn keep_places(&mut self, now: Instant) {
        if std::mem::take(&mut self.has_stalled) {
            self.lanes.values_mut().for_each(|lane| lane.is_stalled = false);
        }
        let most = self.limits.fast_of_stalled();
        let mut moved = vec![];
        for (started, worker) in &self.fast {
            if now.duration_since(*started) < self.limits.stalls_after() {
                break;
            }
            let Some(working) = self.workers.get(worker) else { continue };
            self.has_stalled = true;
            for need in working.needs.iter().flatten() {
                let Some(lane) = self.lanes.get_mut(&need.lane) else { continue };
                lane.is_stalled = true;
                if lane.fast > most + moved.len() && moved.last() != Some(worker) {
                    moved.push(*worker);
                }
            }
        }
        for worker in moved {
            self.fast.retain(|(_, other)| *other != worker);
            self.make_slow(worker);
        }
    }

    fn make_slow(&mut self, worker: Id) {
        let Some(working) = self.workers.get_mut(&worker) else { return };
        working.is_slow = true;
        for need in working.needs.iter().flatten() {
            if let Some(lane) = self.lanes.get_mut(&need.lane) {
                lane.count(false, &working.group, -1);
                lane.count(true, &working.group, 1);
            }
        }
    }

    /// Returns what there is to do for the objects that wait. The first of a lane whose target is away probes it.
    pub(super) fn turn(&mut self, gates: &Gates, (instant, now): (Instant, Timestamp)) -> Turn {
        let mut turn = Turn::default();
        let mut full = vec![];
        for (name, lane) in &mut self.lanes {
            let next_probe = gates.next_probe(name, now);
            if next_probe.is_none() {
                lane.untold.clear();
                lane.next_telling = None;
            }
            if lane.waiting.is_empty() {
                lane.full = None;
                continue;
            }
            let places = next_probe.map_or(usize::MAX, |at| usize::from(at <= now));
            let before = turn.offered.len();
            lane.offer(&self.limits, (places, now), &mut turn.offered);
            for head in &turn.offered[before..] {
                self.offered.insert(head.key.clone(), Arc::clone(name));
            }
            lane.is_probe_blocked = places == 1 && lane.offered == 0;
            if next_probe.is_some() {
                lane.full = None;
                turn.told.extend(std::iter::from_fn(|| lane.tell(&self.limits, now)));
                continue;
            }
            if lane.waiting.is_empty() {
                lane.full = None;
                continue;
            }
            let (since, is_said) = lane.full.get_or_insert((instant, false));
            if !*is_said && instant.duration_since(*since) >= SAY_FULL_AFTER {
                *is_said = true;
                full.push(Arc::clone(name));
            }
        }
        turn.full = full.into_iter().map(|lane| self.describe(lane, instant)).collect();
        turn
    }

    fn describe(&self, name: Arc<str>, now: Instant) -> Full {
        let is_in = |worker: &&Working| worker.needs.iter().flatten().any(|need| need.lane == name);
        let of_lane = self.workers.values().filter(is_in);
        let longest = of_lane.map(|worker| now.duration_since(worker.started)).max().unwrap_or_default();
        let lane = self.lanes.get(&name);
        let waiting = lane.map_or(0, |lane| lane.waiting.len());
        Full { waiting, running: lane.map_or(0, |lane| lane.fast + lane.slow), longest, lane: name }
    }

    /// Returns when [`Lanes::update`] or [`Lanes::turn`] has something to do by the time alone.
    pub(super) fn next_instant(&self, now: Instant) -> Option<Instant> {
        let is_waited = !self.has_room() || self.lanes.values().any(|lane| !lane.waiting.is_empty());
        let slow = self.fast.front().filter(|_| is_waited).map(|(started, _)| *started + self.limits.slow_after);
        // The first that is not known to stall.
        let young = self.fast.iter().map(|(started, _)| *started + self.limits.stalls_after());
        let stalls = young.filter(|_| self.limits.has_several && !self.has_room()).find(|at| *at > now);
        let unsaid = self.lanes.values().filter_map(|lane| lane.full.filter(|(_, is_said)| !is_said));
        let say = unsaid.map(|(since, _)| since + SAY_FULL_AFTER).min();
        [slow, stalls, say].into_iter().flatten().min()
    }

    /// Returns when an object that waits for the target is to try, or to be told.
    pub(super) fn next_time(&self, gates: &Gates, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.lanes.iter().filter(|(_, lane)| !lane.waiting.is_empty());
        let times = waiting.flat_map(|(name, lane)| {
            let next_probe = gates.next_probe(name, now);
            let is_awaited = lane.offered == 0 && !lane.is_probe_blocked;
            [next_probe.filter(|_| is_awaited), lane.next_telling.filter(|_| next_probe.is_some())]
        });
        times.flatten().min()
    }

    /// Returns the numbers of all lanes.
    pub(super) fn stats(&self, gates: &Gates) -> impl Iterator<Item = (Arc<str>, LaneStats)> {
        self.lanes.iter().map(|(name, lane)| {
            let gate = gates.of(name, |gate| (gate.outages(), gate.outage().map(|outage| outage.since)));
            let (outages, away_since) = gate.unwrap_or_default();
            let (slow, waiting) = (lane.slow, lane.waiting.len());
            (Arc::clone(name), LaneStats { running: lane.fast + slow, slow, waiting, outages, away_since })
        })
    }
}

#[cfg(test)]
mod tests;
