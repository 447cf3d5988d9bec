//! The Lease by which processes elect their leader.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt as _;
use serde_json::{Value, json};
use xos_model::names::SYNCHRONIZER_LABEL;

/// What stands on a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Who leads; none after a release.
    pub(super) holder: Option<String>,
    /// How long it leads after a renewal.
    pub(super) duration: Duration,
    /// How often the leader has changed.
    pub(super) transitions: i32,
    /// Since when it leads.
    pub(super) acquired: Option<Timestamp>,
    /// When it was renewed last.
    pub(super) renewed: Option<Timestamp>,
    /// Of the object.
    pub(super) version: String,
}

impl Contents {
    /// Returns whether it shows the same renewal: nothing that the leader writes has changed.
    pub(super) fn is_same_renewal(&self, other: &Self) -> bool {
        (&self.holder, self.renewed, self.acquired) == (&other.holder, other.renewed, other.acquired)
    }

    /// Returns its version as a number; what is none is the newest.
    pub(super) fn number(&self) -> u64 {
        self.version.parse().unwrap_or(u64::MAX)
    }
}

/// Returns what stands on a Lease. What is not there counts as the end of the last leader.
pub(super) fn read(lease: &Lease) -> Contents {
    let spec = lease.spec.clone().unwrap_or_default();
    let time = |time: Option<MicroTime>| time.map(|MicroTime(time)| time);
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Contents {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        duration: Duration::from_secs(seconds.unwrap_or_default()),
        transitions: spec.lease_transitions.unwrap_or_default(),
        acquired: time(spec.acquire_time),
        renewed: time(spec.renew_time),
        version: lease.resource_version().unwrap_or_default(),
    }
}

/// Returns what is to stand on it, as a merge patch. It is refused if the Lease is not what was read.
pub(super) fn patch(wanted: &Contents) -> Value {
    // Whole seconds: the others take it for longer than it is, never for shorter.
    let seconds = wanted.duration.as_secs() + u64::from(wanted.duration.subsec_nanos() > 0);
    json!({
        "metadata": {"resourceVersion": wanted.version},
        "spec": {
            "holderIdentity": wanted.holder.clone().unwrap_or_default(),
            "leaseDurationSeconds": seconds.max(1),
            "leaseTransitions": wanted.transitions,
            "acquireTime": wanted.acquired.map(MicroTime),
            "renewTime": wanted.renewed.map(MicroTime),
        },
    })
}

/// Returns a new Lease.
pub(super) fn new(name: &str, synchronizer: &str, wanted: &Contents) -> Result<Lease, serde_json::Error> {
    let mut lease = patch(wanted);
    lease["metadata"] = json!({"name": name, "labels": {SYNCHRONIZER_LABEL: synchronizer}});
    serde_json::from_value(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let wanted = Contents {
            holder: Some("pod-1_5".to_owned()),
            duration: Duration::from_secs(15),
            transitions: 3,
            acquired: at(10),
            renewed: at(20),
            version: String::new(),
        };
        let lease = new("leader-xos-volt", "volt", &wanted).unwrap();
        assert_eq!(lease.metadata.name.as_deref(), Some("leader-xos-volt"));
        assert_eq!(read(&lease), wanted);
        let released = Contents { holder: None, ..wanted };
        assert_eq!(read(&new("a", "a", &released).unwrap()), released);
    }

    #[test]
    fn a_part_of_a_second_counts_as_a_whole_one() {
        let wanted = Contents { duration: Duration::from_millis(1500), ..Contents::default() };
        assert_eq!(patch(&wanted)["spec"]["leaseDurationSeconds"], 2);
        assert_eq!(patch(&Contents::default())["spec"]["leaseDurationSeconds"], 1, "the API server takes no less");
    }
}
