//! One evaluation: what it may still read, what it has read, and what it has computed on the way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cel::common::value::Val;
use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::ModelSet;

use crate::objects::Objects;
use crate::reads::{Aspect, Reads};

/// How many properties may be computed inside each other.
const DEEPEST: usize = 64;

/// One evaluation.
pub(crate) struct Run {
    pub(crate) objects: Arc<dyn Objects>,
    /// What it may read: objects, and values of properties.
    most: usize,
    left: AtomicUsize,
    /// What it has read, if anybody wants to know.
    reads: Option<Mutex<Reads>>,
    computed: Mutex<Computed>,
}

/// The values of properties in one evaluation. Objects are told apart by where they are: two states of one object may be
/// seen. So they are kept, too.
#[derive(Default)]
struct Computed {
    values: HashMap<(usize, Arc<str>), (Arc<Object>, State)>,
    depth: usize,
}

/// How far a property is.
#[derive(Clone)]
enum State {
    /// It is being computed.
    Begun,
    /// Its value, or why it has none.
    Done(Result<Arc<dyn Val>, String>),
}

/// What there is to do for a property.
pub(crate) enum Step {
    /// Nothing: it was computed before.
    Done(Result<Arc<dyn Val>, String>),
    /// It has to be computed.
    Compute,
    /// It needs itself.
    Circle,
    /// Too many are inside each other.
    TooDeep,
}

impl Run {
    pub(crate) fn new(objects: Arc<dyn Objects>, most: usize, is_tracked: bool) -> Self {
        let left = AtomicUsize::new(most);
        Self { objects, most, left, reads: is_tracked.then(Mutex::default), computed: Mutex::default() }
    }

    /// Lets as much be read as at the beginning.
    pub(crate) fn refill(&self) {
        self.left.store(self.most, Ordering::Relaxed);
    }

    /// Begins another evaluation with the same variables.
    pub(crate) fn begin(&self) {
        self.refill();
        *self.computed() = Computed::default();
    }

    /// Takes some of what may be read. Returns whether there was enough.
    pub(crate) fn take(&self, some: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(some)).is_ok()
    }

    /// Notes that something of an object is read.
    pub(crate) fn note(&self, object: &Object, aspect: impl FnOnce() -> Aspect) {
        if let Some(reads) = &self.reads {
            reads.lock().unwrap_or_else(PoisonError::into_inner).add(object.key(), aspect());
        }
    }

    /// Returns the objects that a link may mean, and notes that it was followed.
    pub(crate) fn at(&self, models: &ModelSet, class: &str, namespace: &str, to: &Reference) -> Vec<Arc<Object>> {
        if let Some(reads) = &self.reads {
            reads.lock().unwrap_or_else(PoisonError::into_inner).add_link(models, class, namespace, to);
        }
        self.objects.at(class, namespace, to)
    }

    /// Returns the objects that link to one by a reverse port.
    pub(crate) fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        self.objects.linked_back(key, port)
    }

    /// Returns what was read.
    pub(crate) fn take_reads(&self) -> Reads {
        let reads = self.reads.as_ref();
        reads
            .map(|reads| std::mem::take(&mut *reads.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }

    // Nothing that holds the lock can leave half a change behind.
    fn computed(&self) -> MutexGuard<'_, Computed> {
        self.computed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to compute a property of an object, unless that was done before.
    pub(crate) fn begin_property(&self, object: &Arc<Object>, property: &Arc<str>) -> Step {
        let mut computed = self.computed();
        let key = (Arc::as_ptr(object).addr(), Arc::clone(property));
        match computed.values.get(&key) {
            Some((_, State::Done(value))) => return Step::Done(value.clone()),
            Some((_, State::Begun)) => return Step::Circle,
            None => {}
        }
        if computed.depth >= DEEPEST {
            return Step::TooDeep;
        }
        computed.depth += 1;
        computed.values.insert(key, (Arc::clone(object), State::Begun));
        Step::Compute
    }

    /// Ends what [`begin_property`](Self::begin_property) began.
    pub(crate) fn end_property(&self, object: &Arc<Object>, property: &Arc<str>, value: Result<Arc<dyn Val>, String>) {
        let mut computed = self.computed();
        computed.depth = computed.depth.saturating_sub(1);
        let key = (Arc::as_ptr(object).addr(), Arc::clone(property));
        computed.values.insert(key, (Arc::clone(object), State::Done(value)));
    }
}
