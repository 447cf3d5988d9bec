//! What the engine keeps of each object beside its state: one record for each, and the objects that others keep from
//! being accepted.
//!
//! Pure: no IO, no clock.

mod tracked;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};
use xos_model::accept::Refusal;
use xos_model::condition::{ConditionStatus, READY, find};
use xos_model::dirty::is_in_doubt;
use xos_model::record::is_recorded;
use xos_model::{Object, ObjectKey, Pass, SpecHash};

use crate::view::Origin;
use tracked::UidHash;
pub(crate) use tracked::{Doubt, Tracked, Waiting};

/// What has to change before an object that is not accepted is judged again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Reason {
    Object(ObjectKey),
    /// Any object of a class in a namespace.
    Class(String, Arc<str>),
}

/// Returns whether an object says that it is Ready at its present generation.
fn is_ready(object: &Object) -> bool {
    find(&object.status.conditions, READY).is_some_and(|ready| {
        ready.status == ConditionStatus::True && ready.observed_generation == Some(object.meta.generation)
    })
}

/// Returns the first moment that no attempt in an object's history ended at or after.
fn after_history(object: &Object) -> Timestamp {
    let last = object.status.history.iter().map(|line| line.at).max();
    last.map_or(Timestamp::MIN, |at| at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(at))
}

/// What is known of an object that has no record.
static UNTRACKED: LazyLock<Tracked> = LazyLock::new(Tracked::default);

/// The records of all known objects. Every operation costs what the objects that it touches cost.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    records: HashMap<ObjectKey, Tracked>,
    /// Objects that were edited while a worker has them, as the worker has them.
    outdated: HashMap<ObjectKey, Arc<Object>>,
    /// Which objects are to be judged again when something changes.
    refused: HashMap<Reason, BTreeSet<ObjectKey>>,
    /// How many objects of each model wait for others.
    waiting: BTreeMap<Arc<str>, usize>,
    /// Whether these numbers were read since they changed.
    is_waiting_read: bool,
}

impl Objects {
    /// Begins the record of an object, unless there is one. Returns whether there was none.
    ///
    /// What a watch lists, and what was read, may have been in the hands of an earlier controller. What came under our
    /// eyes was not.
    pub(crate) fn track(&mut self, key: &ObjectKey, object: &Object, origin: Origin, synchronizer: &str) -> bool {
        if self.records.get(key).is_some_and(|tracked| tracked.uid == UidHash::of(&object.meta.uid)) {
            return false;
        }
        let is_new = matches!(origin, Origin::Watched | Origin::Created) && object.status.synchronizers.is_empty()
            // A restored object has an entry in the backend.
            && object.text("backend_handle").is_none();
        let mut tracked = Tracked { uid: UidHash::of(&object.meta.uid), never_attempted: is_new, ..Tracked::default() };
        if !matches!(origin, Origin::Watched | Origin::Created) {
            tracked.was_there = true;
            let passes = [Pass::Policy, Pass::Sync].into_iter();
            passes.filter(|pass| is_in_doubt(object, synchronizer, *pass)).for_each(|pass| tracked.doubt.add(pass));
        }
        self.forget(key);
        self.records.insert(key.clone(), tracked);
        true
    }

