//! What of an object is a synchronizer's: pure functions.

use serde::Deserialize as _;
use serde_json::{Value, json};
use xos_model::PassState;
use xos_model::condition::{POLICY_APPLIED, READY, RECONCILING, STALLED, SYNCED};
use xos_model::names::{DOMAIN, TOUCH_ANNOTATION, finalizer_owner};

/// What is a synchronizer's of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Its finalizers.
    pub(super) finalizers: Vec<String>,
    /// Whether status has its bookkeeping, or conditions of it.
    pub(super) status: bool,
    /// Whether the object is being deleted.
    pub(super) deleting: bool,
}

impl Held {
    /// Returns what of the object is the synchronizer's; nothing if nothing is.
    pub(super) fn of(object: &Value, name: &str) -> Option<Self> {
        let finalizers: Vec<_> = texts(&object["metadata"]["finalizers"]).filter(|one| is_its(one, name)).collect();
        let status = own_entry(object, name).is_some() || conditions(object).any(|one| is_qualified(one, name));
        let deleting = object["metadata"]["deletionTimestamp"].is_string();
        let held = Self { finalizers: finalizers.iter().map(|&one| one.to_owned()).collect(), status, deleting };
        (!held.finalizers.is_empty() || status).then_some(held)
    }
}

fn is_its(finalizer: &str, name: &str) -> bool {
    finalizer_owner(finalizer).is_some_and(|(owner, _)| owner == name)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["synchronizers"].as_array().into_iter().flatten()
}

fn own_entry<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    entries(object).find(|entry| entry["name"] == name)
}

/// Whether the synchronizer of an entry writes what the top of status says of a pass.
fn is_owner(entry: &Value, pass: &str) -> bool {
    PassState::deserialize(&entry[pass]).is_ok_and(|state| state.owner)
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

fn is_qualified(condition: &Value, name: &str) -> bool {
    let prefix = format!("{name}.{DOMAIN}/");
    condition["type"].as_str().is_some_and(|kind| kind.starts_with(&prefix))
}

/// Returns the merge patch of status that removes a synchronizer's bookkeeping and conditions, with the version of the
/// object as a precondition; nothing if there is nothing to remove.
///
/// What it wrote at the top of status goes too: else a Ready of somebody who is gone would stay for ever.
pub(super) fn status_patch(object: &Value, name: &str) -> Option<Value> {
    if !Held::of(object, name)?.status {
        return None;
    }
    let owns = |pass: &str| own_entry(object, name).is_some_and(|entry| is_owner(entry, pass));
    let (sync, policy) = (owns("sync"), owns("policy"));
    let is_of_owner = |condition: &Value| match condition["type"].as_str().unwrap_or_default() {
        SYNCED => sync,
        POLICY_APPLIED => policy,
        READY | RECONCILING | STALLED => sync || policy,
        _ => false,
    };
    let kept: Vec<_> = conditions(object).filter(|one| !is_qualified(one, name) && !is_of_owner(one)).collect();
    let others: Vec<_> = entries(object).filter(|entry| entry["name"] != name).collect();
    let version = &object["metadata"]["resourceVersion"];
    Some(json!({"metadata": {"resourceVersion": version}, "status": {"conditions": kept, "synchronizers": others}}))
}

/// Returns the merge patch that removes a synchronizer's finalizers, with the version of the object as a precondition;
/// nothing if it has none. `touch` is the value of a touch that lets the remaining synchronizers run once more.
pub(super) fn finalizers_patch(object: &Value, name: &str, touch: Option<&str>) -> Option<Value> {
    let touch = touch.filter(|_| !object["metadata"]["deletionTimestamp"].is_string());
    if touch.is_none() && !texts(&object["metadata"]["finalizers"]).any(|one| is_its(one, name)) {
        return None;
    }
    let kept: Vec<_> = texts(&object["metadata"]["finalizers"]).filter(|one| !is_its(one, name)).collect();
    let mut metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"], "finalizers": kept});
    if let Some(touch) = touch {
        metadata["annotations"] = json!({TOUCH_ANNOTATION: touch});
    }
    Some(json!({ "metadata": metadata }))
}

/// Whether others have to run once more, so that the top of status is theirs: the synchronizer wrote it, and it is not
/// the only one.
pub(super) fn needs_touch(object: &Value, name: &str) -> bool {
    let owns = |entry: &Value| is_owner(entry, "sync") || is_owner(entry, "policy");
    own_entry(object, name).is_some_and(owns) && entries(object).any(|entry| entry["name"] != name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {
                "resourceVersion": "7",
                "finalizers": ["sync.xos.opencord.org/old", "foregroundDeletion", "sync.xos.opencord.org/older",
                    "policy.xos.opencord.org/old"],
            },
            "status": {
                "conditions": [{"type": "Ready"}, {"type": "Synced"}, {"type": "PolicyApplied"}, {"type": "Accepted"},
                    {"type": "old.xos.opencord.org/Abandoned"}, {"type": "new.xos.opencord.org/Synced"}],
                "synchronizers": [{"name": "old", "sync": "generation=1 owner"}, {"name": "new", "sync": ""}],
                "site": "kept",
            },
        })
    }

    #[test]
    fn what_is_anothers_stays() {
        let object = object();
        let held = Held::of(&object, "old").unwrap();
        assert_eq!(held.finalizers, ["sync.xos.opencord.org/old", "policy.xos.opencord.org/old"]);
        let patch = finalizers_patch(&object, "old", None).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"resourceVersion": "7",
                "finalizers": ["foregroundDeletion", "sync.xos.opencord.org/older"]}})
        );
        let patch = status_patch(&object, "old").unwrap();
        let kinds: Vec<_> = patch["status"]["conditions"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
        assert_eq!(kinds, ["PolicyApplied", "Accepted", "new.xos.opencord.org/Synced"]);
        assert_eq!(patch["status"]["synchronizers"], json!([{"name": "new", "sync": ""}]));
        assert!(needs_touch(&object, "old") && !needs_touch(&object, "new"));
        let touched = finalizers_patch(&object, "old", Some("t")).unwrap();
        assert_eq!(touched["metadata"]["annotations"], json!({"xos.opencord.org/touch": "t"}));
    }

    #[test]
    fn nothing_is_done_twice() {
        let mut object = object();
        for patch in [status_patch(&object, "old").unwrap(), finalizers_patch(&object, "old", None).unwrap()] {
            for (part, key) in [("status", "conditions"), ("status", "synchronizers"), ("metadata", "finalizers")] {
                if let Some(value) = patch[part].get(key) {
                    object[part][key] = value.clone();
                }
            }
        }
        assert_eq!(Held::of(&object, "old"), None);
        assert_eq!((status_patch(&object, "old"), finalizers_patch(&object, "old", None)), (None, None));
        assert!(Held::of(&object, "older").is_some());
    }

    #[test]
    fn a_deleted_object_is_not_touched() {
        let mut object = object();
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let patch = finalizers_patch(&object, "old", Some("t")).unwrap();
        assert!(patch["metadata"].get("annotations").is_none());
    }
}
