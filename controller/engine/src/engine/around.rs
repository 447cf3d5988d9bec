//! What the engine knows about the other objects when it decides on one.

use std::sync::Arc;

use jiff::Timestamp;
use xos_model::accept::{Refusal, Rivalry};
use xos_model::deletion::leaves_others;
use xos_model::graph::{Address, Blocker};
use xos_model::{Object, ObjectKey, Reference};

use super::Engine;
use super::reconcile::is_deleting;
use crate::brake::{allowed, taken_along};
use crate::decide::Surroundings;
use crate::decide::claims::{self, Claims};
use crate::duty::Duty;
use crate::installation::{Abandoned, Installations, abandoned, foreign_finalizers};
use crate::queue::Group;
use crate::registry::{Entry, Registry};
use crate::watch::Loss;
use crate::work::Job;
use crate::workers::Need;

/// What the engine knows about other objects.
pub(super) struct Around<'a> {
    pub(super) engine: &'a Engine,
    pub(super) installations: Option<Arc<Installations>>,
    pub(super) now: Timestamp,
    pub(super) entry: &'a Entry,
    pub(super) object: &'a Object,
    pub(super) key: &'a ObjectKey,
    pub(super) group: Group,
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
        let waits = self.engine.secrets.refusal(model, self.object);
        if waits.is_some() || checks.is_empty() {
            return waits;
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

    fn is_nobody_elses(&self) -> bool {
        // What is not known is not told.
        let Some(known) = &self.installations else { return false };
        let Entry { resource, model, .. } = self.entry;
        let mut others = known.0.iter().filter(|other| other.spec.synchronizer != self.registry().synchronizer);
        // An external one is somebody's, who may not be installed yet.
        !others.any(|other| other.covers(&self.object.meta.namespace) && other.works_on(resource))
            && !self.registry().is_external(&model.name)
            && !self.engine.shared.silent.has(&model.name)
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
