//! Whether the engine works, or only watches.
//!
//! An engine that only watches keeps its view current, and nothing else: no queue, no records. When its process leads,
//! it begins as after a start, with all objects known.

use std::collections::HashSet;
use std::future::pending;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use xos_model::{Object, ObjectKey, later};

use super::Engine;
use crate::brake::HeldDeletions;
use crate::computing::Computing;
use crate::dependencies::Dependencies;
use crate::leader::{Leadership, Term};
use crate::objects::Objects;
use crate::queue::Priority;
use crate::resyncs::Resyncs;
use crate::view::Origin;
use crate::work::Job;

/// By how much the clocks of this machine and of the API server may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// For so long after a takeover objects are read before a step or policy is called for them: of what the leader before has
/// written in its last moments, this one may not have seen all. It is much longer than watches are late.
const CONFIRMED: SignedDuration = SignedDuration::from_secs(10);

/// In which term the engine works.
pub(super) struct Leading {
    leadership: Leadership,
    changes: watch::Receiver<()>,
    /// The term of which it keeps records.
    term: Option<Term>,
    /// Whether it may begin something.
    works: bool,
    /// Until when objects are read before something is done for them, and those that were.
    confirm: Option<(Timestamp, HashSet<ObjectKey>)>,
}

impl Leading {
    pub(super) fn new(leadership: Leadership) -> Self {
        let changes = leadership.changes();
        Self { leadership, changes, term: None, works: false, confirm: None }
    }

    /// Waits for a change.
    pub(super) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

impl Engine {
    /// Returns whether the engine works: at its last look it led.
    pub(super) fn leads(&self) -> bool {
        self.leading.works
    }

    /// Returns the number of the term in which the engine works.
    pub(super) fn term(&self) -> u64 {
        self.leading.term.map_or(0, |term| term.number)
    }

    /// Returns what says whether this process leads.
    pub(super) fn leadership(&self) -> &Leadership {
        &self.leading.leadership
    }

    /// Looks whether the process leads. Returns whether it does.
    pub(super) fn look_at_leadership(&mut self) -> bool {
        let term = self.leading.leadership.leads();
        match (self.leading.works, term) {
            (false, Some(term)) => self.begin_to_work(term),
            (true, None) => self.only_watch(),
            // It was over in between.
            (true, Some(term)) if self.leading.term != Some(term) => self.begin_to_work(term),
            _ => {}
        }
        self.leading.works
    }

    fn only_watch(&mut self) {
        self.leading.works = false;
        self.queue.clear();
        tracing::info!(running = self.workers.len(), "nothing is begun any more");
    }

    /// Begins as after a start, if others may have worked meanwhile, and looks at all objects.
    fn begin_to_work(&mut self, term: Term) {
        let is_new = self.leading.term.replace(term) != Some(term);
        self.leading.works = true;
        if is_new {
            self.objects = Objects::default();
            self.dependencies = Dependencies::new(self.options.report_waits_after);
            self.resyncs = Resyncs::default();
            self.held_deletions = HeldDeletions::default();
            self.computing = Computing::sharing(&self.shared.known);
            let until = later(self.shared.clock.now(), CONFIRMED.unsigned_abs());
            self.leading.confirm = term.took_over.map(|_| (until, HashSet::new()));
        }
        let all = self.view.all();
        for (key, object) in &all {
            if is_new {
                self.workers.forget(key);
            }
            // What is known by now may have been in other hands.
            self.track(key, object, Origin::Listed);
            self.enqueue(key, Priority::Change);
            self.compute(key, object);
        }
        if term.number > 1 || term.took_over.is_some() {
            tracing::info!(objects = all.len(), "takes over");
        }
    }

    /// Returns whether an object is to be read before a job, as another process has just worked on it, maybe.
    pub(super) fn is_to_be_confirmed(&mut self, key: &ObjectKey, job: &Job) -> bool {
        let now = self.shared.clock.now();
        let _over = self.leading.confirm.take_if(|(until, _)| now >= *until);
        let is_known = self.leading.confirm.as_ref().is_none_or(|(_, confirmed)| confirmed.contains(key));
        !is_known && (job.runs_step() || job.runs_policies())
    }

    /// Notes that an object is known as it is: nobody else writes it any more.
    pub(super) fn confirmed(&mut self, key: &ObjectKey) {
        if let Some((_, confirmed)) = &mut self.leading.confirm {
            confirmed.insert(key.clone());
        }
    }

    /// Returns where an object comes from. What was made before the takeover may have been attempted by another process,
    /// even if it is seen only now.
    pub(super) fn origin_of(&self, object: &Object, origin: Origin) -> Origin {
        let took_over = self.leading.term.and_then(|term| term.took_over);
        let is_before = |took_over: Timestamp| {
            let until = took_over.checked_add(CLOCKS_DIFFER).unwrap_or(Timestamp::MAX);
            object.meta.created.is_none_or(|created| created <= until)
        };
        match origin {
            Origin::Watched if took_over.is_some_and(is_before) => Origin::Read,
            origin => origin,
        }
    }
}
