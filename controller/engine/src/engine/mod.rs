//! The loop that owns the view and the queue, and hands objects to workers.

mod around;
mod change;
mod changes;
mod computed;
mod hold;
mod installed;
mod leading;
mod lists;
mod reconcile;
mod reports;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xos_model::ObjectKey;
use xos_model::graph::GraphError;
use xos_steps::{Again, Holds, Services, Store};

use crate::awaited::AwaitedObjects;
use crate::brake::HeldDeletions;
use crate::clock::{Clock, later};
use crate::computing::{Computing, Knowledge};
use crate::dependencies::Dependencies;
use crate::gate::Gates;
use crate::heartbeat::{self, Heartbeat};
use crate::leader::Leadership;
use crate::objects::Objects;
use crate::options::Options;
use crate::queue::{Priority, Queue};
use crate::registry::LiveRegistry;
use crate::resyncs::Resyncs;
use crate::secrets::{Secrets, Stamping};
use crate::stats::Stats;
use crate::store::{LiveStore, StoreEvent};
use crate::turns::{Traced, Turns};
use crate::view::{Observer, SharedView};
use crate::watch::{WatchEvent, WatchId};
use crate::work::{Shared, Silent};
use crate::workers::{Limits, Workers};
use crate::writer::Writer;

use change::Changes;
use installed::Installed;
use leading::Leading;
use lists::Lists;

/// A clock that goes back by less is only being corrected.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(1);

pub use change::RegistryChange;

/// Why the engine stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// All watches ended.
    #[error("all watches ended")]
    WatchesEnded,
}

/// How many objects the engine looks at before it listens again.
const AT_ONCE: usize = 256;

/// The reconciler.
pub struct Engine {
    /// What workers need, too.
    shared: Arc<Shared>,
    /// How the engine works.
    options: Options,
    /// The store that steps are given.
    live_store: LiveStore,
    /// The newest known state of all objects; steps ask it, too.
    view: SharedView,
    /// What steps did to objects by themselves.
    store_events: UnboundedReceiver<StoreEvent>,
    /// Whether all objects are known yet.
    lists: Lists,
    /// What is kept of each object beside its state.
    objects: Objects,
    /// Which object is next, and when.
    queue: Queue,
    /// The tasks that work on objects, and how many there may be.
    workers: Workers,
    /// When clean objects are looked after again.
    resyncs: Resyncs,
    /// Who waits for whom.
    dependencies: Dependencies,
    /// The time when the timers were last looked at.
    last_look: Timestamp,
    /// Which synchronizers are installed, and which objects depend on it.
    installations: Installed,
    /// The spans of the objects that are in work.
    turns: Turns,
    /// Whether the loop turns.
    heartbeat: Heartbeat,
    /// The deletions that would take many along.
    held_deletions: HeldDeletions,
    /// Whether this process leads: if not, the engine only watches.
    leading: Leading,
    /// The Secrets of which objects take values.
    secrets: Secrets,
    /// The registry, for those who ask for it outside the loop.
    live: LiveRegistry,
    /// Changes of the registry.
    changes: Changes,
    /// Objects whose step runs just now, and is to run again after that.
    again: HashSet<ObjectKey>,
    /// The properties of objects.
    computing: Computing,
}

