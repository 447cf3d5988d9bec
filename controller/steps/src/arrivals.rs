//! Who waits for an object to come or to change. The engine tells of every object that it sees; those who wait for one
//! are woken. While nobody waits that costs a look at one number.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xos_model::index::{form, value};
use xos_model::xproto::ModelSet;
use xos_model::{Object, QueryError};

use crate::awaited::Awaited;
use crate::store::{Store, StoreError};

/// Wakes somebody who waits. It is called by the engine, and must return at once.
type Waker = Arc<dyn Fn() + Send + Sync>;

/// Who waits for which object. Clones are the same one.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// How many wait.
    count: AtomicUsize,
    index: Mutex<Index>,
}

/// Those who wait, by what an object has in the fields that they named.
#[derive(Default)]
struct Index {
    last: u64,
    models: Arc<ModelSet>,
    waiting: BTreeMap<u64, Waits>,
    by_model: HashMap<String, ByFields>,
}

/// The numbers of those who wait, by the fields that they named.
type ByFields = HashMap<Vec<String>, ByForms>;
/// The same, by the values of these fields.
type ByForms = HashMap<Vec<String>, Vec<u64>>;

struct Waits {
    models: Vec<String>,
    fields: Vec<String>,
    forms: Vec<String>,
    is_woken: Arc<AtomicBool>,
    waker: Waker,
}

/// Somebody waits for an object, until this is dropped.
pub struct Wait {
    arrivals: Arrivals,
    number: u64,
    awaited: Awaited,
    is_woken: Arc<AtomicBool>,
}

impl Arrivals {
    /// Waits for an object to come or to change: then `waker` is called. If there is such an object, the wait is
    /// [over](Wait::is_woken) at once, as it may just have come.
    ///
    /// # Errors
    /// When there is no such model or field.
    pub fn wait(
        &self,
        awaited: &Awaited,
        store: &dyn Store,
        waker: impl Fn() + Send + Sync + 'static,
    ) -> Result<Wait, StoreError> {
        let models = store.models();
        let query = awaited.query(&models)?;
        let (fields, values): (Vec<_>, Vec<_>) = awaited.fields(&models)?.into_iter().unzip();
        let is_woken = Arc::new(AtomicBool::new(false));
        let heirs = models.concrete().filter(|model| model.is_a(awaited.class())).map(|model| model.name.clone());
        let waits = Waits {
            models: heirs.collect(),
            fields,
            forms: values.iter().map(form).collect(),
            is_woken: Arc::clone(&is_woken),
            waker: Arc::new(waker),
        };
        if waits.models.is_empty() {
            return Err(QueryError::UnknownModel(awaited.class().to_owned()).into());
        }
        let number = self.index().add(waits, models);
        self.0.count.fetch_add(1, Ordering::SeqCst);
        let wait = Wait { arrivals: self.clone(), number, awaited: awaited.clone(), is_woken };
        // What comes from now on wakes it. What came just before is found here.
        if !store.query(&query)?.is_empty() {
            wait.is_woken.store(true, Ordering::SeqCst);
        }
        Ok(wait)
    }

    /// Takes in that an object has come or changed.
    pub fn saw(&self, object: &Object) {
        if self.0.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let wakers = self.index().wakers(object);
        for waker in wakers {
            waker();
        }
    }

    /// Returns how many wait.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::SeqCst)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn add(&mut self, waits: Waits, models: Arc<ModelSet>) -> u64 {
        self.last += 1;
        self.models = models;
        for model in &waits.models {
            let fields = self.by_model.entry(model.clone()).or_default().entry(waits.fields.clone()).or_default();
            fields.entry(waits.forms.clone()).or_default().push(self.last);
        }
        self.waiting.insert(self.last, waits);
        self.last
    }

    fn remove(&mut self, number: u64) {
        let Some(waits) = self.waiting.remove(&number) else { return };
        for model in &waits.models {
            let Some(by_fields) = self.by_model.get_mut(model) else { continue };
            let Some(by_forms) = by_fields.get_mut(&waits.fields) else { continue };
            let Some(numbers) = by_forms.get_mut(&waits.forms) else { continue };
            numbers.retain(|one| *one != number);
            if numbers.is_empty() {
                by_forms.remove(&waits.forms);
            }
            if by_forms.is_empty() {
                by_fields.remove(&waits.fields);
            }
            if by_fields.is_empty() {
                self.by_model.remove(model);
            }
        }
    }

    /// Returns what wakes those who wait for an object.
    fn wakers(&self, object: &Object) -> Vec<Waker> {
        let (Some(by_fields), Some(model)) = (self.by_model.get(&*object.model), self.models.get(&object.model)) else {
            return vec![];
        };
        let forms = |fields: &Vec<String>| -> Vec<String> {
            fields.iter().map(|field| form(&value(model, object, field))).collect()
        };
        let numbers = by_fields.iter().filter_map(|(fields, by_forms)| by_forms.get(&forms(fields))).flatten();
        let waits = numbers.filter_map(|number| self.waiting.get(number));
        waits
            .map(|waits| {
                waits.is_woken.store(true, Ordering::SeqCst);
                Arc::clone(&waits.waker)
            })
            .collect()
    }
}

impl Wait {
    /// Whether the object has come or changed since.
    pub fn is_woken(&self) -> bool {
        self.is_woken.load(Ordering::SeqCst)
    }

    /// Begins to look out anew, before the step is called again: what comes or changes from now on counts.
    pub fn rearm(&self) {
        self.is_woken.store(false, Ordering::SeqCst);
    }

    /// Whether it is for this object.
    pub fn is_for(&self, awaited: &Awaited) -> bool {
        self.awaited == *awaited
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.arrivals.index().remove(self.number);
        self.arrivals.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("number", &self.number).field("is_woken", &self.is_woken()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("count", &self.count()).finish_non_exhaustive()
    }
}
