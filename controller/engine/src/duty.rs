//! What a synchronizer has to do with an object, and whether others have to wait for it.

use std::time::Duration;

use jiff::Timestamp;
use xos_model::Object;
use xos_model::brake::is_deletion_held;
use xos_model::deletion::leaves_others;
use xos_model::dirty::{Due, sync_due};
use xos_model::graph::Standing;
use xos_model::names::{is_sync_finalizer, sync_finalizer};
use xos_model::resync;

use crate::objects::{Doubt, Tracked};
use crate::registry::{Entry, Finalizers, Registry};

/// What a synchronizer has to do with an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duty<'a> {
    /// The synchronizer.
    pub(crate) synchronizer: &'a str,
    /// Whether it has a sync step for the object.
    pub(crate) syncs: bool,
    /// Whether it has a sync step for the model.
    pub(crate) has_step: bool,
    /// Whether it has policies for the model.
    pub(crate) has_policies: bool,
    /// The finalizers with which it holds the object.
    pub(crate) finalizers: &'a Finalizers,
    /// Whether the deletion of the object takes others along.
    pub(crate) takes_along: bool,
    /// How often the step looks after the object while it is clean.
    pub(crate) resync: Option<Duration>,
    /// Which passes may have been attempted without a record of it.
    pub(crate) doubt: Doubt,
    /// Whether no step was ever started for the object: there is nothing to undo in the backend.
    pub(crate) never_attempted: bool,
    /// What is kept of the object: what was deferred, and when it is to be looked after again.
    pub(crate) tracked: &'a Tracked,
    /// The longest delay after a failure or a deferral. A time that is later was written by a clock that was ahead.
    pub(crate) longest_delay: Duration,
}

impl<'a> Duty<'a> {
    /// Returns the duty of a registry's synchronizer for an object, as far as the engine has kept track of it.
    /// `configured` is how often clean objects are looked after, if neither they nor their steps say so.
    pub(crate) fn of(
        registry: &'a Registry,
        entry: &'a Entry,
        object: &Object,
        tracked: &'a Tracked,
        (longest_delay, configured): (Duration, Option<Duration>),
    ) -> Self {
        let syncs = entry.is_ours(object);
        Self {
            synchronizer: &registry.synchronizer,
            syncs,
            has_step: entry.step.is_some(),
            has_policies: !entry.policies.is_empty(),
            finalizers: &entry.finalizers,
            takes_along: entry.takes_along,
            resync: if syncs { resync_period(entry, object, configured) } else { None },
            doubt: tracked.doubt,
            never_attempted: tracked.never_attempted,
            tracked,
            longest_delay,
        }
    }
}

/// Returns how often an object is looked after while it is clean, if it is.
pub(crate) fn resync_period(entry: &Entry, object: &Object, configured: Option<Duration>) -> Option<Duration> {
    let annotation = object.meta.annotations.get(resync::ANNOTATION).map(String::as_str);
    resync::period(annotation, entry.step.as_ref()?.resync(), configured)
}

impl Duty<'_> {
    /// Returns whether an object is being deleted without those that lead to it.
    pub(crate) fn leaves_others(&self, object: &Object) -> bool {
        object.meta.deleting.is_some() && (self.tracked.leaves_others || leaves_others(object, self.synchronizer))
    }
}

/// Returns what an object is for those that depend on it. They wait while somebody synchronizes it and it is not done.
/// If it is being deleted, those with to-one links to it go with it; while it is done, and write-protected or its
/// deletion is held, it stays as it is, and so do they.
pub(crate) fn standing(object: &Object, registry: &Registry) -> Standing {
    let is_undone = is_undone(object, registry);
    let stays = object.flag("write_protect") || is_deletion_held(object);
    match object.meta.deleting {
        Some(_) if is_undone || !stays => Standing::Leaving,
        None if is_undone => Standing::Unsettled,
        _ => Standing::Settled,
    }
}

/// Returns whether somebody synchronizes an object, and it is not done.
fn is_undone(object: &Object, registry: &Registry) -> bool {
    let Some(entry) = registry.get(&object.model) else { return false };
    if object.flag("no_sync") || object.flag("lazy_blocked") {
        return false;
    }
    if entry.is_ours(object) {
        return !is_clean(object, &registry.synchronizer);
    }
    let others = || object.status.synchronizers.iter().filter(|own| own.name != registry.synchronizer);
    let is_claimed = registry.is_external(&object.model)
        || others().any(|own| !own.sync.is_untried())
        || object.meta.finalizers.iter().any(|finalizer| is_others(finalizer, &registry.synchronizer));
    is_claimed && !others().any(|own| is_clean(object, &own.name))
}

/// Returns whether a finalizer is that of another synchronizer's step. Our own is left over if we have no step any more.
fn is_others(finalizer: &str, synchronizer: &str) -> bool {
    is_sync_finalizer(finalizer) && finalizer != sync_finalizer(synchronizer)
}

/// Returns whether the sync pass has handled the present intent. The time decides only when a failed attempt is
/// repeated.
fn is_clean(object: &Object, synchronizer: &str) -> bool {
    sync_due(object, synchronizer, Timestamp::MAX) == Due::Clean
}
