//! Deletions that would take many others along wait until they are confirmed.

use std::sync::Arc;

use xos_model::{Object, ObjectKey};

use super::Engine;
use crate::brake::{allowed, is_confirmed_anew, is_lost, taken_along, told};
use crate::clock::later;
use crate::decide::{Next, report_wait};
use crate::objects::Waiting;
use crate::queue::Priority;
use crate::registry::Entry;
use crate::view::TakenIn;
use crate::work::Subject;

impl Engine {
    /// Lets the deletion of an object wait; its status says so after a while, since those that it would take along may
    /// be about to be deleted by themselves, as in a namespace that is deleted. Returns whether a worker now has it.
    ///
    /// It waits without a timer: what can free it (fewer objects, a confirmation) wakes it.
    pub(super) fn hold(&mut self, key: &ObjectKey, entry: &Arc<Entry>, subject: Subject) -> bool {
        let now = self.shared.clock.now();
        self.dependencies.proceed(key);
        let Some(tracked) = self.objects.same_mut(key, &subject.object.meta.uid) else { return false };
        let since = tracked.waiting().map_or(now, |waiting| waiting.since);
        self.objects.set_waiting(key, &subject.object.meta.uid, Some(Waiting { since, is_deleting: true }));
        let told_at = later(since, self.options.report_waits_after);
        if now < told_at {
            self.queue.add_at(key, told_at, Priority::Retry);
            return false;
        }
        let (taken, most) = self.view.with_graph(|graph, get| {
            let taken = taken_along(graph, get, key, usize::MAX);
            let most = allowed(graph, get, &subject.object, self.options.brakes.cascade, taken.len());
            (taken, most)
        });
        if taken.len() <= most {
            // They have become fewer since it was decided.
            self.enqueue(key, Priority::Change);
            return false;
        }
        let wait = told(&subject.object, entry, &taken, most);
        self.held_deletions.hold(key, taken, most);
        match report_wait(&subject.object, &self.shared.registry.synchronizer, wait, now) {
            Next::Run(job) => {
                self.spawn(key, entry, subject, job);
                true
            }
            _ => false,
        }
    }

    /// Wakes the objects whose deletion need not be held any more, as another object has changed.
    pub(super) fn wake_held(&mut self, taken: &TakenIn, object: &Object) {
        if is_lost(object, taken.is_relinked) {
            self.wake_held_without(&taken.key);
        }
        // It may be confirmed for those that go along, too.
        if object.meta.deleting.is_some() && is_confirmed_anew(taken.before.as_deref(), object) {
            for held in self.held_deletions.all() {
                self.enqueue(&held, Priority::Change);
            }
        }
    }

    /// Wakes the objects whose deletion need not be held any more, as it does not take this one along.
    pub(super) fn wake_held_without(&mut self, key: &ObjectKey) {
        for held in self.held_deletions.lost(key) {
            self.enqueue(&held, Priority::Change);
        }
    }
}
