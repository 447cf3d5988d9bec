//! What is to be done with an object: a pure function of its state and the time.

use jiff::Timestamp;
use xos_model::deletion::{Deletion, deletion_due};
use xos_model::dirty::{Due, sync_due};
use xos_model::{Object, Operation};

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing, until it changes.
    Nothing,
    /// Nothing before this time.
    WaitUntil(Timestamp),
    /// Run `sync_record`; first set the finalizer if it is not there.
    Sync {
        /// Whether the finalizer is missing.
        needs_finalizer: bool,
    },
    /// Only let status speak of the present generation.
    Acknowledge,
    /// Run `delete_record`, then take the finalizer away.
    Delete,
}

/// The plan for an object of a model that the synchronizer has a sync step for.
pub fn decide(object: &Object, synchronizer: &str, finalizer: &str, now: Timestamp) -> Plan {
    if object.meta.deleting.is_some() {
        return match deletion_due(object, synchronizer, finalizer, Operation::Delete, now) {
            Deletion::NotHeld => Plan::Nothing,
            Deletion::NotBefore(at) => Plan::WaitUntil(at),
            Deletion::RunStep => Plan::Delete,
        };
    }
    match sync_due(object, synchronizer, now) {
        Due::Clean if object.status.observed_generation != Some(object.meta.generation) => Plan::Acknowledge,
        Due::Clean | Due::Held(_) => Plan::Nothing,
        Due::NotBefore(at) => Plan::WaitUntil(at),
        Due::Now => Plan::Sync { needs_finalizer: !object.has_finalizer(finalizer) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::object;

    #[test]
    fn plans() {
        let now = Timestamp::from_second(100).unwrap();
        let plan = |o: &Object| decide(o, "me", "f", now);
        let new = object("a");
        assert_eq!(plan(&new), Plan::Sync { needs_finalizer: true });

        let mut held = new.clone();
        held.meta.finalizers = vec!["other".to_owned(), "f".to_owned()];
        assert_eq!(plan(&held), Plan::Sync { needs_finalizer: false });

        let mut done = held.clone();
        done.status.of_mut("me").sync.handled = Some(done.intent.clone());
        assert_eq!(plan(&done), Plan::Acknowledge);
        done.status.observed_generation = Some(done.meta.generation);
        assert_eq!(plan(&done), Plan::Nothing);

        let mut deleted = done.clone();
        deleted.meta.deleting = Some(now);
        assert_eq!(plan(&deleted), Plan::Delete);
        deleted.meta.finalizers = vec!["other".to_owned()];
        assert_eq!(plan(&deleted), Plan::Nothing, "somebody else holds it");

        let mut failed = held.clone();
        let later = Timestamp::from_second(160).unwrap();
        let state = &mut failed.status.of_mut("me").sync;
        (state.attempted, state.next_attempt) = (Some(held.intent.clone()), Some(later));
        assert_eq!(plan(&failed), Plan::WaitUntil(later));
    }
}
