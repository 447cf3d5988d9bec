//! What a synchronizer has to do with an object, and whether others have to wait for it.

use jiff::Timestamp;
use xos_model::Object;
use xos_model::dirty::{Due, sync_due};

use crate::decide::Duty;
use crate::doubts::Doubt;
use crate::registry::{Entry, Registry};

/// Finalizers of sync steps, whosever.
const SYNC_FINALIZERS: &str = "sync.xos.opencord.org/";

/// What this synchronizer has to do with an object.
pub(crate) fn duty<'a>(registry: &'a Registry, entry: &'a Entry, object: &Object, doubt: Doubt) -> Duty<'a> {
    Duty {
        synchronizer: &registry.synchronizer,
        syncs: entry.is_ours(object),
        has_policies: !entry.policies.is_empty(),
        finalizers: &entry.finalizers,
        doubt,
    }
}

/// Whether those who depend on an object have to wait for it: somebody synchronizes it, and it is not done.
pub(crate) fn is_unsettled(object: &Object, registry: &Registry, now: Timestamp) -> bool {
    let Some(entry) = registry.get(&object.model) else { return false };
    let is_held = object.flag("no_sync") || object.flag("lazy_blocked");
    if object.meta.deleting.is_some() || is_held {
        return false;
    }
    if entry.is_ours(object) {
        return sync_due(object, &registry.synchronizer, now) != Due::Clean;
    }
    let others = || object.status.synchronizers.iter().filter(|own| own.name != registry.synchronizer);
    let is_claimed = registry.is_external(&object.model)
        || others().any(|own| !own.sync.is_untried())
        || object.meta.finalizers.iter().any(|finalizer| finalizer.starts_with(SYNC_FINALIZERS));
    is_claimed && !others().any(|own| sync_due(object, &own.name, now) == Due::Clean)
}
