//! What watches and steps say of objects, and what follows for others.

use std::sync::Arc;
use std::time::Duration;

use xos_model::accept::Hold;
use xos_model::deletion::leaves_others;
use xos_model::names::CONFIRM_PULL;
use xos_model::{Object, ObjectKey};

use super::Engine;
use crate::dependencies::Woken;
use crate::queue::Priority;
use crate::registry::Entry;
use crate::secrets::SecretNews;
use crate::store::StoreEvent;
use crate::view::{Origin, TakenIn};
use crate::watch::{Loss, WatchEvent, WatchId};

impl Engine {
    pub(super) fn watch_event(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::Init(watch) => self.view.start_list(watch),
            WatchEvent::InitApply(object) => self.seen(*object, Origin::Listed),
            WatchEvent::Apply(object) => self.seen(*object, Origin::Watched),
            WatchEvent::Delete(key, uid) => {
                if self.view.remove(&key, &uid) {
                    self.gone(&key);
                }
            }
            WatchEvent::InitDone(watch, version) => {
                self.view.found(&watch);
                self.finish_list(&watch, Some(&version));
            }
            WatchEvent::Secrets(news) => self.secrets_changed(news),
            WatchEvent::Registry(change) => self.change_registry(change),
            WatchEvent::Lost(watch, loss) => {
                self.view.lost(&watch, loss);
                match loss {
                    // Its objects went with its definition: nothing waits for them any more.
                    Loss::Unserved => {
                        self.view.start_list(watch.clone());
                        self.finish_list(&watch, None);
                    }
                    Loss::Forbidden => self.list_done(&watch),
                }
            }
        }
    }

    fn finish_list(&mut self, watch: &WatchId, version: Option<&str>) {
        for (key, _) in self.view.finish_list(watch, version) {
            self.gone(&key);
        }
        self.list_done(watch);
    }

    fn list_done(&mut self, watch: &WatchId) {
        if let Some(after) = self.lists.done(watch) {
            tracing::info!(objects = self.view.len(), ?after, "all objects are known");
        }
        self.listed_anew(watch.model());
    }

    /// Looks again at the objects that use Secrets of which there is news.
    fn secrets_changed(&mut self, news: SecretNews) {
        for key in self.secrets.take_in(news) {
            let Some(entry) = self.shared.registry.get(&key.model).cloned() else { continue };
            if let Some(taken) = self.view.stamp(&key, |object| self.secrets.hash(&entry.model, object)) {
                self.changed(&taken, &taken.object);
            }
            self.take_up(&key);
            self.enqueue(&key, Priority::Change);
        }
        self.release_those_aside();
    }

    fn seen(&mut self, mut object: Object, origin: Origin) {
        if let Some(entry) = self.shared.registry.get(&object.model) {
            object.intent.secrets = self.secrets.hash(&entry.model, &object);
        }
        let writer = object.meta.writer.take();
        if let Some(taken) = self.view.take_in(Arc::new(object), origin) {
            if confirms_a_listing(taken.before.as_deref(), &taken.object) {
                self.shared.services.holds.confirmed();
            }
            self.changed(&taken, &taken.object);
            self.take_up(&taken.key);
            self.enqueue_by(&taken.key, writer, priority_of(taken.before.as_deref(), &taken.object));
        }
    }

    /// Takes in what a step did to an object by itself.
    pub(super) fn store_event(&mut self, event: StoreEvent) {
        let taken = match event {
            StoreEvent::TakenIn(taken) => taken,
            StoreEvent::Gone(key) => return self.gone(&key),
            StoreEvent::Awaited(key) => return self.awaited_came(&key),
            StoreEvent::Again(key) => return self.run_again(&key),
        };
        // It may have changed again, or have been replaced, since then.
        if let Some(object) = self.view.get_same(&taken.key, &taken.object.meta.uid) {
            self.changed(&taken, &object);
        }
        // What a step saves of its own object is settled by its end.
        if !self.queue.is_running(&taken.key) {
            self.take_up(&taken.key);
            self.enqueue(&taken.key, Priority::Change);
        }
    }

    /// Puts nothing of an object off any longer, as somebody has changed it. What changes while a worker has it may be the
    /// worker's own.
    fn take_up(&mut self, key: &ObjectKey) {
        if !self.queue.is_running(key)
            && let Some(tracked) = self.objects.get_mut(key)
        {
            tracked.take_up();
        }
    }

    /// Puts an object into the queue whose step or policies wait for another one, which has come or has changed.
    fn awaited_came(&mut self, key: &ObjectKey) {
        if !self.queue.is_running(key) {
            self.take_up(key);
            self.enqueue(key, Priority::Retry);
        }
    }

    /// Lets the step of an object run again, as something has changed that it needs: after the call that runs just now, if
    /// there is one.
    pub(super) fn run_again(&mut self, key: &ObjectKey) {
        if self.queue.is_running(key) {
            self.again.insert(key.clone());
            return;
        }
        self.take_up(key);
        if let Some(tracked) = self.objects.get_mut(key) {
            tracked.is_to_run = true;
            self.enqueue(key, Priority::Retry);
        }
    }

    /// Takes in the answer to one of our own writes.
    pub(super) fn wrote(&mut self, object: Arc<Object>) {
        if let Some(taken) = self.view.take_in(object, Origin::Written) {
            self.changed(&taken, &taken.object);
        }
    }

    /// Follows up on a change of an object, which the view knows already.
    fn changed(&mut self, taken: &TakenIn, object: &Object) {
        let key = &taken.key;
        if let Some(entry) = self.shared.registry.get(&key.model) {
            self.secrets.note(&entry.model, key, object);
        }
        if taken.replaces_another() {
            self.wake_waiting_for_gone(key);
        }
        self.note_reads(taken);
        self.track(key, object, taken.origin);
        self.measure_readiness(taken, object);
        if leaves_others(object, &self.shared.registry.synchronizer)
            && let Some(tracked) = self.objects.same_mut(key, &object.meta.uid)
        {
            tracked.leaves_others = true;
        }
        if taken.is_relinked {
            let is_waiting = self.objects.get(key, &object.meta.uid).waiting().is_some();
            self.dependencies.relinked(key, is_waiting);
        }
        let dependencies = &mut self.dependencies;
        let woken = self.view.with_graph(|graph, _| dependencies.changed(graph, object, taken.is_relinked));
        self.wake(woken);
        self.wake_refused(key);
        self.wake_rivals(taken, object);
        self.wake_held(taken, object);
    }

    /// Measures how long objects take to become Ready, from the first change that is to be handled.
    fn measure_readiness(&mut self, taken: &TakenIn, object: &Object) {
        let now = self.shared.clock.now();
        if let Some(since) = self.objects.ready_since(&taken.key, object, is_somebodys(taken), now) {
            let after = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            self.shared.stats.became_ready(&taken.key.model, after);
        }
    }

    /// Wakes those that have a key of an object which now has it, or has it more or less firmly: they may have to give
    /// way, or may not have to any more.
    fn wake_rivals(&mut self, taken: &TakenIn, object: &Object) {
        let Some(entry) = self.shared.registry.get(&object.model).filter(|entry| entry.checks.has_keys()) else {
            return;
        };
        let is_edit = |before: &&Arc<Object>| before.intent.spec != object.intent.spec;
        if let Some(before) = taken.before.as_ref().filter(is_edit).filter(|_| self.queue.is_running(&taken.key)) {
            self.objects.edited_in_work(&taken.key, before);
        }
        // At the start all are looked at anyway.
        let claim = |object: &Object| {
            let is_deleting = object.meta.deleting.is_some();
            (object.meta.uid.clone(), object.intent.spec, Hold::of(object), is_deleting)
        };
        if !self.lists.is_complete() || taken.before.as_deref().map(claim) == Some(claim(object)) {
            return;
        }
        let Entry { checks, model, .. } = &**entry;
        let rivals = self.view.with_index(
            |index| checks.is_ready(index, model, object),
            |index| checks.prepare(index, model, object),
            |index| checks.rivals(index, model, object),
        );
        for rival in rivals {
            self.enqueue(&rival, Priority::Retry);
        }
    }

    /// Wakes those that wait for the end of what a worker has done with an object.
    pub(super) fn wake_after_work(&mut self, key: &ObjectKey) {
        if self.objects.out_of_work(key) {
            for waiting in self.dependencies.waiters(key) {
                self.enqueue(&waiting, Priority::Change);
            }
        }
    }

    /// Begins the record of an object, if there is none yet.
    pub(super) fn track(&mut self, key: &ObjectKey, object: &Object, origin: Origin) {
        if !self.leads() {
            return;
        }
        let origin = self.origin_of(object, origin);
        let is_new = self.objects.track(key, object, origin, &self.shared.registry.synchronizer);
        if is_new
            && self.shared.registry.runs_at_start(&object.model)
            && let Some(tracked) = self.objects.get_mut(key)
        {
            tracked.is_to_run = tracked.was_there;
        }
    }

    /// Takes in that an object which the view knew is gone.
    pub(super) fn gone(&mut self, key: &ObjectKey) {
        // Another one of the same name may be known already; then nothing of this one is left.
        if self.view.get(key).is_some() {
            return;
        }
        self.computing.gone(key);
        self.installations.forget(key);
        self.secrets.forget(key);
        self.objects.forget(key);
        self.queue.remove(key);
        self.forget_aside(key);
        self.again.remove(key);
        self.workers.forget(key);
        self.wake_waiting_for_gone(key);
        self.wake_refused(key);
        self.shared.awaited.forget(key);
        self.held_deletions.release(key);
        self.wake_held_without(key);
    }

    fn wake_waiting_for_gone(&mut self, key: &ObjectKey) {
        let dependencies = &mut self.dependencies;
        let woken = self.view.with_graph(|graph, _| dependencies.gone(graph, key));
        self.wake(woken);
    }

    /// Puts objects that another one has woken into the queue.
    pub(super) fn wake(&mut self, Woken { free, again, fewer }: Woken) {
        let by = self.dependencies.told_by(self.shared.clock.now());
        for key in fewer {
            self.queue.add_by(&key, by, Priority::Retry);
        }
        for key in again {
            self.enqueue(&key, Priority::Retry);
        }
        for key in free {
            self.enqueue(&key, Priority::Change);
        }
    }

    /// Wakes the objects that may be accepted now.
    fn wake_refused(&mut self, key: &ObjectKey) {
        let classes = self.shared.registry.get(&key.model).map(|entry| entry.model.ancestry.as_slice());
        for woken in self.objects.refused_for(key, classes.unwrap_or_default().iter()) {
            self.enqueue(&woken, Priority::Change);
        }
    }
}

