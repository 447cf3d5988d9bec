//! The properties of objects: computed again when what they depend on changes, on a thread of its own.
//!
//! [`Readers`] (pure) remembers what the properties of each object have read. One batch of objects is computed at a time,
//! beside the loop. What changes meanwhile is remembered: an object that has read some of that is computed again.

mod known;
mod readers;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::task::JoinSet;
use xos_expressions::{Aspect, Properties, Reads};
use xos_model::record::{Computed, set_properties};
use xos_model::{Object, ObjectKey, Timestamp, message};

use crate::registry::Registry;
use crate::view::SharedView;

pub(crate) use known::Knowledge;
use known::Known;
use readers::Readers;
pub(crate) use view::ViewObjects;

/// How many objects are computed before the loop hears of it: to take them in takes time, too.
const BATCH: usize = 64;

/// What the properties of an object come to.
pub(crate) struct Outcome {
    key: ObjectKey,
    known: Known,
    reads: Reads,
}

/// The properties of all objects.
#[derive(Default)]
pub(crate) struct Computing {
    readers: Readers,
    batch: JoinSet<Vec<Outcome>>,
    known: Knowledge,
    /// What status is to say of objects, as far as it may say something else.
    behind: HashMap<ObjectKey, Arc<Known>>,
    /// The objects of which a worker writes the properties, and nothing else.
    writing: HashSet<ObjectKey>,
}

impl Computing {
    /// Returns one that computes nothing yet, and shares what it will know.
    pub(crate) fn sharing(known: &Knowledge) -> Self {
        known.clear();
        Self { known: known.clone(), ..Self::default() }
    }

    /// Notes that an object is to be computed.
    pub(crate) fn mark(&mut self, key: &ObjectKey) {
        self.readers.mark(key);
    }

    /// Takes in what has changed.
    pub(crate) fn changed(&mut self, changes: &[(ObjectKey, Aspect)]) {
        self.readers.changed(changes);
    }

    /// Returns whether anything depends on what changes.
    pub(crate) fn is_watching(&self) -> bool {
        self.readers.is_watching()
    }

    /// Forgets an object that is gone.
    pub(crate) fn gone(&mut self, key: &ObjectKey) {
        self.readers.gone(key);
        self.known.forget(key);
        self.behind.remove(key);
    }

    /// Returns whether there is nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.batch.is_empty() && !self.readers.has_work()
    }

    /// Computes some of the objects that are to be computed, unless some are being computed.
    pub(crate) fn start(&mut self, registry: &Arc<Registry>, view: &SharedView) {
        if !self.batch.is_empty() || !self.readers.has_work() {
            return;
        }
        let keys = self.readers.take(BATCH);
        let objects = Arc::new(ViewObjects::of(view.clone(), Arc::clone(registry)));
        let (properties, view) = (Arc::clone(&registry.properties), view.clone());
        let one = move |key: ObjectKey| {
            let object = view.get(&key).filter(|object| object.meta.deleting.is_none())?;
            let evaluated = properties.evaluate(&object, Arc::clone(&objects) as _);
            let computed = Computed { values: evaluated.values, faults: told(&evaluated.faults) };
            let known = Known::new(&key, &object, computed, &evaluated.reads);
            Some(Outcome { key, known, reads: evaluated.reads })
        };
        self.batch.spawn_blocking(move || keys.into_iter().filter_map(one).collect());
    }

    /// Waits for the end of a batch; none if there is none.
    pub(crate) async fn join_next(&mut self) -> Option<Vec<Outcome>> {
        loop {
            match self.batch.join_next().await? {
                Ok(outcomes) => return Some(outcomes),
                Err(error) => {
                    tracing::error!(%error, "properties panicked, which is a defect of the controller: please report this");
                    self.readers.ended();
                }
            }
        }
    }

    /// Takes in what a batch has computed. Returns the objects whose status may say something else.
    pub(crate) fn ended(
        &mut self,
        outcomes: Vec<Outcome>,
        get: impl Fn(&ObjectKey) -> Option<Arc<Object>>,
    ) -> Vec<ObjectKey> {
        let meanwhile = self.readers.ended();
        let mut behind = vec![];
        for Outcome { key, known, reads } in outcomes {
            let Some(object) = get(&key).filter(|object| object.meta.uid == known.uid) else { continue };
            self.readers.set(&key, &reads, &meanwhile);
            let known = Arc::new(known);
            self.known.set(&key, Arc::clone(&known));
            if differs(&object, known.computed()) {
                self.behind.insert(key.clone(), known);
                behind.push(key);
            } else {
                self.behind.remove(&key);
            }
        }
        behind
    }

    /// Returns whether status says something else of an object than its properties come to.
    pub(crate) fn is_behind(&mut self, key: &ObjectKey, object: &Object) -> bool {
        let is_behind =
            self.behind.get(key).is_some_and(|known| known.uid == object.meta.uid && differs(object, known.computed()));
        if !is_behind {
            self.behind.remove(key);
        }
        is_behind
    }

    /// Notes that an object has values of properties that its model no longer has.
    pub(crate) fn outdated(&mut self, key: &ObjectKey, object: &Object) {
        let known = Known::new(key, object, Computed::default(), &Reads::default());
        self.behind.insert(key.clone(), Arc::new(known));
    }

    /// Notes that a worker writes the properties of an object, as they are then.
    pub(crate) fn begin_to_write(&mut self, key: &ObjectKey) {
        self.writing.insert(key.clone());
    }

    /// Notes that a worker has ended, and whether it has written what there was to write. If not, that is still to be done.
    pub(crate) fn end_to_write(&mut self, key: &ObjectKey, is_written: bool) {
        if self.writing.remove(key) && is_written {
            self.behind.remove(key);
        }
    }
}

/// Returns whether what the properties of an object come to is not what its status says. Who says it is asked by those who
/// write it.
fn differs(object: &Object, computed: &Computed) -> bool {
    let mut new = Object { status: object.status.clone(), ..Object::with_meta(&object.model, object.meta.clone()) };
    let of = object.status.properties_of.clone().unwrap_or_default();
    set_properties(&mut new, Some(computed), &of, Timestamp::UNIX_EPOCH);
    (new.status.properties, new.status.conditions)
        != (object.status.properties.clone(), object.status.conditions.clone())
}

/// Returns what the properties of an object come to, as it is with what is not written yet.
pub(crate) fn computed(properties: &Properties, object: &Object, objects: ViewObjects) -> Computed {
    let object = Arc::new(object.clone());
    let objects = Arc::new(objects.with(Arc::clone(&object)));
    let evaluated = properties.evaluate(&object, objects);
    Computed { values: evaluated.values, faults: told(&evaluated.faults) }
}

/// Returns why properties cannot be computed, for people.
fn told(faults: &[(Arc<str>, String)]) -> String {
    let all: Vec<_> = faults.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    message::cut(&all.join("; "))
}
