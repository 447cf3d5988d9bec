//! Taking objects from the queue, deciding on them, and handing them to workers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument as _;
use xos_model::accept::NOT_UNIQUE;
use xos_model::graph::{Address, Blocker};
use xos_model::record::{self, Wait};
use xos_model::resync::{self, Resync};
use xos_model::{Object, ObjectKey};
use xos_steps::Event;

use super::Engine;
use super::around::Around;
use crate::clock::{later, shortened};
use crate::decide::{self, Next, Stage, report_wait};
use crate::dependencies;
use crate::duty::{Duty, resync_period};
use crate::gate::Outage;
use crate::queue::{Head, Priority};
use crate::registry::Entry;
use crate::view::Origin;
use crate::work::{Job, Report, Subject, do_job};
use crate::workers::{Full, Need, Start, Turn};

impl Engine {
    /// Starts as many workers as there is room for.
    pub(super) fn start_workers(&mut self) {
        self.start_some_workers(usize::MAX);
    }

    /// Starts workers as long as there is room, and looks at so many objects at most: those that find no place take
    /// time, too. Returns whether there are more.
    pub(super) fn start_some_workers(&mut self, mut most: usize) -> bool {
        if self.look_at_leadership() && self.lists.is_complete() {
            self.ring_resyncs();
            // Those that wait for a place may decline it, which gives it to the next.
            while self.take_turn() | self.take_from_queue(&mut most) && self.workers.has_room() && most > 0 {}
        }
        self.shared.stats.set_queue_depth(self.queue.depth());
        if let Some(waiting) = self.objects.news_of_waiting() {
            self.shared.stats.set_waiting(waiting);
        }
        most == 0
    }

    /// Takes objects from the queue while there is room. Returns whether there was any.
    fn take_from_queue(&mut self, most: &mut usize) -> bool {
        let mut is_any = false;
        while *most > 0 && self.workers.has_room() {
            let Some(taken) = self.queue.take(self.shared.clock.now()) else { break };
            is_any = true;
            *most -= 1;
            self.turns.after(taken.waited);
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
        if self.is_put_aside(key) {
            return Some(false);
        }
        // Mostly there is a record already. An object may be woken before the engine hears who created it.
        self.track(key, &object, Origin::Read);
        self.objects.notice_record(key, &object, &self.shared.registry.synchronizer);
        self.installations.note(key, &object);
        let next = self.decide(key, &entry, &object, Stage::Queued);
        let next = self.or_properties(key, &object, next);
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
            | Next::Run(Job::ReportRefusal(_, refusal, _) | Job::Withdraw { refusal, .. }) => {
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
        self.objects.set_waiting(key, &subject.object.meta.uid, None);
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
        let mut waiting = tracked.waiting();
        let loss = blockers.iter().find_map(|blocker| match blocker {
            Blocker::Missing(Address { class, namespace, .. }) => {
                Some(self.view.loss_of(class, namespace)?.told_of(class))
            }
            Blocker::Object(_) => None,
        });
        let (wait, message) = self.view.with_graph(|graph, get| {
            let wait = dependencies.wait(graph, key, (blockers, &mut waiting), now, |key| is_deleting(get, key));
            let is_reported = matches!(wait, dependencies::Wait::Report(_));
            (wait, is_reported.then(|| dependencies.message(key, get)).flatten())
        });
        self.objects.set_waiting(key, &subject.object.meta.uid, waiting);
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
        let job = if self.is_to_be_confirmed(key, &job) { Job::Confirm } else { job };
        let uid = subject.object.meta.uid.clone();
        self.note_start(key, &subject.object, &job);
        if job == Job::Resync
            && let Some(every) = resync_period(entry, &subject.object, self.options.resync)
        {
            self.resync_at(key, &uid, later(self.shared.clock.now(), shortened(every)));
        }
        let turn = self.turns.of(key, &subject.object);
        let span = tracing::info_span!(parent: &turn, "reconcile", object = %key, job = job.name());
        let (_, group) = self.queue.taken_as(key);
        let start = Start { key: key.clone(), uid, group, needs: job.needs(entry) };
        let work = {
            let shared = Arc::clone(&self.shared);
            let entry = Arc::clone(entry);
            let (leadership, term) = (self.leadership().clone(), self.term());
            async move {
                let work = leadership.guard_in(term, do_job(&shared, &entry, subject, job));
                // Dropped, as if the process had ended.
                work.await.unwrap_or(Report::Cancelled)
            }
        };
        self.workers.start(start, work.instrument(span));
    }

    /// Notes in the record of an object what a worker is about to do.
    fn note_start(&mut self, key: &ObjectKey, object: &Object, job: &Job) {
        let uid = &object.meta.uid;
        if let Some(pass) = job.attempts() {
            let spec = Some(&object.intent.spec).filter(|_| !matches!(job, Job::Withdraw { .. }));
            self.objects.begin_attempt(key, object, (pass, spec), self.shared.clock.now());
        }
        if job.runs_step()
            && let Some(tracked) = self.objects.same_mut(key, uid)
        {
            tracked.never_attempted = false;
            tracked.is_to_run = false;
        }
    }
}

pub(super) fn is_deleting(get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>, key: &ObjectKey) -> bool {
    get(key).is_some_and(|object| object.meta.deleting.is_some())
}