/// Returns whether what a watch shows is a change of somebody else than this controller, after which the object is to
/// become Ready again.
fn is_somebodys(taken: &TakenIn) -> bool {
    let now = &taken.object;
    if taken.origin != Origin::Watched {
        return false;
    }
    taken.before.as_deref().is_none_or(|before| {
        let (was, is) = (before.intent.spec, now.intent.spec);
        let is_ours = || now.quiet_saves.iter().any(|save| (save.from, save.to) == (was, is));
        before.meta.uid != now.meta.uid || (before.meta.generation != now.meta.generation && was != is && !is_ours())
    })
}

/// Returns whether an operator has confirmed the deletions of a pull step's listing.
fn confirms_a_listing(before: Option<&Object>, now: &Object) -> bool {
    let confirmation = |object: &Object| object.meta.annotations.get(CONFIRM_PULL).cloned();
    confirmation(now).is_some_and(|token| before.and_then(confirmation) != Some(token))
}

/// Returns the priority of a change. What the framework wrote (finalizers, status) must not pass for an operator's
/// change: under load that would go before theirs.
fn priority_of(before: Option<&Object>, now: &Object) -> Priority {
    let is_same = |before: &Object| {
        let was = &before.meta;
        let is = &now.meta;
        (&was.uid, was.deleting, &before.intent) == (&is.uid, is.deleting, &now.intent)
    };
    if before.is_some_and(is_same) { Priority::Retry } else { Priority::Change }
}
