//! The loop that owns cache and queue, and hands objects to workers.

mod report;
mod start;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xos_model::graph::GraphError;
use xos_model::{Index, ObjectKey};
use xos_steps::{Services, Store};

use crate::cache::WatchId;
use crate::clock::Clock;
use crate::doubts::Doubts;
use crate::options::Options;
use crate::pace::{Limits, Pace};
use crate::planner::Planner;
use crate::queue::Queue;
use crate::refusals::Refusals;
use crate::registry::Registry;
use crate::rooms::Rooms;
use crate::store::{LiveStore, Wrote};
use crate::view::{Observer, SharedView};
use crate::watch::Notice;
use crate::work::{Report, Shared};
use crate::writer::Writer;

/// Why the engine stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// All watches ended.
    #[error("all watches ended")]
    WatchesEnded,
}

/// The reconciler.
pub struct Engine {
    shared: Arc<Shared>,
    options: Options,
    view: SharedView,
    /// What steps saved by themselves.
    written: UnboundedReceiver<Wrote>,
    /// How many watches have shown all that there is; those that did.
    listed: HashSet<WatchId>,
    /// Whether all did.
    ready: watch::Sender<bool>,
    queue: Queue,
    workers: JoinSet<Report>,
    pace: Pace,
    /// Which object each worker has, and which step it runs.
    at_work: HashMap<task::Id, (ObjectKey, Option<String>)>,
    /// Writes in a row that the API server did not take, for each object.
    unwritten: HashMap<ObjectKey, u32>,
    planner: Planner,
    refusals: Refusals,
    steps: Rooms,
    /// Objects (uids) that were created under our eyes and for which no step was started: there is nothing to undo on deletion.
    untouched: HashSet<String>,
    /// What was tried and is not recorded (yet).
    doubts: Doubts,
    /// When clean objects are looked after again.
    resyncs: HashMap<ObjectKey, Timestamp>,
}

impl Engine {
    /// Makes an engine for a registry. Steps get `services`, with the engine's store.
    ///
    /// # Errors
    /// When a dependency of the options names a model or port that is not there.
    pub fn new(
        registry: impl Into<Arc<Registry>>,
        writer: Arc<dyn Writer>,
        clock: Arc<dyn Clock>,
        services: Services,
        options: Options,
    ) -> Result<Self, GraphError> {
        let registry: Arc<Registry> = registry.into();
        let view = SharedView::new(Index::new(Arc::clone(&registry.models), &options.dependencies)?);
        let (wrote, written) = unbounded_channel();
        let store = LiveStore {
            registry: Arc::clone(&registry),
            writer: Arc::clone(&writer),
            clock: Arc::clone(&clock),
            view: view.clone(),
            namespaces: options.namespaces.clone(),
            wrote,
        };
        let services = Arc::new(Services { store: Arc::new(store), ..services });
        let (backoff, step_timeout) = (options.backoff, options.step_timeout);
        let planner = Planner::new(options.patience);
        let limits = Limits { quick: options.concurrency, slow: options.slow_concurrency, after: options.slow_after };
        let shared = Shared { registry, writer, clock, services, backoff, step_timeout };
        Ok(Self {
            shared: Arc::new(shared),
            options,
            view,
            written,
            listed: HashSet::new(),
            ready: watch::Sender::new(false),
            queue: Queue::default(),
            workers: JoinSet::new(),
            pace: Pace::new(limits),
            at_work: HashMap::new(),
            unwritten: HashMap::new(),
            planner,
            refusals: Refusals::default(),
            steps: Rooms::default(),
            untouched: HashSet::new(),
            doubts: Doubts::default(),
            resyncs: HashMap::new(),
        })
    }

    /// Works until `shutdown`; then running steps have the grace period to end, and are dropped after it.
    ///
    /// # Errors
    /// When all senders of notices are gone before shutdown.
    pub async fn run(
        mut self,
        mut notices: mpsc::Receiver<Notice>,
        shutdown: CancellationToken,
    ) -> Result<(), EngineError> {
        self.tell_ready();
        loop {
            self.start_workers();
            let timer = self.next_timer();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(joined) = self.workers.join_next_with_id() => self.joined(joined),
                Some(wrote) = self.written.recv() => self.step_wrote(wrote),
                notice = notices.recv() => match notice {
                    Some(notice) => self.notice(notice),
                    None => return Err(EngineError::WatchesEnded),
                },
                () = tokio::time::sleep(timer.unwrap_or_default()), if timer.is_some() => {}
            }
        }
        self.drain().await;
        Ok(())
    }

    /// Works until nothing is left to do at this time of the clock; timers are not waited for. For tests, with a clock of their own.
    pub async fn settle(&mut self, notices: &mut UnboundedReceiver<Notice>) {
        loop {
            while let Ok(notice) = notices.try_recv() {
                self.notice(notice);
            }
            while let Ok(wrote) = self.written.try_recv() {
                self.step_wrote(wrote);
            }
            self.start_workers();
            if self.workers.is_empty() && notices.is_empty() && self.written.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(joined) = self.workers.join_next_with_id() => self.joined(joined),
                Some(wrote) = self.written.recv() => self.step_wrote(wrote),
                Some(notice) = notices.recv() => self.notice(notice),
                else => return,
            }
        }
    }

    /// Returns what all steps share, with the engine's store.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.shared.services)
    }

    /// Becomes true once all objects are known, so that queries see everything.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// From now on `observer` hears of every change.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.view.observe(observer);
    }

    fn tell_ready(&self) {
        if self.listed.len() >= self.options.watches {
            // Nobody may be waiting for it.
            self.ready.send_replace(true);
        }
    }

    /// The store that steps are given.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.shared.services.store)
    }

    async fn drain(&mut self) {
        let running = self.workers.len();
        tracing::info!(running, "stopping");
        // Steps listen to this; whatever they return after it is recorded only if it is success.
        self.shared.services.cancellation.cancel();
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(self.options.shutdown_grace, all).await.is_err() {
            tracing::warn!(left = self.workers.len(), "the grace period is over: steps that still run are dropped");
            self.workers.shutdown().await;
        }
    }

    /// Until the next timer rings, or, while all workers are busy and it would ring in vain, until one of them is found to be slow.
    fn next_timer(&self) -> Option<Duration> {
        if !self.pace.has_room() {
            return self.pace.next_room().map(|at| at.saturating_duration_since(Instant::now()));
        }
        let at = self.queue.next_timer()?;
        Some(Duration::try_from(at.duration_since(self.shared.clock.now())).unwrap_or_default())
    }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
