//! Taking objects from the queue, deciding on them, and handing them to workers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;
use xos_model::accept::{NOT_UNIQUE, Refusal, Rivalry};
use xos_model::deletion::leaves_others;
use xos_model::graph::{Address, Blocker};
use xos_model::record::{self, Wait};
use xos_model::resync::{self, Resync};
use xos_model::{Object, ObjectKey, Reference};
use xos_steps::Event;

use super::Engine;
use crate::brake::{allowed, taken_along};
use crate::clock::{later, shortened};
use crate::decide::claims::{self, Claims};
use crate::decide::{self, Next, Stage, Surroundings, report_wait};
use crate::dependencies;
use crate::duty::{Duty, resync_period};
use crate::gate::Outage;
use crate::installation::{Abandoned, Installations, abandoned, foreign_finalizers};
use crate::queue::{Group, Head, Priority};
use crate::registry::{Entry, Registry};
use crate::view::Origin;
use crate::watch::Loss;
use crate::work::{Job, Subject, do_job};
use crate::workers::{Full, Need, Start, Turn};

impl Engine {
    /// Starts as many workers as there is room for.
    pub(super) fn start_workers(&mut self) {
        self.start_some_workers(usize::MAX);
    }

    /// Starts workers as long as there is room, and looks at so many objects at most: those that find no place take
    /// time, too. Returns whether there are more.
    pub(super) fn start_some_workers(&mut self, mut most: usize) -> bool {
        if self.lists.is_complete() {
            self.ring_resyncs();
            // Those that wait for a place may decline it, which gives it to the next.
            while self.take_turn() | self.take_from_queue(&mut most) && self.workers.has_room() && most > 0 {}
        }
        self.shared.stats.set_queue_depth(self.queue.depth());
        most == 0
    }

    /// Takes objects from the queue while there is room. Returns whether there was any.
    fn take_from_queue(&mut self, most: &mut usize) -> bool {
        let mut is_any = false;
        while *most > 0 && self.workers.has_room() {
            let Some(taken) = self.queue.take(self.shared.clock.now()) else { break };
            is_any = true;
            *most -= 1;
            self.shared.stats.dequeued(Duration::try_from(taken.waited).unwrap_or_default());
            if !self.reconcile(&taken.key) {
                self.queue.finish(&taken.key, self.shared.clock.now());
            }
        }
        is_any
    }

    /// Looks after the objects that wait for a place, or for the target of their step. Returns whether any of them is
    /// to be looked at again.
    fn take_turn(&mut self) -> bool {
        let Turn { offered, told, full } = self.workers.turn();
        for Full { lane, waiting, running, longest } in full {
            tracing::warn!(lane = &*lane, waiting, running, ?longest, "no place is free: objects of this step wait");
        }
        let is_any = !offered.is_empty() || !told.is_empty();
        for Head { key, group, priority, .. } in offered {
            self.enqueue_by(&key, group.writer, priority);
        }
        for key in told {
            if let Some(tracked) = self.objects.get_mut(&key) {
                tracked.is_to_be_told = true;
                self.enqueue(&key, Priority::Resync);
            }
        }
        is_any
    }

    /// Queues the clean objects whose time has come.
    fn ring_resyncs(&mut self) {
        let now = self.shared.clock.now();
        for key in self.resyncs.take(now) {
            if self.objects.get_mut(&key).and_then(|tracked| tracked.resync_at).is_some_and(|at| at <= now) {
                self.enqueue(&key, Priority::Resync);
            }
        }
    }

    /// Notes when a clean object is looked after again.
    fn resync_at(&mut self, key: &ObjectKey, uid: &str, at: Timestamp) {
        if let Some(tracked) = self.objects.same_mut(key, uid).filter(|tracked| tracked.resync_at != Some(at)) {
            tracked.resync_at = Some(at);
            self.resyncs.add(key, at);
        }
    }

    /// Tells that the period which an operator has set for an object is none: nothing of that is to be silent.
    fn check_resync(&self, key: &ObjectKey, object: &Object) {
        let Some(text) = object.meta.annotations.get(resync::ANNOTATION) else { return };
        if let Err(error) = text.parse::<Resync>() {
            tracing::warn!(object = %key, %error, "the annotation has no effect");
            let event = Event::warning("BadResync", error.to_string()).of("Resync");
            self.shared.services.events.publish(object, event);
        }
    }

    /// Decides on an object and carries that out. Returns whether a worker now has it.
    fn reconcile(&mut self, key: &ObjectKey) -> bool {
        let is_started = self.decide_and_carry_out(key).unwrap_or(false);
        self.workers.settle_offer(key);
        is_started
    }

