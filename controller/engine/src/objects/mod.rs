//! What the engine keeps of each object beside its state: one record for each, and the objects that others keep from
//! being accepted.
//!
//! Pure: no IO, no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use xos_model::accept::Refusal;
use xos_model::condition::{ConditionStatus, READY, find};
use xos_model::dirty::is_in_doubt;
use xos_model::{Object, ObjectKey, Operation, Pass, SpecHash};

use crate::view::Origin;

/// The passes of an object that may have been attempted without a record of it: by a controller that ended in between,
/// or with a status write that did not succeed.
///
/// An object whose spec is changed and changed back looks as if nothing had happened, while its step may have run on
/// what was there in between. So a pass is trusted to be where status says only if no attempt can have followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// The policies.
    pub(crate) policy: bool,
    /// The sync step.
    pub(crate) sync: bool,
}

impl Doubt {
    fn add(&mut self, pass: Pass) {
        match pass {
            Pass::Policy => self.policy = true,
            Pass::Sync | Pass::Pull | Pass::Event => self.sync = true,
        }
    }

    fn without(self, other: Self) -> Self {
        Self { policy: self.policy && !other.policy, sync: self.sync && !other.sync }
    }
}

/// Since when an object waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) since: Timestamp,
    /// Whether it is being deleted, and waits for those that go before it.
    pub(crate) is_deleting: bool,
}

/// What the engine keeps of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracked {
    /// The object that all of this is about: another one of the same name has nothing of it.
    uid: UidHash,
    /// Passes that may have been attempted without a record of it.
    pub(crate) doubt: Doubt,
    /// Passes that the worker which has the object attempts.
    attempting: Doubt,
    /// The spec with which it was last given to a step or policies, until status says so.
    begun: Option<SpecHash>,
    /// Whether it was created under our eyes and no step was started for it: there is nothing to undo on deletion.
    pub(crate) never_attempted: bool,
    /// Whether it was there before the controller: listed at its start, or read.
    pub(crate) was_there: bool,
    /// When a clean object is looked after again.
    pub(crate) resync_at: Option<Timestamp>,
    /// Whether it was seen to be deleted without those that lead to it.
    pub(crate) leaves_others: bool,
    /// Whether its step is to run, clean or not: something has changed that it needs.
    pub(crate) is_to_run: bool,
    /// Whether its status is to say that the target of its step is away.
    pub(crate) is_to_be_told: bool,
    /// What most objects have nothing of.
    delays: Option<Box<Delays>>,
}

/// What an object waits for. Few objects do at a time, so it is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Delays {
    /// Writes in a row that the API server did not take.
    failed_writes: u32,
    /// What was deferred, and until when: nobody has changed the object since then.
    put_off: Vec<(Operation, Timestamp)>,
    /// When a write that the API server did not take is tried again: nobody has changed the object since then.
    write_again_at: Option<Timestamp>,
    /// Since when it waits for others.
    waiting: Option<Waiting>,
    /// Why it is not accepted.
    refused_for: Vec<Reason>,
    /// When somebody changed it, if it has not been Ready since then.
    changed_at: Option<Timestamp>,
}

/// The hash of a uid, which takes a tenth of the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct UidHash(u64);

impl UidHash {
    fn of(uid: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        uid.hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl Tracked {
    /// Returns whether the worker that has the object attempts a pass.
    pub(crate) fn is_attempted(&self) -> bool {
        self.attempting != Doubt::default()
    }

    /// Returns whether the object, as it is, was given to a step or policies, though its status does not say so yet.
    pub(crate) fn has_begun(&self, object: &Object) -> bool {
        self.begun.as_ref() == Some(&object.intent.spec)
    }

    /// Returns a record with these facts and nothing else.
    #[cfg(test)]
    pub(crate) fn known(was_there: bool, resync_at: Option<Timestamp>) -> Self {
        Self { was_there, resync_at, ..Self::default() }
    }

    /// Changes what the object waits for; nothing is kept of one that waits for nothing.
    fn delay<T>(&mut self, change: impl FnOnce(&mut Delays) -> T) -> T {
        let mut delays = self.delays.take().unwrap_or_default();
        let result = change(&mut delays);
        self.delays = Some(delays).filter(|delays| **delays != Delays::default());
        result
    }

    /// Notes that an operation was deferred, and until when.
    pub(crate) fn put_off(&mut self, operation: Operation, until: Timestamp) {
        self.delay(|delays| {
            delays.put_off.retain(|(other, _)| !is_same(*other, operation));
            delays.put_off.push((operation, until));
        });
    }

    /// Notes that somebody has changed the object: what was deferred is tried again.
    pub(crate) fn take_up(&mut self) {
        if self.delays.is_some() {
            self.delay(|delays| {
                delays.put_off.clear();
                delays.write_again_at = None;
            });
        }
    }

    /// Notes when a write that the API server did not take is tried again.
    pub(crate) fn write_again_at(&mut self, at: Timestamp) {
        self.delay(|delays| delays.write_again_at = Some(at));
    }

    /// Returns until when nothing is tried, as the API server has not taken a write.
    pub(crate) fn unwritable_until(&self) -> Option<Timestamp> {
        self.delays.as_ref()?.write_again_at
    }

    /// Returns until when an operation is deferred.
    pub(crate) fn put_off_until(&self, operation: Operation) -> Option<Timestamp> {
        let put_off = &self.delays.as_ref()?.put_off;
        put_off.iter().find(|(other, _)| is_same(*other, operation)).map(|(_, until)| *until)
    }

    /// Returns since when the object waits for others, if it does.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        self.delays.as_ref()?.waiting
    }

    /// Notes since when the object waits for others, or that it does not.
    fn set_waiting(&mut self, waiting: Option<Waiting>) {
        if waiting != self.waiting() {
            self.delay(|delays| delays.waiting = waiting);
        }
    }
}

/// Returns whether two operations are of one pass: policies that create may update when they run again.
fn is_same(one: Operation, other: Operation) -> bool {
    (one.pass(), one.is_delete()) == (other.pass(), other.is_delete())
}

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
    pub(crate) fn begin_attempt(&mut self, key: &ObjectKey, uid: &str, pass: Pass, spec: Option<&SpecHash>) {
        if let Some(tracked) = self.same_mut(key, uid) {
            tracked.begun = spec.copied().or(tracked.begun.take());
            tracked.doubt.add(pass);
            tracked.attempting.add(pass);
        }
    }

    /// Notes that the worker which had this object has ended, and whether what it attempted is recorded in status.
    pub(crate) fn end_attempt(&mut self, key: &ObjectKey, uid: &str, is_recorded: bool) {
        if let Some(tracked) = self.same_mut(key, uid) {
            let attempted = std::mem::take(&mut tracked.attempting);
            if is_recorded {
                tracked.begun = None;
                tracked.doubt = tracked.doubt.without(attempted);
            }
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
