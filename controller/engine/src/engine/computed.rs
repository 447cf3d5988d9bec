//! When the properties of objects are computed, and what follows.

use xos_expressions::changes;
use xos_model::{Object, ObjectKey};

use super::Engine;
use crate::computing::{Computing, Outcome};
use crate::decide::Next;
use crate::queue::Priority;
use crate::view::TakenIn;
use crate::work::Job;

impl Engine {
    /// Takes in a change of an object on which properties may depend: its own, and those of others.
    pub(super) fn note_reads(&mut self, taken: &TakenIn) {
        if !self.leads() {
            return;
        }
        let before = taken.before.as_deref();
        if self.computing.is_watching() {
            let changes = changes(&self.shared.registry.models, before, Some(&taken.object));
            self.computing.changed(&changes);
        }
        let is_new = before.is_none_or(|before| before.meta.uid != taken.object.meta.uid);
        if is_new {
            self.compute(&taken.key, &taken.object);
        }
    }

    /// Lets the properties of an object be computed, if its model has any, or had some.
    pub(super) fn compute(&mut self, key: &ObjectKey, object: &Object) {
        if self.shared.registry.properties.has(&key.model) {
            self.computing.mark(key);
        } else if object.status.properties_of.as_deref() == Some(&self.shared.registry.synchronizer) {
            self.computing.outdated(key, object);
        }
    }

    /// Lets the properties of all objects be computed, as nothing that is known of them holds any more.
    pub(super) fn compute_all_anew(&mut self) {
        self.computing = Computing::sharing(&self.shared.known);
        if self.leads() {
            for (key, object) in self.view.all() {
                self.compute(&key, &object);
            }
        }
    }

    /// Computes some of those that are to be computed, beside the loop. Before all objects are known links seem to lead
    /// nowhere.
    pub(super) fn start_computing(&mut self) {
        if self.leads() && self.lists.is_complete() {
            self.computing.start(&self.shared.registry, &self.view);
        }
    }

    /// Takes in what properties come to. What is to be written goes into the queue, like what was to be tried again.
    pub(super) fn computed(&mut self, outcomes: Vec<Outcome>) {
        self.shared.stats.computed(outcomes.len());
        let view = &self.view;
        for key in self.computing.ended(outcomes, |key| view.get(key)) {
            self.enqueue(&key, Priority::Retry);
        }
    }

    /// Returns what to do with an object for which nothing else is to be done now: its properties are written, if status
    /// says something else. Any other write of status has them, too.
    pub(super) fn or_properties(&mut self, key: &ObjectKey, object: &Object, next: Next) -> Next {
        let is_held = self.objects.get(key, &object.meta.uid).unwritable_until();
        let is_held = is_held.is_some_and(|until| self.shared.clock.now() < until);
        let is_busy = matches!(next, Next::Run(_) | Next::DeletionHeld) || object.meta.deleting.is_some();
        if is_busy || is_held || !self.computing.is_behind(key, object) || !self.shared.writes_properties(object) {
            return next;
        }
        self.computing.begin_to_write(key);
        Next::Run(Job::WriteStatus)
    }
}