    fn decide_and_carry_out(&mut self, key: &ObjectKey) -> Option<bool> {
        let object = self.view.get(key)?;
        let entry = self.shared.registry.get(&key.model).cloned()?;
        // Mostly there is a record already. An object may be woken before the engine hears who created it.
        self.track(key, &object, Origin::Read);
        self.installations.note(key, &object);
        let next = self.decide(key, &entry, &object, Stage::Queued);
        Some(self.carry_out(key, &entry, Subject::new(object), next))
    }

    pub(super) fn decide(&self, key: &ObjectKey, entry: &Entry, object: &Object, stage: Stage) -> Next {
        let tracked = self.objects.get(key, &object.meta.uid);
        let periods = (self.longest_delay(), self.options.resync);
        let duty = Duty::of(&self.shared.registry, entry, object, tracked, periods);
        let now = self.shared.clock.now();
        let (_, group) = self.queue.taken_as(key);
        let around = Around { engine: self, installations: self.installations.known(), now, entry, object, key, group };
        decide::next(object, &duty, stage, &around, (now, rand::random()))
    }

    /// Carries a decision out. Returns whether a worker now has the object.
    pub(super) fn carry_out(&mut self, key: &ObjectKey, entry: &Arc<Entry>, subject: Subject, next: Next) -> bool {
        match &next {
            Next::Refused(refusal)
            | Next::RefusedUntil(refusal, _)
            | Next::AwaitPlace(_, Job::Withdraw { refusal, .. })
            | Next::Run(Job::ReportRefusal(_, refusal) | Job::Withdraw { refusal, .. }) => {
                self.objects.refuse(key, refusal);
            }
            _ => self.objects.accept(key),
        }
        if next == Next::DeletionHeld {
            return self.hold(key, entry, subject);
        }
        self.held_deletions.release(key);
        if let Next::Blocked(blockers) = next {
            return self.wait(key, entry, subject, blockers);
        }
        self.dependencies.proceed(key);
        if let Some(tracked) = self.objects.same_mut(key, &subject.object.meta.uid) {
            tracked.waiting = None;
        }
        if matches!(next, Next::Nothing | Next::ResyncAt(_) | Next::Run(Job::Resync)) {
            self.check_resync(key, &subject.object);
        }
        match next {
            Next::Nothing | Next::Blocked(_) | Next::DeletionHeld => {}
            // The one that has the key may have to make way for what is to be taken out.
            Next::Refused(refusal) if refusal.reason == NOT_UNIQUE => {
                refusal.because_of.iter().for_each(|winner| self.enqueue(winner, Priority::Retry));
            }
            Next::Refused(_) => {}
            Next::RequeueAt(at) | Next::RefusedUntil(_, at) => self.queue.add_at(key, at, Priority::Retry),
            Next::ResyncAt(at) => self.resync_at(key, &subject.object.meta.uid, at),
            Next::AwaitPlace(need, job) => return self.await_place(key, entry, subject, (need, &job)),
            Next::Run(job) => {
                self.spawn(key, entry, subject, job);
                return true;
            }
        }
        false
    }

    /// Lets an object wait for others; its status says so after a while. Returns whether a worker now has it.
    fn wait(&mut self, key: &ObjectKey, entry: &Arc<Entry>, subject: Subject, blockers: Vec<Blocker>) -> bool {
        let now = self.shared.clock.now();
        let dependencies = &mut self.dependencies;
        let Some(tracked) = self.objects.same_mut(key, &subject.object.meta.uid) else { return false };
        let loss = blockers.iter().find_map(|blocker| match blocker {
            Blocker::Missing(Address { class, namespace, .. }) => {
                Some(self.view.loss_of(class, namespace)?.told_of(class))
            }
            Blocker::Object(_) => None,
        });
        let (wait, message) = self.view.with_graph(|graph, get| {
            let wait =
                dependencies.wait(graph, key, (blockers, &mut tracked.waiting), now, |key| is_deleting(get, key));
            let is_reported = matches!(wait, dependencies::Wait::Report(_));
            (wait, is_reported.then(|| dependencies.message(key, get)).flatten())
        });
        match wait {
            dependencies::Wait::Until(at) => {
                self.queue.add_at(key, at, Priority::Retry);
                return false;
            }
            dependencies::Wait::Report(freed) => {
                for other in &freed {
                    self.enqueue(other, Priority::Change);
                }
                if freed.contains(key) {
                    return false;
                }
            }
        }
        let synchronizer = &self.shared.registry.synchronizer;
        let report = |message: String| {
            let message = match &loss {
                Some(loss) => format!("{message} ({loss})"),
                None => message,
            };
            let wait = Wait { reason: "WaitingForDependency", message };
            report_wait(&subject.object, synchronizer, wait, now)
        };
        match message.map(report) {
            Some(Next::Run(job)) => {
                self.spawn(key, entry, subject, job);
                true
            }
            _ => false,
        }
    }

