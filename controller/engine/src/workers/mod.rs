//! The workers: how many there may be, and which object and step each of them has.

mod slow_steps;
mod step_limits;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use xos_model::ObjectKey;

use crate::registry::Entry;
use crate::stats::Stats;
use crate::work::Report;

use slow_steps::SlowSteps;
use step_limits::StepLimits;

pub(crate) use slow_steps::Limits;
pub(crate) use step_limits::Offer;

/// The workers of an engine, each a task.
pub(crate) struct Workers {
    tasks: JoinSet<Report>,
    assigned: HashMap<Id, Assigned>,
    slow_steps: SlowSteps,
    limits: StepLimits,
    stats: Stats,
}

/// What a worker is started for.
pub(crate) struct Start {
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    /// The name of the author's code that it runs, if any.
    pub(crate) runs: Option<Arc<str>>,
    /// Whether it takes a slot of the object's step.
    pub(crate) takes_slot: bool,
}

/// What a worker has.
struct Assigned {
    key: ObjectKey,
    uid: String,
    /// The step whose slot it takes.
    slot: Option<Arc<str>>,
}

/// A worker that has ended.
pub(crate) struct Ended {
    pub(crate) key: ObjectKey,
    pub(crate) uid: String,
    /// Its report; an error if it panicked.
    pub(crate) report: Result<Report, JoinError>,
    /// Its slot, if somebody waits for it.
    pub(crate) offer: Option<Offer>,
}

impl Workers {
    pub(crate) fn new(limits: Limits, stats: Stats) -> Self {
        Self {
            tasks: JoinSet::new(),
            assigned: HashMap::new(),
            slow_steps: SlowSteps::new(limits),
            limits: StepLimits::default(),
            stats,
        }
    }

    /// Returns how many workers there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether one more worker may start now.
    pub(crate) fn has_room(&mut self) -> bool {
        self.slow_steps.update(Instant::now());
        self.slow_steps.has_room()
    }

    /// Returns how long it takes until a worker makes room by being slow; none if there is room, or will not be any.
    pub(crate) fn next_room(&self) -> Option<Duration> {
        self.slow_steps.next_room().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the step of a model has a free slot, or needs none.
    pub(crate) fn has_slot(&self, entry: &Entry) -> bool {
        self.limits.has_slot(entry)
    }

    /// Lets an object wait until a slot of its step is offered to it.
    pub(crate) fn await_slot(&mut self, entry: &Entry, key: &ObjectKey) {
        self.limits.wait(entry, key);
    }

    /// Returns the next object to offer a slot to, as the last one had no use for it.
    pub(crate) fn decline_slot(&mut self, step: &str) -> Option<Offer> {
        self.limits.decline(step)
    }

    /// Starts a worker on an object.
    pub(crate) fn start(
        &mut self,
        Start { key, uid, runs, takes_slot }: Start,
        entry: &Entry,
        work: impl Future<Output = Report> + Send + 'static,
    ) {
        let slot = takes_slot.then(|| self.limits.take(entry)).flatten();
        let worker = self.tasks.spawn(work).id();
        self.slow_steps.started(worker, runs, Instant::now());
        self.stats.worker_started(worker);
        self.assigned.insert(worker, Assigned { key, uid, slot });
    }

    /// Waits for a worker to end; none if there is none.
    pub(crate) async fn join_next(&mut self) -> Option<Ended> {
        loop {
            let (worker, report) = match self.tasks.join_next_with_id().await? {
                Ok((worker, report)) => (worker, Ok(report)),
                Err(error) => (error.id(), Err(error)),
            };
            self.slow_steps.ended(worker, Instant::now());
            self.stats.worker_ended(worker);
            let Some(Assigned { key, uid, slot }) = self.assigned.remove(&worker) else { continue };
            let offer = slot.and_then(|step| self.limits.give_back(&step));
            return Some(Ended { key, uid, report, offer });
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
