//! A change of the registry while the engine runs.
//!
//! The objects of models that it concerns rest until the workers which have some of them have ended. Then the change is
//! made, between two turns of the loop. Objects of models that are new or declared in another way rest until a list has
//! shown them all. Others take no notice.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use xos_model::ObjectKey;
use xos_model::graph::{ExtraDependency, GraphError};

use super::Engine;
use crate::queue::{Group, Priority};
use crate::registry::{Difference, Registry};
use crate::watch::WatchId;
use crate::work::{Shared, Silent};

/// A registry that takes the place of the one in use.
#[derive(Clone, Debug)]
pub struct RegistryChange {
    /// The registry.
    pub registry: Arc<Registry>,
    /// The dependencies beside the links.
    pub dependencies: Vec<ExtraDependency>,
    /// Told when it is in use, or why it cannot be.
    pub done: UnboundedSender<Result<(), GraphError>>,
}

/// The changes that are under way.
#[derive(Default)]
pub(super) struct Changes {
    waiting: VecDeque<RegistryChange>,
    /// The one that waits for workers to end.
    pending: Option<(RegistryChange, Difference)>,
    /// The models whose objects rest until that.
    resting: BTreeSet<String>,
    /// The models whose objects are listed anew: they rest until the lists are complete.
    listing: BTreeSet<String>,
    /// The objects that were to be reconciled meanwhile.
    aside: HashMap<ObjectKey, (Priority, Group)>,
}

impl Engine {
    /// Takes in that another registry is to be used.
    pub(super) fn change_registry(&mut self, change: RegistryChange) {
        self.changes.waiting.push_back(change);
        self.go_on_changing();
    }

    /// Returns whether the objects of a model rest.
    fn rests(&self, model: &str) -> bool {
        let Changes { resting, listing, .. } = &self.changes;
        resting.contains(model) || listing.contains(model) || self.waits_for_secrets(model)
    }

    /// Returns whether Secrets are not known yet from which objects of a model may take values.
    fn waits_for_secrets(&self, model: &str) -> bool {
        let has_secrets = || {
            let entry = self.shared.registry.get(model);
            entry.is_some_and(|entry| entry.model.secret_sources().next().is_some())
        };
        !self.secrets.are_known() && has_secrets()
    }

    /// Puts an object that was taken from the queue aside if objects of its model rest. Returns whether they do.
    pub(super) fn is_put_aside(&mut self, key: &ObjectKey) -> bool {
        let rests = self.rests(&key.model);
        if rests {
            self.changes.aside.insert(key.clone(), self.queue.taken_as(key));
        }
        rests
    }

    /// Forgets an object that is gone.
    pub(super) fn forget_aside(&mut self, key: &ObjectKey) {
        if !self.changes.aside.is_empty() {
            self.changes.aside.remove(key);
        }
    }

    /// Begins the next change, or makes the one that waits for workers once they have ended.
    pub(super) fn go_on_changing(&mut self) {
        loop {
            if self.changes.pending.is_none() {
                let Some(next) = self.changes.waiting.pop_front() else { return };
                let difference = Difference::between(&self.shared.registry, &next.registry);
                self.changes.resting = difference.resting().cloned().collect();
                self.changes.pending = Some((next, difference));
            }
            if self.workers.has_any_of(&self.changes.resting) {
                return;
            }
            let Some((change, difference)) = self.changes.pending.take() else { return };
            let done = change.done.clone();
            let made = self.make_change(change, &difference);
            self.changes.resting.clear();
            self.release_those_aside();
            // Who asked for it may have gone.
            let _ = done.send(made);
        }
    }

    fn make_change(&mut self, change: RegistryChange, difference: &Difference) -> Result<(), GraphError> {
        let RegistryChange { registry, dependencies, .. } = change;
        let has_other_properties = !registry.properties.is_declared_as(&self.shared.registry.properties);
        for (key, uid) in self.view.uids_of(&difference.removed) {
            self.view.remove(&key, &uid);
            self.gone(&key);
        }
        let concerned = self.view.change(&registry, &dependencies, difference)?;
        self.options.dependencies = dependencies;
        self.secrets.serve(&registry);
        let lanes = registry.entries().flat_map(|entry| entry.lanes()).cloned().collect();
        self.shared.stats.set_models(registry.entries().map(|entry| entry.model.name.as_str().into()));
        self.live.replace(Arc::clone(&registry));
        self.shared =
            Arc::new(Shared { registry: Arc::clone(&registry), silent: Silent::default(), ..(*self.shared).clone() });
        self.expect_lists(&registry, difference);
        for object in &concerned {
            let key = object.key();
            self.workers.forget(&key);
            let dependencies = &mut self.dependencies;
            let woken = self.view.with_graph(|graph, _| dependencies.changed(graph, object, false));
            self.wake(woken);
            if registry.runs_at_start(&key.model) {
                self.run_again(&key);
            } else if difference.reassigned.contains(&*key.model) {
                self.enqueue(&key, Priority::Retry);
            }
        }
        self.workers.keep_lanes(&lanes);
        if has_other_properties {
            self.compute_all_anew();
        }
        tracing::info!(
            added = list(&difference.added),
            removed = list(&difference.removed),
            redefined = list(&difference.redefined),
            reassigned = list(&difference.reassigned),
            "models and steps have changed"
        );
        Ok(())
    }

    /// Waits for the lists of models that are new or declared in another way, and for no lists of those that are gone.
    fn expect_lists(&mut self, registry: &Registry, difference: &Difference) {
        self.lists.forget(|watch| difference.removed.contains(watch.model()));
        let watches = WatchId::all(registry, &self.options.namespaces);
        let is_listed = |watch: &WatchId| difference.listed().any(|model| model == watch.model());
        self.lists.expect(watches.filter(is_listed));
        self.changes.listing.retain(|model| !difference.removed.contains(model));
        self.changes.listing.extend(difference.listed().cloned());
    }

    /// Takes in that the lists of a model are complete, or that nothing is to be waited for.
    pub(super) fn listed_anew(&mut self, model: &str) {
        if !self.lists.is_waiting_for(model) && self.changes.listing.remove(model) {
            let is_it = |object: &xos_model::Object| &*object.model == model;
            for key in self.view.keys_of(is_it) {
                self.enqueue(&key, Priority::Retry);
            }
            self.release_those_aside();
        }
    }

    /// Puts the objects that were put aside and rest no longer into the queue again, as what they were in it.
    pub(super) fn release_those_aside(&mut self) {
        if self.changes.aside.is_empty() {
            return;
        }
        for (key, (priority, group)) in std::mem::take(&mut self.changes.aside) {
            if self.rests(&key.model) {
                self.changes.aside.insert(key, (priority, group));
            } else {
                self.enqueue_by(&key, group.writer, priority);
            }
        }
    }
}

fn list(models: &BTreeSet<String>) -> String {
    models.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
