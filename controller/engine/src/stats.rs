//! What the engine counts and measures, for monitoring.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::Id;
use tokio::time::Instant;
use xos_model::Outcome;

use crate::queue::Priority;

/// The upper bounds of a histogram's buckets, in seconds; there is one more bucket for all that is longer.
pub const BUCKETS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// Durations, counted by length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How many durations fall into each of the [`BUCKETS`], not cumulated; the last number is of those that are
    /// longer.
    pub counts: [u64; BUCKETS.len() + 1],
    /// The sum of all durations, in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Counts a duration.
    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.counts[bucket] += 1;
        self.sum += seconds;
    }

    /// Returns how many durations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The calls of a sync step or policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepStats {
    /// How many ended in each way, by the name of the outcome: `Succeeded`, `Failed`, `Deferred`, `Innocuous`.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// How long they took.
    pub durations: Histogram,
}

/// The numbers of a lane: of a step, or of the policies of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// How many objects it has.
    pub running: usize,
    /// How many of them take long.
    pub slow: usize,
    /// How many objects wait for a place, or for the target.
    pub waiting: usize,
    /// How often the target went away.
    pub outages: u64,
    /// Since when it is away, if it is.
    pub away_since: Option<Timestamp>,
}

/// The objects of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelStats {
    /// How many wait for others.
    pub waiting: usize,
    /// How long it took from the first change that was not handled yet to Ready.
    pub time_to_ready: Histogram,
}

/// The resyncs of a step: calls for objects that were clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResyncStats {
    /// How many found everything as it was.
    pub unchanged: u64,
    /// How many changed the object.
    pub changed: u64,
    /// How many did not succeed.
    pub unsuccessful: u64,
}

/// How a resync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resynced {
    /// Everything was as it was.
    Unchanged,
    /// The step changed the object.
    Changed,
    /// It did not succeed.
    Unsuccessful,
}

/// What the engine has counted and measured up to a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The sync steps and policies that have run, by name.
    pub steps: BTreeMap<Arc<str>, StepStats>,
    /// How many objects are due and wait for a worker, by [`Priority`], in the order of [`Priority::ALL`].
    pub queue_depth: [usize; Priority::ALL.len()],
    /// How long objects waited for a worker since they were due.
    pub queue_time: Histogram,
    /// The steps, and the policies of each model, that have had objects.
    pub lanes: BTreeMap<Arc<str>, LaneStats>,
    /// The models.
    pub models: BTreeMap<Arc<str>, ModelStats>,
    /// The steps that have looked after clean objects.
    pub resyncs: BTreeMap<Arc<str>, ResyncStats>,
    /// How often the properties of an object were computed.
    pub properties_computed: u64,
    /// How many objects are being reconciled.
    pub active_workers: usize,
    /// For how long the oldest of them has been.
    pub longest_running: Duration,
}

/// The statistics of an engine; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Stats(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    counted: Snapshot,
    workers: HashMap<Id, Instant>,
}

