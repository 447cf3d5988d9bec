//! The loop that owns cache and queue, and hands objects to workers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, UnboundedReceiver, unbounded_channel};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_model::graph::GraphError;
use xos_model::{Index, Object, ObjectKey, Pass};
use xos_steps::{ContextParts, Store};

use crate::cache::{WatchId, is_newer};
use crate::clock::Clock;
use crate::decide::{Plan, decide};
use crate::doubts::{Doubt, Doubts};
use crate::duty::{duty, is_unsettled};
use crate::options::Options;
use crate::pace::{Limits, Pace};
use crate::planner::{Planner, Wait};
use crate::queue::{Priority, Queue};
use crate::registry::{Entry, Registry};
use crate::rooms::Rooms;
use crate::store::{LiveStore, Wrote};
use crate::view::SharedView;
use crate::watch::Notice;
use crate::work::{Job, Report, Shared, Subject, Turn, carry_out};
use crate::writer::Writer;

/// Resyncs are spread over ±10 %.
const RESYNC_JITTER: f64 = 0.1;
/// What a protected object says that is to be deleted.
const PROTECTED: &str = "spec.writeProtect is set: the object stays until it is cleared";

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
    queue: Queue,
    workers: JoinSet<Report>,
    pace: Pace,
    /// Which object each worker has, and which step it runs.
    at_work: HashMap<task::Id, (ObjectKey, Option<String>)>,
    /// Writes in a row that the API server did not take, for each object.
    unwritten: HashMap<ObjectKey, u32>,
    planner: Planner,
    steps: Rooms,
    /// Objects (uids) that were created under our eyes and for which no step was started: there is nothing to undo on deletion.
    untouched: HashSet<String>,
    /// What was tried and is not recorded (yet).
    doubts: Doubts,
    /// When clean objects are looked after again.
    resyncs: HashMap<ObjectKey, Timestamp>,
}

