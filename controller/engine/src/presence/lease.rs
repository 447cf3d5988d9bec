//! The Lease on which processes of one name make themselves known.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::Lease;
use serde_json::{Value, json};
use xos_crds::names::MANAGER_PREFIX;
use xos_model::names::SYNCHRONIZER_LABEL;

use super::roll::{Contents, Process, Role};
use crate::installation::object_name;

/// The annotation with the last call.
const CALL: &str = "xos.opencord.org/roll-call";
/// The beginning of the annotation of each process; its id follows.
const PROCESS: &str = "process.xos.opencord.org/";

/// Returns the name of a synchronizer's Leases.
pub(super) fn name(synchronizer: &str) -> String {
    format!("xos-{}", object_name(synchronizer))
}

/// Returns the field manager of a synchronizer's Leases.
pub(super) fn manager(synchronizer: &str) -> String {
    format!("{MANAGER_PREFIX}{synchronizer}/presence").chars().take(128).collect()
}

/// Returns what stands on a Lease. What cannot be read is not there.
pub(super) fn read(lease: &Lease) -> Contents {
    let annotations = lease.metadata.annotations.clone().unwrap_or_default();
    let process = |(name, text): (&String, &String)| -> Option<(String, Process)> {
        Some((name.strip_prefix(PROCESS)?.to_owned(), serde_json::from_str(text).ok()?))
    };
    Contents { call: annotations.get(CALL).cloned(), processes: annotations.iter().filter_map(process).collect() }
}

/// Returns the merge patch for a process to make itself known, with or without a call, and to remove others. With a
/// version it is refused if the Lease is not what was read.
pub(super) fn patch(id: &str, process: &Process, is_call: bool, removed: &[String], version: Option<u64>) -> Value {
    let mut annotations: BTreeMap<String, Value> =
        removed.iter().map(|id| (format!("{PROCESS}{id}"), Value::Null)).collect();
    annotations.insert(format!("{PROCESS}{id}"), json!(json!(process).to_string()));
    if is_call {
        annotations.insert(CALL.to_owned(), json!(process.call));
    }
    let mut patch = json!({"metadata": {"annotations": annotations}});
    if let Some(version) = version {
        patch["metadata"]["resourceVersion"] = json!(version.to_string());
    }
    if process.role == Role::Works {
        patch["spec"] = json!({"holderIdentity": process.host});
    }
    patch
}

/// Returns the merge patch with which a process leaves.
pub(super) fn farewell(id: &str) -> Value {
    json!({"metadata": {"annotations": {format!("{PROCESS}{id}"): null}}})
}

/// Returns a new Lease, with what a patch would bring.
pub(super) fn new(synchronizer: &str, patch: &Value) -> Result<Lease, serde_json::Error> {
    let mut lease = patch.clone();
    lease["metadata"]["name"] = json!(name(synchronizer));
    lease["metadata"]["labels"] = json!({SYNCHRONIZER_LABEL: synchronizer});
    if let Some(metadata) = lease["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    if let Some(annotations) = lease["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|_, value| !value.is_null());
    }
    serde_json::from_value(lease)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let process = Process { call: "c1".to_owned(), ..Process::new("pod-1", 7, Timestamp::UNIX_EPOCH, Role::Works) };
        let patch = patch("me", &process, true, &["dead".to_owned()], None);
        assert!(patch["metadata"]["annotations"]["process.xos.opencord.org/dead"].is_null());
        let lease = new("volt", &patch).unwrap();
        assert_eq!(lease.metadata.name.as_deref(), Some("xos-volt"));
        let contents = read(&lease);
        assert_eq!(contents.call.as_deref(), Some("c1"));
        assert_eq!(contents.processes.into_iter().collect::<Vec<_>>(), [("me".to_owned(), process)]);
    }

    #[test]
    fn a_process_of_an_earlier_version_works() {
        let text = r#"{"call": "c1", "host": "pod-1", "pid": 7, "since": "2026-11-27T09:45:00Z"}"#;
        let process: Process = serde_json::from_str(text).unwrap();
        assert_eq!((process.role, process.place), (Role::Works, None));
    }
}