impl Engine {
    /// Returns an engine for a registry, which may change while it runs ([`WatchEvent::Registry`]). `services` is what
    /// every step's context has.
    ///
    /// # Errors
    /// When a dependency of the options names a model or port that is not there.
    pub fn new(
        registry: impl Into<LiveRegistry>,
        writer: Arc<dyn Writer>,
        clock: Arc<dyn Clock>,
        services: Services,
        options: Options,
    ) -> Result<Self, GraphError> {
        let live: LiveRegistry = registry.into();
        let registry = live.now();
        let writer: Arc<dyn Writer> = Arc::new(Traced(writer));
        let view = SharedView::new(&registry, &options.dependencies)?.telling(services.arrivals.clone());
        let secrets = Secrets::of(&registry, &options.namespaces);
        let writer: Arc<dyn Writer> = Arc::new(Stamping { writer, secrets: secrets.clone() });
        let (events, store_events) = unbounded_channel();
        let store = LiveStore {
            writer: Arc::clone(&writer),
            clock: Arc::clone(&clock),
            view: view.clone(),
            namespaces: options.namespaces.clone(),
            events: events.clone(),
        };
        let stats = Stats::default();
        stats.set_models(registry.entries().map(|entry| entry.model.name.as_str().into()));
        let gates = Gates::new(options.probe_backoff);
        let limits = Limits {
            fast: options.concurrency,
            slow: options.slow_concurrency,
            slow_after: options.slow_after,
            has_several: registry.entries().flat_map(|entry| entry.lanes()).collect::<HashSet<_>>().len() > 1,
            report_after: options.report_waits_after,
        };
        let leading_clock = Arc::clone(&clock);
        let synchronizer = registry.synchronizer.clone();
        let lists = Lists::new(WatchId::all(&registry, &options.namespaces));
        let asking = events.clone();
        // At shutdown the engine no longer listens.
        let again = Again::of(move |key| drop(asking.send(StoreEvent::Again(key))));
        let shared = Shared {
            registry,
            writer,
            clock: Arc::clone(&clock),
            services: Arc::new(Services {
                store: Arc::new(store.clone()),
                holds: Holds::new(options.brakes.clone()),
                synchronizer: synchronizer.into(),
                again,
                shared: xos_steps::Shared::default(),
                ..services
            }),
            stats: stats.clone(),
            gates: gates.clone(),
            awaited: AwaitedObjects::new(events),
            view: view.clone(),
            installed: OnceLock::new(),
            known: Knowledge::default(),
            silent: Silent::default(),
            backoff: options.backoff,
            step_timeout: options.step_timeout,
        };
        let mut engine = Self {
            shared: Arc::new(shared),
            live_store: store,
            view,
            store_events,
            lists,
            objects: Objects::default(),
            queue: Queue::default(),
            resyncs: Resyncs::default(),
            workers: Workers::new(limits, gates, stats, clock),
            dependencies: Dependencies::new(options.report_waits_after),
            last_look: Timestamp::MIN,
            installations: Installed::default(),
            turns: Turns::default(),
            heartbeat: Heartbeat::default(),
            held_deletions: HeldDeletions::default(),
            leading: Leading::new(Leadership::always(leading_clock)),
            secrets,
            live,
            changes: Changes::default(),
            again: HashSet::new(),
            computing: Computing::default(),
            options,
        };
        engine.look_at_leadership();
        Ok(engine)
    }

    /// Returns the same engine, which decides and works only while this process leads. Without it, it always does.
    #[must_use]
    pub fn led_by(self, leadership: Leadership) -> Self {
        Self { leading: Leading::new(leadership), ..self }
    }

