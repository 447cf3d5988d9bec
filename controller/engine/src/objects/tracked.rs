//! What the engine keeps of one object.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use xos_model::{Object, Operation, Pass, SpecHash};

use super::Reason;

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
    pub(super) fn add(&mut self, pass: Pass) {
        match pass {
            Pass::Policy => self.policy = true,
            Pass::Sync | Pass::Pull | Pass::Event => self.sync = true,
        }
    }

    pub(super) fn has(self, pass: Pass) -> bool {
        if pass == Pass::Policy { self.policy } else { self.sync }
    }

    pub(super) fn without(self, other: Self) -> Self {
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
    pub(super) uid: UidHash,
    /// Passes that may have been attempted without a record of it.
    pub(crate) doubt: Doubt,
    /// Passes that the worker which has the object attempts.
    pub(super) attempting: Doubt,
    /// The spec with which it was last given to a step or policies, until status says so.
    pub(super) begun: Option<SpecHash>,
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
    pub(super) delays: Option<Box<Delays>>,
}

/// What an object waits for. Few objects do at a time, so it is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Delays {
    /// Writes in a row that the API server did not take.
    pub(super) failed_writes: u32,
    /// What was deferred, and until when: nobody has changed the object since then.
    pub(super) put_off: Vec<(Operation, Timestamp)>,
    /// When a write that the API server did not take is tried again: nobody has changed the object since then.
    pub(super) write_again_at: Option<Timestamp>,
    /// Since when it waits for others.
    pub(super) waiting: Option<Waiting>,
    /// Why it is not accepted.
    pub(super) refused_for: Vec<Reason>,
    /// When somebody changed it, if it has not been Ready since then.
    pub(super) changed_at: Option<Timestamp>,
    /// Since when passes are attempted of which no record is known.
    pub(super) attempted_since: Option<Timestamp>,
}

/// The hash of a uid, which takes a tenth of the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UidHash(u64);

impl UidHash {
    pub(super) fn of(uid: &str) -> Self {
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
    pub(super) fn delay<T>(&mut self, change: impl FnOnce(&mut Delays) -> T) -> T {
        let mut delays = self.delays.take().unwrap_or_default();
        let result = change(&mut delays);
        self.delays = Some(delays).filter(|delays| **delays != Delays::default());
        result
    }

    /// Notes that status says what has become of these passes.
    pub(super) fn recorded(&mut self, passes: Doubt) {
        self.doubt = self.doubt.without(passes);
        self.begun = self.begun.filter(|_| self.doubt != Doubt::default());
        if self.delays.is_some() && self.doubt == Doubt::default() {
            self.delay(|delays| delays.attempted_since = None);
        }
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
    pub(super) fn set_waiting(&mut self, waiting: Option<Waiting>) {
        if waiting != self.waiting() {
            self.delay(|delays| delays.waiting = waiting);
        }
    }
}

/// Returns whether two operations are of one pass: policies that create may update when they run again.
fn is_same(one: Operation, other: Operation) -> bool {
    (one.pass(), one.is_delete()) == (other.pass(), other.is_delete())
}
