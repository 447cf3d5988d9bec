//! The loop that owns cache and queue, and hands objects to workers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_model::{Backoff, Object, ObjectKey};
use xos_steps::ContextParts;

use crate::cache::{Cache, WatchId, is_newer};
use crate::clock::Clock;
use crate::decide::{Plan, decide};
use crate::queue::{Priority, Queue};
use crate::registry::Registry;
use crate::watch::Notice;
use crate::work::{Report, Shared, Turn, carry_out};
use crate::writer::Writer;

/// How the engine works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects handled at once.
    pub concurrency: usize,
    /// A step's time limit.
    pub step_timeout: Duration,
    /// The delay after failures.
    pub backoff: Backoff,
    /// The even pace at which deferred objects are tried again.
    pub deferred_every: Duration,
    /// How long running steps may go on after shutdown began.
    pub shutdown_grace: Duration,
}

impl Default for Options {
    /// 16 at once; 10 min a step; 1 s to 5 min after failures; 5 s for the deferred, as in XOS; 30 s of grace.
    fn default() -> Self {
        Self {
            concurrency: 16,
            step_timeout: Duration::from_secs(600),
            backoff: Backoff::default(),
            deferred_every: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

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
    cache: Cache,
    queue: Queue,
    workers: JoinSet<Report>,
    /// Which object each worker has.
    at_work: HashMap<task::Id, ObjectKey>,
    /// Writes in a row that the API server did not take, for each object.
    unwritten: HashMap<ObjectKey, u32>,
}

impl Engine {
    /// An engine for a registry. `parts` is what every step's context starts from.
    pub fn new(
        registry: Registry,
        writer: Arc<dyn Writer>,
        clock: Arc<dyn Clock>,
        parts: ContextParts,
        options: Options,
    ) -> Self {
        let shared =
            Shared { registry, writer, clock, parts, backoff: options.backoff, step_timeout: options.step_timeout };
        Self {
            shared: Arc::new(shared),
            options,
            cache: Cache::default(),
            queue: Queue::default(),
            workers: JoinSet::new(),
            at_work: HashMap::new(),
            unwritten: HashMap::new(),
        }
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
        loop {
            self.start_workers();
            let timer = self.next_timer();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(joined) = self.workers.join_next_with_id() => self.joined(joined),
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

    async fn drain(&mut self) {
        let running = self.workers.len();
        tracing::info!(running, "stopping");
        // Steps listen to this; whatever they return after it is recorded only if it is success.
        self.shared.parts.cancellation.cancel();
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(self.options.shutdown_grace, all).await.is_err() {
            tracing::warn!(left = self.workers.len(), "the grace period is over: steps that still run are dropped");
            self.workers.shutdown().await;
        }
    }

    /// Until the next timer rings; none while all workers are busy, since then it would ring in vain.
    fn next_timer(&self) -> Option<Duration> {
        let at = self.queue.next_timer().filter(|_| self.workers.len() < self.options.concurrency)?;
        Some(Duration::try_from(at.duration_since(self.shared.clock.now())).unwrap_or_default())
    }

    fn start_workers(&mut self) {
        while self.workers.len() < self.options.concurrency {
            let Some(key) = self.queue.take(self.shared.clock.now()) else { return };
            if !self.start(&key) {
                self.queue.finish(&key);
            }
        }
    }

    /// Decides on an object; whether a worker now has it.
    fn start(&mut self, key: &ObjectKey) -> bool {
        let Some(object) = self.cache.get(key) else { return false };
        let shared = &self.shared;
        let plan = decide(object, &shared.registry.synchronizer, &shared.registry.finalizer, shared.clock.now());
        match plan {
            Plan::Nothing => false,
            Plan::WaitUntil(at) => {
                self.queue.add_at(key, at);
                false
            }
            Plan::Sync { .. } | Plan::Acknowledge | Plan::Delete => self.spawn(key.clone(), Arc::clone(object), plan),
        }
    }

    fn spawn(&mut self, key: ObjectKey, object: Arc<Object>, plan: Plan) -> bool {
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        let Some(step) = entry.step.clone() else { return false };
        let operation = if plan == Plan::Delete { "delete" } else { "sync" };
        let span = tracing::info_span!("step", name = step.name(), operation, object = %key);
        let shared = Arc::clone(&self.shared);
        let (report_key, uid) = (key.clone(), object.meta.uid.clone());
        let work = async move {
            let turn = carry_out(&shared, &entry, step.as_ref(), object, plan).await;
            Report { key: report_key, uid, turn }
        };
        let worker = self.workers.spawn(work.instrument(span));
        self.at_work.insert(worker.id(), key);
        true
    }

    fn joined(&mut self, joined: Result<(task::Id, Report), JoinError>) {
        match joined {
            Ok((id, report)) => {
                self.at_work.remove(&id);
                self.report(report);
            }
            Err(error) => self.worker_panicked(&error),
        }
    }

    /// Steps' panics are caught, so this is a defect of the engine: the object is tried again, not forgotten.
    fn worker_panicked(&mut self, error: &JoinError) {
        let Some(key) = self.at_work.remove(&error.id()) else { return };
        tracing::error!(object = %key, %error, "a worker panicked: please report this");
        self.queue.add_at(&key, self.after(self.options.backoff.max));
        self.queue.finish(&key);
    }

    fn report(&mut self, Report { key, uid, turn }: Report) {
        if !matches!(turn, Turn::Unwritten(_)) {
            self.unwritten.remove(&key);
        }
        match turn {
            Turn::Recorded(object) => {
                self.cache.wrote(object);
                // What it waits for, or that there is more to do, follows from its state.
                self.queue.add(&key, Priority::Retry);
            }
            Turn::Deferred(object) => {
                self.forget_own_echo(&key, &object);
                self.cache.wrote(object);
                self.queue.add_at(&key, self.after(self.options.deferred_every));
            }
            Turn::Conflict => self.queue.add_at(&key, self.after(self.options.backoff.base(1) / 4)),
            Turn::Unwritten(error) => {
                let times = self.unwritten.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
                let delay = self.options.backoff.delay(*times, rand::random());
                tracing::warn!(object = %key, %error, retry_in = ?delay, "could not write");
                self.queue.add_at(&key, self.after(delay));
            }
            Turn::Gone => {
                self.cache.released(&key, &uid);
                self.queue.remove(&key);
            }
            Turn::Abandoned => {}
        }
        self.queue.finish(&key);
    }

    /// The watch may show our own write before its answer is here. That must not run a deferred step again at once.
    fn forget_own_echo(&mut self, key: &ObjectKey, written: &Object) {
        if self.cache.get(key).is_some_and(|known| !is_newer(known, written)) {
            self.queue.remove(key);
        }
    }

    fn after(&self, delay: Duration) -> Timestamp {
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
        self.shared.clock.now().checked_add(delay).unwrap_or(Timestamp::MAX)
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::BeginList(watch) => self.cache.begin_list(watch),
            Notice::Seen(watch, object) => self.seen(watch, *object),
            Notice::Gone(key, uid) => {
                if self.cache.gone(&key, &uid) {
                    self.queue.remove(&key);
                }
            }
            Notice::EndList(watch) => {
                for key in self.cache.end_list(watch) {
                    self.queue.remove(&key);
                }
            }
        }
    }

    fn seen(&mut self, watch: WatchId, object: Object) {
        let key = object.key();
        if self.cache.see(object, watch) {
            self.queue.add(&key, Priority::Change);
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