impl Engine {
    /// An engine for a registry. `parts` is what every step's context starts from.
    ///
    /// # Errors
    /// When a dependency of the options names a model or port that is not there.
    pub fn new(
        registry: impl Into<Arc<Registry>>,
        writer: Arc<dyn Writer>,
        clock: Arc<dyn Clock>,
        parts: ContextParts,
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
        let parts = ContextParts { store: Arc::new(store), ..parts };
        let (backoff, step_timeout) = (options.backoff, options.step_timeout);
        let planner = Planner::new(options.patience);
        let limits =
            Limits { quick: options.concurrency, slow: options.slow_concurrency, after: options.slow_after };
        let shared = Shared { registry, writer, clock, parts, backoff, step_timeout };
        Ok(Self {
            shared: Arc::new(shared),
            options,
            view,
            written,
            listed: HashSet::new(),
            queue: Queue::default(),
            workers: JoinSet::new(),
            pace: Pace::new(limits),
            at_work: HashMap::new(),
            unwritten: HashMap::new(),
            planner,
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

    /// The store that steps are given.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.shared.parts.store)
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

    /// Until the next timer rings, or, while all workers are busy and it would ring in vain, until one of them is found to be slow.
    fn next_timer(&self) -> Option<Duration> {
        if !self.pace.has_room() {
            return self.pace.next_room().map(|at| at.saturating_duration_since(Instant::now()));
        }
        let at = self.queue.next_timer()?;
        Some(Duration::try_from(at.duration_since(self.shared.clock.now())).unwrap_or_default())
    }

    fn start_workers(&mut self) {
        self.pace.sort(Instant::now());
        while self.pace.has_room() && self.listed.len() >= self.options.watches {
            let Some(key) = self.queue.take(self.shared.clock.now()) else { return };
            if !self.start(&key) {
                self.queue.finish(&key);
            }
            if let Some(next) = self.steps.looked_at(&key) {
                self.queue.add(&next, Priority::Change);
            }
        }
    }

    /// Decides on an object; whether a worker now has it.
    fn start(&mut self, key: &ObjectKey) -> bool {
        let Some(object) = self.view.get(key) else { return false };
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        let now = self.shared.clock.now();
        let plan = self.decide(&entry, &object, self.doubts.of(&object.meta.uid), now);
        let job = match plan {
            Plan::Nothing => return self.resync(key, &entry, &object, now),
            Plan::WaitUntil(at) => {
                self.queue.add_at(key, at, Priority::Retry);
                return false;
            }
            Plan::Handle { policy: None, sync: true } if self.must_wait(key) => return self.wait(key, &object),
            Plan::Handle { policy, sync } => {
                self.planner.forget(key);
                Job::Handle { policy, sync }
            }
            Plan::Hold => Job::Hold,
            Plan::Acknowledge => Job::Acknowledge,
            Plan::Show(switch) => Job::Show(switch),
            Plan::Delete { .. } if object.flag("write_protect") => return self.tell(key, &object, PROTECTED),
            Plan::Delete { policy, sync } => match self.delete(key, &object, policy, sync) {
                Some(job) => job,
                None => return self.wait(key, &object),
            },
        };
        self.spawn(key.clone(), entry, Subject::new(object), job)
    }

    fn decide(&self, entry: &Entry, object: &Object, doubt: Doubt, now: Timestamp) -> Plan {
        decide(object, &duty(&self.shared.registry, entry, object, doubt), now)
    }

    /// What is to be done with an object that is to go; nothing while others go before it.
    fn delete(&mut self, key: &ObjectKey, object: &Object, policy: bool, sync: bool) -> Option<Job> {
        let view = self.view.read();
        let cascade = view.index.graph().cascade(key).into_iter().filter_map(|other| view.cache.get(&other));
        let is_asked = |other: &&Arc<Object>| other.meta.deleting.is_some() || other.flag("write_protect");
        let live: Vec<_> = cascade.filter(|other| !is_asked(other)).cloned().collect();
        if !live.is_empty() {
            return Some(Job::Cascade(live));
        }
        if self.planner.must_wait_deleting(view.index.graph(), key) {
            return None;
        }
        // No step was ever started for it: there is nothing to undo.
        let sync = sync && !self.untouched.contains(&object.meta.uid);
        Some(Job::Delete { policy, sync })
    }

    fn must_wait(&mut self, key: &ObjectKey) -> bool {
        self.planner.must_wait(self.view.read().index.graph(), key)
    }

    /// An object waits: its status says so after a while.
    fn wait(&mut self, key: &ObjectKey, object: &Arc<Object>) -> bool {
        let view = self.view.read();
        let is_deleting = |key: &ObjectKey| view.cache.get(key).is_some_and(|object| object.meta.deleting.is_some());
        match self.planner.wait(view.index.graph(), key, self.shared.clock.now(), is_deleting) {
            Wait::Until(at) => {
                self.queue.add_at(key, at, Priority::Retry);
                return false;
            }
            Wait::Tell(freed) => {
                for other in &freed {
                    self.queue.add(other, Priority::Change);
                }
                if freed.contains(key) {
                    return false;
                }
            }
        }
        let text = self.planner.text(key, |key| view.cache.get(key).map(Arc::as_ref));
        drop(view);
        text.is_some_and(|text| self.tell(key, object, &text))
    }

    /// Lets status say what the object waits for, if it does not yet.
    fn tell(&mut self, key: &ObjectKey, object: &Arc<Object>, text: &str) -> bool {
        let synchronizer = &self.shared.registry.synchronizer;
        let told = xos_model::record::waiting(object, synchronizer, text, self.shared.clock.now());
        let Some(entry) = self.shared.registry.get(&key.model).cloned().filter(|_| told != **object) else {
            return false;
        };
        self.spawn(key.clone(), entry, Subject::new(Arc::clone(object)), Job::Waiting(text.to_owned()))
    }

    /// A clean object whose step wants to look after it from time to time.
    fn resync(&mut self, key: &ObjectKey, entry: &Arc<Entry>, object: &Arc<Object>, now: Timestamp) -> bool {
        let is_live = object.meta.deleting.is_none() && !object.flag("no_sync") && !object.flag("lazy_blocked");
        let every = entry.step.as_ref().filter(|step| is_live && step.is_ours(object)).and_then(|step| step.resync());
        let Some(every) = every else { return false };
        let first = || later(now, every.mul_f64(rand::random()));
        let at = *self.resyncs.entry(key.clone()).or_insert_with(first);
        if now < at {
            self.queue.add_at(key, at, Priority::Resync);
            return false;
        }
        let spread = 1.0 + RESYNC_JITTER * (2.0 * rand::random::<f64>() - 1.0);
        self.resyncs.insert(key.clone(), later(now, every.mul_f64(spread)));
        self.spawn(key.clone(), Arc::clone(entry), Subject::new(Arc::clone(object)), Job::Resync)
    }

    fn spawn(&mut self, key: ObjectKey, entry: Arc<Entry>, subject: Subject, job: Job) -> bool {
        let runs_step =
            matches!(job, Job::Handle { policy: None, sync: true } | Job::Resync | Job::Delete { sync: true, .. });
        if runs_step && !self.steps.enter(&entry, &key) {
            return false;
        }
        if runs_step {
            self.untouched.remove(&subject.object.meta.uid);
        }
        match job {
            Job::Handle { policy: Some(_), .. } => self.doubts.tries(&key, &subject.object.meta.uid, Pass::Policy),
            Job::Handle { policy: None, .. } | Job::Resync => {
                self.doubts.tries(&key, &subject.object.meta.uid, Pass::Sync);
            }
            _ => {}
        }
        let name = entry.step.as_ref().map_or("", |step| step.name()).to_owned();
        let span = tracing::info_span!("step", name, operation = job.name(), object = %key);
        let runs = job.runs(&entry);
        let shared = Arc::clone(&self.shared);
        let (report_key, uid) = (key.clone(), subject.object.meta.uid.clone());
        let work = async move {
            let turn = carry_out(&shared, &entry, subject, job).await;
            Report { key: report_key, uid, turn }
        };
        let worker = self.workers.spawn(work.instrument(span));
        self.pace.began(worker.id(), runs, Instant::now());
        self.at_work.insert(worker.id(), (key, runs_step.then_some(name)));
        true
    }

    fn joined(&mut self, joined: Result<(task::Id, Report), JoinError>) {
        match joined {
            Ok((id, report)) => {
                self.left(id);
                self.report(report);
            }
            Err(error) => self.worker_panicked(&error),
        }
    }

    /// A worker ended; one that its step had no room for may take its place.
    fn left(&mut self, id: task::Id) -> Option<ObjectKey> {
        self.pace.ended(id, Instant::now());
        let (key, step) = self.at_work.remove(&id)?;
        if let Some(next) = step.and_then(|step| self.steps.leave(&step)) {
            self.queue.add(&next, Priority::Change);
        }
        Some(key)
    }

    /// Steps' panics are caught, so this is a defect of the engine: the object is tried again, not forgotten.
    fn worker_panicked(&mut self, error: &JoinError) {
        let Some(key) = self.left(error.id()) else { return };
        self.doubts.ended(&key, false);
        tracing::error!(object = %key, %error, "a worker panicked: please report this");
        self.queue.add_at(&key, self.after(self.options.backoff.max), Priority::Retry);
        self.queue.finish(&key);
    }

    fn report(&mut self, Report { key, uid, turn }: Report) {
        if !matches!(turn, Turn::Unwritten(_)) {
            self.unwritten.remove(&key);
        }
        // After the policies the turn goes on.
        if !matches!(turn, Turn::Half(_)) {
            self.doubts.ended(&key, matches!(turn, Turn::Recorded(_) | Turn::Deferred(_)));
        }
        match turn {
            Turn::Recorded(object) => {
                self.wrote(object);
                // What it waits for, or that there is more to do, follows from its state.
                self.queue.add(&key, Priority::Retry);
            }
            Turn::Deferred(object) => {
                self.forget_own_echo(&key, &object);
                self.wrote(object);
                self.queue.add_at(&key, self.after(self.options.deferred_every), Priority::Retry);
            }
            Turn::Half(subject) => {
                if self.go_on(&key, *subject) {
                    return;
                }
                self.doubts.ended(&key, false);
            }
            Turn::Cascaded(left, gone) => {
                for object in left {
                    // The watch's news of it is ours already, and none to the queue.
                    self.queue.add(&object.key(), Priority::Change);
                    self.wrote(Arc::new(object));
                }
                for object in gone {
                    self.gone(&object.key(), &object.meta.uid);
                }
                self.queue.add(&key, Priority::Retry);
            }
            Turn::Conflict => self.queue.add_at(&key, self.after(self.options.backoff.base(1) / 4), Priority::Retry),
            Turn::Unwritten(error) => {
                let times = self.unwritten.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
                let delay = self.options.backoff.delay(*times, rand::random());
                tracing::warn!(object = %key, %error, retry_in = ?delay, "could not write");
                self.queue.add_at(&key, self.after(delay), Priority::Retry);
            }
            Turn::Gone => self.gone(&key, &uid),
            Turn::Abandoned => {}
        }
        self.queue.finish(&key);
    }

    /// After the policies: the step, if nothing holds it back by now, or else the status of what was done. Whether a worker has it.
    fn go_on(&mut self, key: &ObjectKey, subject: Subject) -> bool {
        let Some(entry) = self.shared.registry.get(&key.model).cloned() else { return false };
        self.learn(&Arc::new(subject.object.clone()));
        // The policies were tried in this turn, and only wait to be recorded.
        let doubt = Doubt { policy: false, ..self.doubts.of(&subject.object.meta.uid) };
        let plan = self.decide(&entry, &subject.object, doubt, self.shared.clock.now());
        let syncs = matches!(plan, Plan::Handle { policy: None, sync: true }) && !self.must_wait(key);
        let step = Job::Handle { policy: None, sync: true };
        let job = if syncs && self.steps.has_room(&entry) { step } else { Job::Write };
        self.spawn(key.clone(), entry, subject, job)
    }

    /// An object as it is after one of our writes.
    fn wrote(&mut self, object: Arc<Object>) {
        let key = object.key();
        let known = {
            let mut view = self.view.write();
            view.cache.wrote(object);
            view.cache.get(&key).cloned()
        };
        if let Some(object) = known {
            self.learn(&object);
        }
    }

    /// A step saved an object by itself: the view knows, and now who waits and what is due.
    fn step_wrote(&mut self, wrote: Wrote) {
        let key = match wrote {
            Wrote::Made(key, uid) => {
                if self.view.get(&key).is_some_and(|object| object.status.synchronizers.is_empty()) {
                    self.untouched.insert(uid);
                }
                key
            }
            Wrote::Saved(key) => key,
            Wrote::Gone(key, uid) => return self.forget(&key, &uid),
        };
        if let Some(object) = self.view.get(&key) {
            self.learn(&object);
        }
        // What a step saves of its own object is settled by its end.
        if !self.at_work.values().any(|(busy, _)| *busy == key) {
            self.queue.add(&key, Priority::Change);
        }
    }

    /// An object is gone by one of our writes.
    fn gone(&mut self, key: &ObjectKey, uid: &str) {
        let is_known = self.view.write().cache.released(key, uid);
        if is_known {
            self.forget(key, uid);
        }
    }

    /// An object is gone.
    fn forget(&mut self, key: &ObjectKey, uid: &str) {
        self.queue.remove(key);
        self.untouched.remove(uid);
        self.doubts.forget(uid);
        self.resyncs.remove(key);
        // A successor of the same name may be known already.
        if self.view.get(key).is_none() {
            self.view.write().index.remove(key);
        }
        for woken in self.planner.unlearn(key) {
            self.queue.add(&woken, Priority::Change);
        }
    }

    /// Takes in an object as it is now, and wakes those who waited for that.
    fn learn(&mut self, object: &Arc<Object>) {
        let is_unsettled = is_unsettled(object, &self.shared.registry, self.shared.clock.now());
        let key = object.key();
        self.view.write().index.insert(object, is_unsettled);
        // Those who told what they wait for may have something else to tell, or to do.
        for follower in self.planner.followers(&key) {
            self.queue.add(&follower, Priority::Retry);
        }
        for woken in self.planner.learn(self.view.read().index.graph(), object) {
            self.queue.add(&woken, Priority::Change);
        }
    }

    /// The watch may show our own write before its answer is here. That must not run a deferred step again at once.
    fn forget_own_echo(&mut self, key: &ObjectKey, written: &Object) {
        if self.view.get(key).is_some_and(|known| !is_newer(&known, written)) {
            self.queue.remove(key);
        }
    }

    fn after(&self, delay: Duration) -> Timestamp {
        later(self.shared.clock.now(), delay)
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::BeginList(watch) => self.view.write().cache.begin_list(watch),
            Notice::Seen(watch, object) => self.seen(watch, *object),
            Notice::Gone(key, uid) => {
                let is_known = self.view.write().cache.gone(&key, &uid);
                if is_known {
                    self.forget(&key, &uid);
                }
            }
            Notice::EndList(watch) => {
                self.listed.insert(watch);
                let gone = self.view.write().cache.end_list(watch);
                for (key, uid) in gone {
                    self.forget(&key, &uid);
                }
            }
        }
    }

    fn seen(&mut self, watch: WatchId, object: Object) {
        let key = object.key();
        let mut view = self.view.write();
        let is_new = view.cache.get(&key).is_none_or(|known| known.meta.uid != object.meta.uid);
        if is_new && !view.cache.is_listing(watch) && object.status.synchronizers.is_empty() {
            self.untouched.insert(object.meta.uid.clone());
        }
        if is_new && view.cache.is_listing(watch) {
            self.doubts.found(&object, &self.shared.registry.synchronizer);
        }
        let before = view.cache.get(&key).cloned();
        let news = view.cache.see(object, watch);
        let known = view.cache.get(&key).filter(|_| news).cloned();
        drop(view);
        if let Some(object) = known {
            self.learn(&object);
            self.queue.add(&key, priority_of(before.as_deref(), &object));
        }
    }
}

/// What the framework wrote (finalizers, status) must not pass for an operator's change: under load that would go before theirs.
fn priority_of(before: Option<&Object>, now: &Object) -> Priority {
    let is_same = |before: &Object| {
        let (was, is) = (&before.meta, &now.meta);
        (&was.uid, was.deleting, &before.intent) == (&is.uid, is.deleting, &now.intent)
    };
    if before.is_some_and(is_same) { Priority::Retry } else { Priority::Change }
}

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