    /// Lets an object wait for a place. While the target of its step is away its status says so after a while: not
    /// at once for all, and not of what is clean. Returns whether a worker now has the object.
    fn await_place(
        &mut self,
        key: &ObjectKey,
        entry: &Arc<Entry>,
        subject: Subject,
        (need, job): (Need, &Job),
    ) -> bool {
        self.workers.wait(&need, key, self.queue.taken_as(key));
        // What is clean, or not accepted, has something else to say.
        let is_due = !matches!(job, Job::Resync | Job::Withdraw { .. });
        let outage = self.shared.gates.outage(&need.lane).filter(|_| is_due);
        let Some(Outage { since, message }) = outage else { return false };
        let is_time = self.objects.get_mut(key).is_some_and(|tracked| std::mem::take(&mut tracked.is_to_be_told));
        if record::knows_away(&subject.object, &self.shared.registry.synchronizer, need.pass, since) {
            return false;
        }
        if is_time {
            self.spawn(key, entry, subject, Job::ReportAway(need.pass, message));
        } else {
            self.workers.tell_later(&need, key);
        }
        is_time
    }

    pub(super) fn spawn(&mut self, key: &ObjectKey, entry: &Arc<Entry>, subject: Subject, job: Job) {
        let uid = subject.object.meta.uid.clone();
        self.note_start(key, &subject.object, &job);
        if job == Job::Resync
            && let Some(every) = resync_period(entry, &subject.object, self.options.resync)
        {
            self.resync_at(key, &uid, later(self.shared.clock.now(), shortened(every)));
        }
        let span = tracing::info_span!("reconcile", object = %key, job = job.name());
        let (_, group) = self.queue.taken_as(key);
        let start = Start { key: key.clone(), uid, group, needs: job.needs(entry) };
        let work = {
            let shared = Arc::clone(&self.shared);
            let entry = Arc::clone(entry);
            async move { do_job(&shared, &entry, subject, job).await }
        };
        self.workers.start(start, work.instrument(span));
    }

    /// Notes in the record of an object what a worker is about to do.
    fn note_start(&mut self, key: &ObjectKey, object: &Object, job: &Job) {
        let uid = &object.meta.uid;
        if let Some(pass) = job.attempts() {
            let spec = Some(&object.intent.spec).filter(|_| !matches!(job, Job::Withdraw { .. }));
            self.objects.begin_attempt(key, uid, pass, spec);
        }
        if job.runs_step()
            && let Some(tracked) = self.objects.same_mut(key, uid)
        {
            tracked.never_attempted = false;
        }
    }
}

fn is_deleting(get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>, key: &ObjectKey) -> bool {
    get(key).is_some_and(|object| object.meta.deleting.is_some())
}

/// What the engine knows about other objects.
struct Around<'a> {
    engine: &'a Engine,
    installations: Option<Arc<Installations>>,
    now: Timestamp,
    entry: &'a Entry,
    object: &'a Object,
    key: &'a ObjectKey,
    group: Group,
}

impl Around<'_> {
    fn registry(&self) -> &Registry {
        &self.engine.shared.registry
    }

    /// Returns whether an object that has lost its key to this one may still be in the backend.
    fn is_in_backend(&self, loser: &Object) -> bool {
        let Some(entry) = self.registry().get(&loser.model) else { return false };
        let tracked = self.engine.objects.get(&loser.key(), &loser.meta.uid);
        let duty =
            Duty::of(self.registry(), entry, loser, tracked, (self.engine.longest_delay(), self.engine.options.resync));
        claims::is_in_backend(loser, &duty, self.object)
    }
}

