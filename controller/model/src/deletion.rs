//! What a synchronizer has to do with a deleted object.

use jiff::Timestamp;

use crate::dirty::{Due, pass_due};
use crate::object::Object;
use crate::outcome::Operation;

/// What to do with an object that has a deletionTimestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// This synchronizer does not hold the object.
    NotHeld,
    /// The delete step or handlers must run now.
    RunStep,
    /// They failed: not before this time.
    NotBefore(Timestamp),
}

/// The finalizer that the API server sets on an object which is deleted with `--cascade=orphan`. Kubernetes' garbage
/// collector takes it away, often before anybody else has a chance to see it.
const ORPHAN: &str = "orphan";

/// Returns whether an object is being deleted without those that lead to it, as far as it shows: by the finalizer, or by
/// what a synchronizer has noted when it saw it.
pub fn leaves_others(object: &Object, synchronizer: &str) -> bool {
    object.meta.deleting.is_some()
        && (object.has_finalizer(ORPHAN) || object.status.of(synchronizer).is_some_and(|own| own.leaves_others))
}

/// Decides about `operation`, a delete step or the policies' delete handlers, each with its own finalizer. The object
/// has the finalizer before the first attempt; so where it has it, there was or may have been one (a crash before the
/// status write), and the operation runs, since it is idempotent.
pub fn deletion_due(
    object: &Object,
    synchronizer: &str,
    finalizer: &str,
    operation: Operation,
    now: Timestamp,
) -> Deletion {
    if !object.has_finalizer(finalizer) {
        return Deletion::NotHeld;
    }
    let state = object.status.of(synchronizer).and_then(|own| own.state(operation));
    match state.map(|state| pass_due(object, state, operation.pass(), now)) {
        Some(Due::NotBefore(at)) => Deletion::NotBefore(at),
        _ => Deletion::RunStep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::{Intent, SpecHash};
    use crate::object::Meta;
    use crate::status::{PassState, Status};
    use serde_json::json;

    #[test]
    fn when_the_delete_step_is_due() {
        let now = Timestamp::from_second(100).unwrap();
        let later = Timestamp::from_second(101).unwrap();
        let intent = Intent { spec: SpecHash::of(&json!({})), touch: None, secrets: None };
        let tried = |touch: Option<&str>, next| PassState {
            attempted: Some(Intent { touch: touch.map(str::to_owned), ..intent.clone() }),
            failures: 1,
            next_attempt: next,
            ..PassState::default()
        };
        let table = [
            ("no finalizer", false, None, Deletion::NotHeld),
            ("in doubt it runs", true, None, Deletion::RunStep),
            ("failed, too early", true, Some(tried(None, Some(later))), Deletion::NotBefore(later)),
            ("failed, time is up", true, Some(tried(None, Some(now))), Deletion::RunStep),
            ("touched since", true, Some(tried(Some("other"), Some(later))), Deletion::RunStep),
        ];
        for (what, finalizer, delete, expected) in table {
            let mut status = Status::default();
            status.of_mut("me").delete = delete.map(Box::new);
            let object = Object {
                model: "M".into(),
                meta: Meta { finalizers: if finalizer { vec!["f".to_owned()] } else { vec![] }, ..Meta::default() },
                fields: [].into(),
                intent: intent.clone(),
                unswitched: vec![],
                quiet_saves: vec![],
                status,
            };
            assert_eq!(deletion_due(&object, "me", "f", Operation::Delete, now), expected, "{what}");
        }
    }
}