impl Stats {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns all statistics as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let now = Instant::now();
        let running = state.workers.values().map(|started| now.duration_since(*started));
        let longest_running = running.max().unwrap_or_default();
        Snapshot { active_workers: state.workers.len(), longest_running, ..state.counted.clone() }
    }

    /// Counts a call of a step or policy.
    pub fn called(&self, step: &str, outcome: &Outcome, took: Duration) {
        let mut state = self.state();
        let steps = &mut state.counted.steps;
        if !steps.contains_key(step) {
            steps.insert(step.into(), StepStats::default());
        }
        if let Some(stats) = steps.get_mut(step) {
            *stats.outcomes.entry(outcome.as_str()).or_default() += 1;
            stats.durations.observe(took);
        }
    }

    /// Counts how long an object has waited in the queue.
    pub fn dequeued(&self, waited: Duration) {
        self.state().counted.queue_time.observe(waited);
    }

    /// Notes how many objects wait, by priority.
    pub fn set_queue_depth(&self, depth: [usize; Priority::ALL.len()]) {
        self.state().counted.queue_depth = depth;
    }

    /// Notes the numbers of all lanes.
    pub fn set_lanes(&self, lanes: impl Iterator<Item = (Arc<str>, LaneStats)>) {
        let mut state = self.state();
        for (name, lane) in lanes {
            state.counted.lanes.insert(name, lane);
        }
    }

    /// Notes which models there are, so that what has not happened yet counts as 0. Of others nothing is told any more.
    pub fn set_models(&self, models: impl Iterator<Item = Arc<str>>) {
        let mut state = self.state();
        let known = &mut state.counted.models;
        *known = models.map(|model| (Arc::clone(&model), known.remove(&model).unwrap_or_default())).collect();
    }

    /// Forgets the lanes that are not among these.
    pub(crate) fn keep_lanes(&self, lanes: &HashSet<Arc<str>>) {
        self.state().counted.lanes.retain(|lane, _| lanes.contains(lane));
    }

    /// Notes how many objects of each of these models wait for others.
    pub fn set_waiting(&self, waiting: &BTreeMap<Arc<str>, usize>) {
        let mut state = self.state();
        for (model, count) in waiting {
            state.counted.models.entry(Arc::clone(model)).or_default().waiting = *count;
        }
    }

    /// Counts how long it took until an object was Ready.
    pub fn became_ready(&self, model: &Arc<str>, after: Duration) {
        self.state().counted.models.entry(Arc::clone(model)).or_default().time_to_ready.observe(after);
    }

    /// Counts a resync by a step.
    pub fn resynced(&self, step: &str, result: Resynced) {
        let mut state = self.state();
        let stats = state.counted.resyncs.entry(step.into()).or_default();
        match result {
            Resynced::Unchanged => stats.unchanged += 1,
            Resynced::Changed => stats.changed += 1,
            Resynced::Unsuccessful => stats.unsuccessful += 1,
        }
    }

    /// Counts the objects whose properties were computed.
    pub fn computed(&self, objects: usize) {
        self.state().counted.properties_computed += u64::try_from(objects).unwrap_or_default();
    }

    pub(crate) fn worker_started(&self, worker: Id) {
        self.state().workers.insert(worker, Instant::now());
    }

    pub(crate) fn worker_ended(&self, worker: Id) {
        self.state().workers.remove(&worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_and_resyncs_are_counted() {
        let stats = Stats::default();
        let (site, team): (Arc<str>, Arc<str>) = ("Site".into(), "Team".into());
        stats.set_models([Arc::clone(&site), Arc::clone(&team)].into_iter());
        stats.set_waiting(&[(Arc::clone(&site), 3)].into());
        stats.set_waiting(&[(Arc::clone(&site), 2)].into());
        stats.became_ready(&site, Duration::from_millis(700));
        stats.resynced("Step", Resynced::Changed);
        stats.resynced("Step", Resynced::Unchanged);
        stats.resynced("Step", Resynced::Unchanged);
        let seen = stats.snapshot();
        assert_eq!((seen.models[&site].waiting, seen.models[&site].time_to_ready.count()), (2, 1));
        assert_eq!(seen.models[&team], ModelStats::default());
        assert_eq!(seen.resyncs["Step"], ResyncStats { unchanged: 2, changed: 1, unsuccessful: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn calls_and_workers_are_counted() {
        let stats = Stats::default();
        stats.called("Step", &Outcome::Succeeded, Duration::from_millis(3));
        stats.called("Step", &Outcome::Failed("no".to_owned()), Duration::from_secs(700));
        stats.set_queue_depth([2, 1, 0]);
        stats.dequeued(Duration::from_millis(1));
        let worker = tokio::spawn(async {}).id();
        stats.worker_started(worker);
        tokio::time::advance(Duration::from_secs(7)).await;
        let seen = stats.snapshot();
        assert_eq!(seen.steps["Step"].outcomes, [("Failed", 1), ("Succeeded", 1)].into());
        assert_eq!(seen.steps["Step"].durations.counts, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((seen.queue_depth, seen.queue_time.counts[0]), ([2, 1, 0], 1));
        assert_eq!((seen.active_workers, seen.longest_running.as_secs()), (1, 7));
        stats.worker_ended(worker);
        assert_eq!(stats.snapshot().active_workers, 0);
    }
}
