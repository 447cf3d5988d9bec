//! The workers: how many there may be, and which object and lane each of them has.

mod lanes;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use xos_model::ObjectKey;

use crate::clock::Clock;
use crate::gate::Gates;
use crate::queue::{Group, Priority};
use crate::stats::Stats;
use crate::work::Report;

use lanes::Lanes;

pub(crate) use lanes::{Full, Limits, Need, Needs, Turn};

/// The workers of an engine, each a task.
pub(crate) struct Workers {
    tasks: JoinSet<Report>,
    uids: HashMap<Id, String>,
    lanes: Lanes,
    gates: Gates,
    stats: Stats,
    clock: Arc<dyn Clock>,
}

/// What a worker is started for.
pub(crate) struct Start {
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    pub(crate) group: Group,
    /// The places that it takes.
    pub(crate) needs: Needs,
}

/// A worker that has ended.
pub(crate) struct Ended {
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    /// Its report; an error if it panicked.
    pub(crate) report: Result<Report, JoinError>,
}

impl Workers {
    pub(crate) fn new(limits: Limits, gates: Gates, stats: Stats, clock: Arc<dyn Clock>) -> Self {
        Self { tasks: JoinSet::new(), uids: HashMap::new(), lanes: Lanes::new(limits), gates, stats, clock }
    }

    /// Returns how many workers there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether a worker has an object of one of these models.
    pub(crate) fn has_any_of(&self, models: &BTreeSet<String>) -> bool {
        self.lanes.working_on().any(|key| models.contains(&*key.model))
    }

    /// Takes in which lanes there are from now on: of others nothing is left when their last worker has ended.
    pub(crate) fn keep_lanes(&mut self, lanes: &HashSet<Arc<str>>) {
        self.lanes.keep(lanes);
        self.gates.keep(lanes);
        self.stats.keep_lanes(lanes);
    }

    /// Returns whether one more worker may start now.
    pub(crate) fn has_room(&mut self) -> bool {
        self.lanes.update(Instant::now());
        self.lanes.has_room()
    }

    /// Returns how long it takes until there may be something to do for those that wait, by the time alone.
    pub(crate) fn next_turn(&self) -> Option<Duration> {
        let now = Instant::now();
        let instant = self.lanes.next_instant(now).map(|at| at.saturating_duration_since(now));
        let time = self.clock.now();
        let at = self.lanes.next_time(&self.gates, time);
        let time = at.map(|at| Duration::try_from(at.duration_since(time)).unwrap_or_default());
        [instant, time].into_iter().flatten().min()
    }

    /// Returns what there is to do for the objects that wait.
    pub(crate) fn turn(&mut self) -> Turn {
        let turn = self.lanes.turn(&self.gates, (Instant::now(), self.clock.now()));
        self.stats.set_lanes(self.lanes.stats(&self.gates));
        turn
    }

    /// Returns the place that is missing for a job on an object, if any. While a step's target is away there is none,
    /// but for the object that is to try.
    pub(crate) fn missing<'a>(&self, needs: &'a Needs, key: &ObjectKey, group: &Group) -> Option<&'a Need> {
        let is_missing = |need: &&Need| {
            let is_away = self.gates.of(&need.lane, |gate| gate.outage().is_some()) == Some(true);
            (is_away && !self.lanes.is_offered(&need.lane, key)) || self.lanes.is_full(need, key, group)
        };
        needs.iter().flatten().find(is_missing)
    }

    /// Lets an object wait until it is offered a place.
    pub(crate) fn wait(&mut self, need: &Need, key: &ObjectKey, taken_as: (Priority, Group)) {
        self.lanes.wait(need, key, taken_as, self.clock.now());
    }

    /// Has an object that waits for the target told so after a while.
    pub(crate) fn tell_later(&mut self, need: &Need, key: &ObjectKey) {
        self.lanes.tell_later(&need.lane, key, self.clock.now());
    }

    /// Takes in that an object that may have been offered a place has been looked at.
    pub(crate) fn settle_offer(&mut self, key: &ObjectKey) {
        self.lanes.settle_offer(key);
    }

    /// Takes in that an object is gone.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.lanes.forget(key);
    }

    /// Starts a worker on an object.
    pub(crate) fn start(
        &mut self,
        Start { key, uid, group, needs }: Start,
        work: impl Future<Output = Report> + Send + 'static,
    ) {
        for need in needs.iter().flatten() {
            self.gates.began(&need.lane, &key, self.clock.now());
        }
        let worker = self.tasks.spawn(work).id();
        self.lanes.started(worker, (key, group), needs, Instant::now());
        self.stats.worker_started(worker);
        self.uids.insert(worker, uid);
    }

    /// Waits for a worker to end; none if there is none.
    pub(crate) async fn join_next(&mut self) -> Option<Ended> {
        loop {
            let (worker, report) = match self.tasks.join_next_with_id().await? {
                Ok((worker, report)) => (worker, Ok(report)),
                Err(error) => (error.id(), Err(error)),
            };
            self.stats.worker_ended(worker);
            let ended = self.lanes.ended(worker, Instant::now());
            let Some(((key, needs), uid)) = ended.zip(self.uids.remove(&worker)) else { continue };
            for need in needs.iter().flatten() {
                self.gates.left(&need.lane, &key, self.clock.now());
            }
            return Some(Ended { key, uid, report });
        }
    }

    /// Waits for all workers to end, at most `grace`; stops those that have not by then. Returns how many that were.
    pub(crate) async fn drain(&mut self, grace: Duration) -> usize {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_ok() {
            return 0;
        }
        let left = self.tasks.len();
        self.tasks.shutdown().await;
        left
    }
}
