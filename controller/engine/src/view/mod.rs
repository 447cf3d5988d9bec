//! What the engine and the steps see of the world: the watch cache, and the index over it.
//!
//! There is one way in, [`SharedView::take_in`]: it is told where an object comes from, and updates cache, index and
//! graph under one lock.

mod cache;
mod unanswered;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use xos_model::graph::{ExtraDependency, Graph, GraphError};
use xos_model::{Index, Object, ObjectKey, Query, QueryError, Reference, SpecHash};
use xos_steps::Arrivals;

use crate::duty::standing;
use crate::registry::{Difference, Registry};
use crate::watch::{Loss, WatchId};

use cache::Cache;
pub(crate) use cache::is_newer;
use unanswered::Unanswered;

/// Where an object, as it is taken in, comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A watch lists all of its objects: this one may be old, and an earlier controller may have worked on it.
    Listed,
    /// A watch shows a change.
    Watched,
    /// The answer to our own create request.
    Created,
    /// The answer to a read: the object is somebody else's, and may be old.
    Read,
    /// The answer to our own update.
    Written,
}

/// What taking an object in has changed.
#[derive(Clone, Debug)]
pub(crate) struct TakenIn {
    pub(crate) key: ObjectKey,
    /// The object as it was taken in.
    pub(crate) object: Arc<Object>,
    pub(crate) origin: Origin,
    /// What was known before, of this object or of an earlier one of the same name.
    pub(crate) before: Option<Arc<Object>>,
    /// Whether its links are others than before.
    pub(crate) is_relinked: bool,
}

impl TakenIn {
    /// Returns whether it has taken the place of an earlier object of the same name.
    pub(crate) fn replaces_another(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.meta.uid != self.object.meta.uid)
    }
}

/// Receives every change of every object, in order, also our own. It is called with the view locked, and must return
/// at once.
pub trait Observer: Send + Sync {
    /// An object is new, or has changed.
    fn changed(&self, before: Option<&Object>, after: &Object);
    /// An object is gone.
    fn gone(&self, object: &Object);
}

struct View {
    registry: Arc<Registry>,
    cache: Cache,
    index: Index,
    observers: Vec<Arc<dyn Observer>>,
    /// The watches whose objects cannot be seen.
    lost: HashMap<WatchId, Loss>,
}

impl View {
    /// Takes an object into the index as it is now. Returns whether its links have changed.
    fn index_again(&mut self, key: &ObjectKey, object: &Arc<Object>) -> bool {
        self.index.insert_as(key, object, standing(object, &self.registry))
    }

    fn unindex(&mut self, key: &ObjectKey) {
        if let Some(object) = self.index.get(key) {
            self.observers.iter().for_each(|observer| observer.gone(object));
        }
        self.index.remove(key);
    }
}

/// The one view of an engine; clones are the same one. It is locked for single operations only.
#[derive(Clone)]
pub(crate) struct SharedView {
    view: Arc<RwLock<View>>,
    /// Who waits for an object, beside the engine.
    arrivals: Arrivals,
    /// What steps make, as long as it may not be in the view.
    pub(crate) unanswered: Unanswered,
}

impl SharedView {
    /// Returns a view without objects.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there.
    pub(crate) fn new(registry: &Arc<Registry>, dependencies: &[ExtraDependency]) -> Result<Self, GraphError> {
        let index = Index::new(Arc::clone(&registry.models), dependencies)?;
        let registry = Arc::clone(registry);
        let view = View { registry, cache: Cache::default(), index, observers: vec![], lost: HashMap::new() };
        Ok(Self { view: Arc::new(RwLock::new(view)), arrivals: Arrivals::default(), unanswered: Unanswered::default() })
    }

    /// Returns the same view, which tells these of every object that it takes in.
    #[must_use]
    pub(crate) fn telling(self, arrivals: Arrivals) -> Self {
        Self { arrivals, ..self }
    }

    // Nothing that holds the lock can leave half a change behind, so a panic of another thread does not matter.

    fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the registry that is in use.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.read().registry)
    }

    /// Takes another registry. Objects of models that are not in it must be gone. Those of redefined models are read
    /// anew: they stay as they are until a list shows them. Returns the objects of which others may have to wait no
    /// longer.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there. Then nothing has changed.
    pub(crate) fn change(
        &self,
        registry: &Arc<Registry>,
        dependencies: &[ExtraDependency],
        difference: &Difference,
    ) -> Result<Vec<Arc<Object>>, GraphError> {
        let mut view = self.write();
        let view = &mut *view;
        view.index.change(Arc::clone(&registry.models), dependencies, &difference.redefined)?;
        view.registry = Arc::clone(registry);
        view.lost.retain(|watch, _| registry.get(watch.model()).is_some());
        let is_concerned =
            |key: &ObjectKey| [&difference.redefined, &difference.reassigned].iter().any(|of| of.contains(&*key.model));
        let concerned = view.cache.all().filter(|(key, _)| is_concerned(key));
        let concerned: Vec<_> = concerned.map(|(key, object)| (key.clone(), Arc::clone(object))).collect();
        for (key, object) in &concerned {
            view.index_again(key, object);
            if difference.redefined.contains(&*key.model) {
                view.cache.read_anew(key);
            }
        }
        Ok(concerned.into_iter().map(|(_, object)| object).collect())
    }

    /// Registers another observer of all changes from now on.
    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        self.write().observers.push(observer);
    }

    /// Takes an object into the cache, the index and the graph of links. Returns nothing if it is not newer than what is
    /// known.
    pub(crate) fn take_in(&self, object: Arc<Object>, origin: Origin) -> Option<TakenIn> {
        let mut view = self.write();
        // Of a model that is not there any more something may still be under way.
        view.registry.get(&object.model)?;
        let key = view.cache.key(&object);
        let before = view.cache.get(&key).cloned();
        let is_news = match origin {
            Origin::Written => view.cache.update(&key, Arc::clone(&object)),
            Origin::Listed | Origin::Watched | Origin::Created | Origin::Read => {
                view.cache.mark_listed(&key);
                view.cache.insert(&key, Arc::clone(&object))
            }
        };
        if !is_news {
            return None;
        }
        let same = before.as_deref().filter(|before| before.meta.uid == object.meta.uid);
        view.observers.iter().for_each(|observer| observer.changed(same, &object));
        let is_relinked = view.index_again(&key, &object);
        // Who looks for it from now on finds it in the view.
        drop(view);
        self.arrivals.saw(&object);
        self.unanswered.known(&key);
        Some(TakenIn { key, object, origin, before, is_relinked })
    }

    /// Gives an object, of which nothing else has changed, the hash of its Secrets' versions. Returns nothing if it has
    /// it already.
    pub(crate) fn stamp(&self, key: &ObjectKey, secrets: impl FnOnce(&Object) -> Option<SpecHash>) -> Option<TakenIn> {
        let mut view = self.write();
        let before = view.cache.get(key).cloned()?;
        let mut object = (*before).clone();
        object.intent.secrets = secrets(&before);
        if object.intent == before.intent {
            return None;
        }
        let object = Arc::new(object);
        view.cache.replace(key, Arc::clone(&object));
        view.index_again(key, &object);
        Some(TakenIn { key: key.clone(), object, origin: Origin::Written, before: Some(before), is_relinked: false })
    }

    /// Removes an object that a watch says is gone. Returns whether it was known.
    pub(crate) fn remove(&self, key: &ObjectKey, uid: &str) -> bool {
        self.remove_by(key, |cache| cache.remove(key, uid))
    }

    /// Removes an object that is gone by our own write, before the watch says so. Returns whether it was known.
    pub(crate) fn release(&self, key: &ObjectKey, uid: &str) -> bool {
        self.remove_by(key, |cache| cache.release(key, uid))
    }

    fn remove_by(&self, key: &ObjectKey, remove: impl FnOnce(&mut Cache) -> bool) -> bool {
        let mut view = self.write();
        let is_known = remove(&mut view.cache);
        if is_known {
            view.unindex(key);
        }
        is_known
    }

    /// Notes that a watch begins to list all of its objects.
    pub(crate) fn start_list(&self, watch: WatchId) {
        self.write().cache.start_list(watch);
    }

    /// Ends the list of a watch: removes the objects that were gone at its resourceVersion (none: all that it did not
    /// show), and returns their keys and uids.
    pub(crate) fn finish_list(&self, watch: &WatchId, version: Option<&str>) -> Vec<(ObjectKey, String)> {
        let mut view = self.write();
        let gone = view.cache.finish_list(watch, version);
        for (key, _) in &gone {
            view.unindex(key);
        }
        gone
    }

    /// Notes that the objects of a watch cannot be seen.
    pub(crate) fn lost(&self, watch: &WatchId, loss: Loss) {
        self.write().lost.insert(watch.clone(), loss);
    }

    /// Notes that the objects of a watch are seen again.
    pub(crate) fn found(&self, watch: &WatchId) {
        self.write().lost.remove(watch);
    }

    /// Returns why the objects of a model cannot be seen in a namespace, if they cannot.
    pub(crate) fn loss_of(&self, model: &str, namespace: &str) -> Option<Loss> {
        let is_it = |watch: &WatchId| watch.model() == model && watch.namespace().is_none_or(|here| here == namespace);
        self.read().lost.iter().find(|(watch, _)| is_it(watch)).map(|(_, loss)| *loss)
    }

    /// Returns the newest known state of an object.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.read().cache.get(key).cloned()
    }

    /// Returns all objects.
    pub(crate) fn all(&self) -> Vec<(ObjectKey, Arc<Object>)> {
        self.read().cache.all().map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }

    /// Returns the keys of the objects for which this is true.
    pub(crate) fn keys_of(&self, is_wanted: impl Fn(&Object) -> bool) -> Vec<ObjectKey> {
        let view = self.read();
        view.cache.all().filter(|(_, object)| is_wanted(object)).map(|(key, _)| key.clone()).collect()
    }

    /// Returns the keys and uids of all objects of these models.
    pub(crate) fn uids_of(&self, models: &BTreeSet<String>) -> Vec<(ObjectKey, String)> {
        if models.is_empty() {
            return vec![];
        }
        let view = self.read();
        let of_models = view.cache.all().filter(|(key, _)| models.contains(&*key.model));
        of_models.map(|(key, object)| (key.clone(), object.meta.uid.clone())).collect()
    }

    /// Returns what steps have made, or are making, that goes together with an object and may not be in the view; and
    /// whether the answer is still to come.
    pub(crate) fn unanswered_to(&self, target: &ObjectKey) -> Vec<(ObjectKey, bool)> {
        self.unanswered.of(|object| self.read().index.graph().goes_with(object, target))
    }

    /// Returns how many objects are known.
    pub(crate) fn len(&self) -> usize {
        self.read().cache.len()
    }

    /// Returns the newest known state of an object, if it is still the one of this uid.
    pub(crate) fn get_same(&self, key: &ObjectKey, uid: &str) -> Option<Arc<Object>> {
        self.get(key).filter(|known| known.meta.uid == uid)
    }

    /// Looks at the links of all objects.
    pub(crate) fn with_graph<T>(
        &self,
        look: impl FnOnce(&Graph, &dyn Fn(&ObjectKey) -> Option<Arc<Object>>) -> T,
    ) -> T {
        let view = self.read();
        look(view.index.graph(), &|key| view.cache.get(key).cloned())
    }

    /// Looks at the index, with all that `is_ready` asks for; `prepare` makes what is missing.
    pub(crate) fn with_index<T>(
        &self,
        is_ready: impl FnOnce(&Index) -> bool,
        prepare: impl FnOnce(&mut Index),
        look: impl FnOnce(&Index) -> T,
    ) -> T {
        let view = self.read();
        if is_ready(&view.index) {
            return look(&view.index);
        }
        drop(view);
        let mut view = self.write();
        prepare(&mut view.index);
        look(&view.index)
    }

    /// Returns the objects that a query asks for.
    ///
    /// # Errors
    /// When the query does not fit the models.
    pub(crate) fn query(&self, query: &Query) -> Result<Vec<Arc<Object>>, QueryError> {
        self.with_index(|index| index.is_ready(query), |index| index.prepare(query), |index| index.query(query))
    }

    /// Returns where a link to a class leads: nowhere yet, to one object, or to several of the same name.
    pub(crate) fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Vec<Arc<Object>> {
        self.read().index.at(class, namespace, reference).into_iter().cloned().collect()
    }

    /// Returns the objects whose links lead to an object by its reverse port of that name.
    pub(crate) fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        self.read().index.linked_back(key, port).into_iter().cloned().collect()
    }
}