    /// Removes the record of an object.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.accept(key);
        let forgotten = self.records.remove(key);
        if forgotten.is_some_and(|tracked| tracked.waiting().is_some()) {
            self.count_waiting(&key.model, true, false);
        }
    }

    /// Returns the record of an object; an empty one if there is none of this uid.
    pub(crate) fn get(&self, key: &ObjectKey, uid: &str) -> &Tracked {
        self.records.get(key).filter(|tracked| tracked.uid == UidHash::of(uid)).unwrap_or(&UNTRACKED)
    }

    /// Returns the record of an object, to be changed; none if there is none of this uid.
    pub(crate) fn same_mut(&mut self, key: &ObjectKey, uid: &str) -> Option<&mut Tracked> {
        self.records.get_mut(key).filter(|tracked| tracked.uid == UidHash::of(uid))
    }

    /// Returns the record of the object that has this name now, to be changed.
    pub(crate) fn get_mut(&mut self, key: &ObjectKey) -> Option<&mut Tracked> {
        self.records.get_mut(key)
    }

    /// Notes since when an object waits for others, or that it does not.
    pub(crate) fn set_waiting(&mut self, key: &ObjectKey, uid: &str, waiting: Option<Waiting>) {
        let Some(tracked) = self.same_mut(key, uid) else { return };
        let before = tracked.waiting().is_some();
        tracked.set_waiting(waiting);
        self.count_waiting(&key.model, before, waiting.is_some());
    }

    fn count_waiting(&mut self, model: &Arc<str>, before: bool, now: bool) {
        if before == now {
            return;
        }
        let count = self.waiting.entry(Arc::clone(model)).or_default();
        *count = if now { *count + 1 } else { count.saturating_sub(1) };
        self.is_waiting_read = false;
    }

    /// Returns how many objects of each model wait for others, if that has changed since it was last asked.
    pub(crate) fn news_of_waiting(&mut self) -> Option<&BTreeMap<Arc<str>, usize>> {
        let is_read = std::mem::replace(&mut self.is_waiting_read, true);
        (!is_read).then_some(&self.waiting)
    }

    /// Takes in a change. Returns since when the object was to be Ready, if it now is: since the first change.
    pub(crate) fn ready_since(
        &mut self,
        key: &ObjectKey,
        object: &Object,
        is_somebodys: bool,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let tracked = self.same_mut(key, &object.meta.uid)?;
        let known = tracked.delays.as_ref().and_then(|delays| delays.changed_at);
        let since = known.or_else(|| is_somebodys.then_some(now));
        let is_over = since.is_some() && (is_ready(object) || object.meta.deleting.is_some());
        let left = since.filter(|_| !is_over);
        if left != known {
            tracked.delay(|delays| delays.changed_at = left);
        }
        since.filter(|_| is_over && object.meta.deleting.is_none())
    }

    /// Notes that a worker attempts a pass with a spec: from now on it is in doubt, until the attempt is recorded. No
    /// spec: it is undone.
    pub(crate) fn begin_attempt(
        &mut self,
        key: &ObjectKey,
        object: &Object,
        (pass, spec): (Pass, Option<&SpecHash>),
        now: Timestamp,
    ) {
        if let Some(tracked) = self.same_mut(key, &object.meta.uid) {
            tracked.begun = spec.copied().or(tracked.begun.take());
            // The step goes on after policies whose record waits for its own.
            let goes_on = tracked.is_attempted();
            tracked.delay(|delays| {
                let since = delays.attempted_since.filter(|_| goes_on);
                delays.attempted_since = since.or_else(|| Some(after_history(object).max(now)));
            });
            tracked.doubt.add(pass);
            tracked.attempting.add(pass);
        }
    }

    /// Notes that the worker which had this object has ended, and whether what it attempted is recorded in status.
    pub(crate) fn end_attempt(&mut self, key: &ObjectKey, uid: &str, is_recorded: bool) {
        if let Some(tracked) = self.same_mut(key, uid) {
            let attempted = std::mem::take(&mut tracked.attempting);
            if is_recorded {
                tracked.recorded(attempted);
            }
        }
    }

    /// Takes notice of what an object's status says of an attempt whose record was thought not to be written: the
    /// answer to that write was lost, or its worker was dropped while it waited for it.
    pub(crate) fn notice_record(&mut self, key: &ObjectKey, object: &Object, synchronizer: &str) {
        let Some(tracked) = self.same_mut(key, &object.meta.uid).filter(|tracked| !tracked.is_attempted()) else {
            return;
        };
        let Some(since) = tracked.delays.as_ref().and_then(|delays| delays.attempted_since) else { return };
        let mut recorded = Doubt::default();
        let passes = [Pass::Policy, Pass::Sync].into_iter().filter(|pass| tracked.doubt.has(*pass));
        passes.filter(|pass| is_recorded(object, synchronizer, *pass, since)).for_each(|pass| recorded.add(pass));
        if recorded != Doubt::default() {
            tracked.recorded(recorded);
        }
    }

    /// Notes that an object was edited while a worker has it as it was before.
    pub(crate) fn edited_in_work(&mut self, key: &ObjectKey, before: &Arc<Object>) {
        self.outdated.entry(key.clone()).or_insert_with(|| Arc::clone(before));
    }

    /// Notes that no worker has an object any more. Returns whether it was edited meanwhile.
    pub(crate) fn out_of_work(&mut self, key: &ObjectKey) -> bool {
        self.outdated.remove(key).is_some()
    }

    /// Returns the objects that were edited while a worker has them, as the worker has them.
    pub(crate) fn outdated(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.outdated.values()
    }

    /// Counts a write of an object that the API server did not take. Returns how many there were in a row.
    pub(crate) fn count_failed_write(&mut self, key: &ObjectKey, uid: &str) -> u32 {
        match self.same_mut(key, uid) {
            Some(tracked) => tracked.delay(|delays| {
                delays.failed_writes = delays.failed_writes.saturating_add(1);
                delays.failed_writes
            }),
            None => 1,
        }
    }

    /// Notes that the API server takes the writes of an object again.
    pub(crate) fn clear_failed_writes(&mut self, key: &ObjectKey, uid: &str) {
        if let Some(tracked) = self.same_mut(key, uid).filter(|tracked| tracked.delays.is_some()) {
            tracked.delay(|delays| delays.failed_writes = 0);
        }
    }

    /// Notes that an object is not accepted, and why.
    pub(crate) fn refuse(&mut self, key: &ObjectKey, refusal: &Refusal) {
        self.accept(key);
        let Some(tracked) = self.records.get_mut(key) else { return };
        let objects = refusal.because_of.iter().cloned().map(Reason::Object);
        let class = |class: &String| Reason::Class(class.clone(), Arc::clone(&key.namespace));
        let reasons: Vec<_> = objects.chain(refusal.because_of_classes.iter().map(class)).collect();
        for reason in &reasons {
            self.refused.entry(reason.clone()).or_default().insert(key.clone());
        }
        tracked.delay(|delays| delays.refused_for = reasons);
    }

    /// Notes that an object is accepted, or is to be judged again.
    pub(crate) fn accept(&mut self, key: &ObjectKey) {
        if self.refused.is_empty() {
            return;
        }
        let delayed = self.records.get_mut(key).filter(|tracked| tracked.delays.is_some());
        let reasons = delayed.map(|tracked| tracked.delay(|delays| std::mem::take(&mut delays.refused_for)));
        for reason in reasons.into_iter().flatten() {
            if let Some(keys) = self.refused.get_mut(&reason) {
                keys.remove(key);
                if keys.is_empty() {
                    self.refused.remove(&reason);
                }
            }
        }
    }

    /// Returns the objects that may be accepted now, as an object of these classes changed, came or went.
    pub(crate) fn refused_for<'a>(&self, key: &ObjectKey, classes: impl Iterator<Item = &'a String>) -> Vec<ObjectKey> {
        if self.refused.is_empty() {
            return vec![];
        }
        let classes = classes.map(|class| Reason::Class(class.clone(), Arc::clone(&key.namespace)));
        let reasons = classes.chain([Reason::Object(key.clone())]);
        let all = reasons.filter_map(|reason| self.refused.get(&reason)).flatten();
        all.filter(|refused| *refused != key).cloned().collect()
    }
}

#[cfg(test)]
mod tests;