    /// Works until `shutdown`; then running steps have the grace period to end, and are dropped after it.
    ///
    /// # Errors
    /// When all senders of watch events are gone before shutdown.
    pub async fn run(
        mut self,
        mut watch_events: mpsc::Receiver<WatchEvent>,
        shutdown: CancellationToken,
    ) -> Result<(), EngineError> {
        loop {
            self.heartbeat.beat(Instant::now());
            let has_more = self.start_some_workers(AT_ONCE);
            self.start_computing();
            let timer = if has_more { Some(Duration::ZERO) } else { self.next_timer() };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = self.workers.join_next() => self.worker_ended(ended),
                Some(event) = self.store_events.recv() => self.store_event(event),
                Some(outcomes) = self.computing.join_next() => self.computed(outcomes),
                () = self.installations.changed() => self.installations_changed(),
                () = self.leading.changed() => {}
                event = watch_events.recv() => match event {
                    Some(event) => self.watch_event(event),
                    None => return Err(EngineError::WatchesEnded),
                },
                () = tokio::time::sleep(timer.map_or(heartbeat::EVERY, |timer| timer.min(heartbeat::EVERY))) => {}
            }
        }
        self.heartbeat.end();
        self.drain().await;
        Ok(())
    }

    /// Works until nothing is left to do at this time of the clock; timers are not waited for. For tests, with a clock
    /// of their own.
    pub async fn settle(&mut self, watch_events: &mut UnboundedReceiver<WatchEvent>) {
        loop {
            while let Ok(event) = watch_events.try_recv() {
                self.watch_event(event);
            }
            while let Ok(event) = self.store_events.try_recv() {
                self.store_event(event);
            }
            self.start_workers();
            self.start_computing();
            let is_idle = self.workers.len() == 0 && self.computing.is_idle();
            if is_idle && watch_events.is_empty() && self.store_events.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some(ended) = self.workers.join_next() => self.worker_ended(ended),
                Some(event) = self.store_events.recv() => self.store_event(event),
                Some(outcomes) = self.computing.join_next() => self.computed(outcomes),
                Some(event) = watch_events.recv() => self.watch_event(event),
                else => return,
            }
        }
    }

    /// Returns what every step's context has, the store included.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.shared.services)
    }

    /// Returns the same with another writer, and with other services but the engine's: for what runs on every replica,
    /// whichever leads.
    pub fn services_of_all(&self, writer: Arc<dyn Writer>, services: Services) -> Arc<Services> {
        let engine = &self.shared.services;
        let store = Arc::new(self.live_store.clone().writing_by(writer));
        Arc::new(Services {
            store,
            holds: engine.holds.clone(),
            synchronizer: Arc::clone(&engine.synchronizer),
            ..services
        })
    }

    /// Returns the store that steps are given.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.shared.services.store)
    }

    /// Returns what the engine counts and measures.
    pub fn stats(&self) -> Stats {
        self.shared.stats.clone()
    }

    /// Returns a signal that becomes true once all objects are known, so that queries see everything.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.lists.ready()
    }

    /// Returns what tells whether the loop turns.
    pub fn heartbeat(&self) -> Heartbeat {
        self.heartbeat.clone()
    }

    /// Registers another observer of all changes from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.view.observe(observer);
    }

    async fn drain(&mut self) {
        tracing::info!(running = self.workers.len(), "stopping");
        // Steps listen to this; whatever they return after it is recorded only if it is success.
        self.shared.services.cancellation.cancel();
        let left = self.workers.drain(self.options.shutdown_grace).await;
        if left > 0 {
            tracing::warn!(left, "the grace period is over: steps that still run are dropped");
        }
    }

    /// Returns how long it takes until there is something to do by the time alone. While all workers are busy the
    /// queue's timers would ring in vain.
    fn next_timer(&mut self) -> Option<Duration> {
        if !self.leads() {
            return None;
        }
        let now = self.shared.clock.now();
        let ahead = self.last_look.duration_since(now);
        if ahead > CLOCK_STEP {
            tracing::warn!(by = ?ahead, "the clock was set back");
            self.queue.clock_went_back(ahead);
            for key in self.resyncs.take(Timestamp::MAX) {
                // Its time is found anew.
                if let Some(tracked) = self.objects.get_mut(&key) {
                    tracked.resync_at = None;
                }
                self.enqueue(&key, Priority::Resync);
            }
        }
        self.last_look = now;
        let has_room = self.workers.has_room();
        let at = [self.queue.next_timer(), self.resyncs.next()].into_iter().flatten().min().filter(|_| has_room);
        let timer = at.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        [timer, self.workers.next_turn()].into_iter().flatten().min()
    }

    /// Returns the longest delay of an object after an attempt without success.
    fn longest_delay(&self) -> Duration {
        self.options.backoff.longest().max(self.options.deferred_every)
    }

    fn enqueue(&mut self, key: &ObjectKey, priority: Priority) {
        if !self.leads() {
            return;
        }
        self.queue.add(key, priority, self.shared.clock.now());
    }

    /// Adds an object that this field manager has changed.
    fn enqueue_by(&mut self, key: &ObjectKey, writer: Option<Arc<str>>, priority: Priority) {
        if !self.leads() {
            return;
        }
        self.queue.add_of(key, writer, priority, self.shared.clock.now());
    }

    fn requeue_after(&mut self, key: &ObjectKey, delay: Duration) {
        self.queue.add_at(key, later(self.shared.clock.now(), delay), Priority::Retry);
    }
}

#[cfg(test)]
mod tests;