impl Surroundings for Around<'_> {
    fn claims(&self) -> Claims {
        let Entry { checks, model, .. } = self.entry;
        if !checks.has_keys() {
            return Claims::default();
        }
        let has_begun = |other: &Object| self.engine.objects.get(&other.key(), &other.meta.uid).has_begun(other);
        let Rivalry { lost, losers } = self.engine.view.with_index(
            |index| checks.is_ready(index, model, self.object),
            |index| checks.prepare(index, model, self.object),
            |index| checks.rivalry(index, model, self.object, &has_begun),
        );
        // What a worker does with a key that an object had a moment ago comes to its end first.
        let has_key = |other: &&Arc<Object>| {
            let entry = self.registry().get(&other.model).filter(|_| other.meta.uid != self.object.meta.uid);
            entry.is_some_and(|entry| checks.have_common_key((model, self.object), (&entry.model, other)))
        };
        let outdated = self.engine.objects.outdated().filter(has_key);
        let losers = losers.iter().filter(|loser| self.is_in_backend(loser));
        Claims { lost, in_backend: losers.chain(outdated).map(|other| other.key()).collect() }
    }

    fn is_attempted(&self, other: &Object) -> bool {
        self.engine.objects.get(&other.key(), &other.meta.uid).is_attempted()
    }

    fn refusal(&self) -> Option<Refusal> {
        let Entry { checks, model, .. } = self.entry;
        if checks.is_empty() {
            return None;
        }
        self.engine.view.with_index(
            |index| checks.is_ready(index, model, self.object),
            |index| checks.prepare(index, model, self.object),
            |index| checks.refusal(index, model, self.object),
        )
    }

    fn owner_to_set(&self) -> Option<(String, Reference)> {
        let Entry { checks, model, .. } = self.entry;
        if !checks.sets_owner() {
            return None;
        }
        // It needs no index: there are few owners.
        self.engine.view.with_index(|_| true, |_| {}, |index| checks.owner_to_set(index, model, self.object))
    }

    fn blockers(&self) -> Vec<Blocker> {
        self.engine.view.with_graph(|graph, _| self.engine.dependencies.blockers(graph, self.key))
    }

    fn missing(&self) -> Vec<Blocker> {
        let missing: Vec<_> = self.engine.view.with_graph(|graph, _| graph.missing(self.key).collect());
        // What nobody lets us see may be there.
        let is_unseen = |address: &Address| {
            let kinds = self.registry().models.of_class(&address.class);
            kinds
                .into_iter()
                .any(|kind| self.engine.view.loss_of(&kind.name, &address.namespace) == Some(Loss::Forbidden))
        };
        missing.into_iter().filter(|address| !is_unseen(address)).map(Blocker::Missing).collect()
    }

    fn leads_to_leaving(&self) -> bool {
        self.engine.view.with_graph(|graph, _| graph.leaving(self.key).next().is_some())
    }

    fn is_taken_along(&self) -> bool {
        let takes_along = |object: &Object| {
            let entry = self.registry().get(&object.model);
            let leaves_others = leaves_others(object, &self.registry().synchronizer)
                || self.engine.objects.get(&object.key(), &object.meta.uid).leaves_others;
            !leaves_others && entry.is_some_and(|entry| entry.finalizers.all().any(|ours| object.has_finalizer(ours)))
        };
        !self.object.flag("write_protect")
            && self.engine.view.with_graph(|graph, get| {
                graph.leaving(self.key).filter_map(|key| get(&key)).any(|object| takes_along(&object))
            })
    }

    fn deletion_blockers(&self) -> Vec<Blocker> {
        self.engine.view.with_graph(|graph, get| {
            self.engine.dependencies.deletion_blockers(graph, self.key, |key| is_deleting(get, key))
        })
    }

    fn live_dependents(&self) -> Vec<Arc<Object>> {
        let cascade = self
            .engine
            .view
            .with_graph(|graph, get| graph.cascade(self.key).iter().filter_map(get).collect::<Vec<_>>());
        let is_live = |other: &Arc<Object>| other.meta.deleting.is_none() && !other.flag("write_protect");
        cascade.into_iter().filter(is_live).collect()
    }

    fn abandoned(&self) -> Abandoned {
        let own: Vec<_> = self.entry.finalizers.all().collect();
        let foreign = foreign_finalizers(&self.object.meta.finalizers, &own);
        match &self.installations {
            Some(known) => abandoned(foreign, &self.entry.resource, &self.object.meta.namespace, known, self.now),
            // What is not known is not told.
            None => Abandoned::default(),
        }
    }

    fn is_cascade_held(&self) -> bool {
        let limit = self.engine.options.brakes.cascade;
        self.engine.view.with_graph(|graph, get| {
            // Mostly there are few, and nothing more is to be known.
            if taken_along(graph, get, self.key, limit.saturating_add(1)).len() <= limit {
                return false;
            }
            let most = allowed(graph, get, self.object, limit, usize::MAX);
            taken_along(graph, get, self.key, most.saturating_add(1)).len() > most
        })
    }

    fn missing_place(&self, job: &Job) -> Option<Need> {
        self.engine.workers.missing(&job.needs(self.entry), self.key, &self.group).cloned()
    }
}
