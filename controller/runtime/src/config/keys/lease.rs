//! The keys of `lease`: how processes of one name elect their leader.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xos_engine::leader::Times;

use super::values;

/// `lease`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct LeaseKeys {
    /// How long a leader leads after it has renewed the Lease; so long another one waits for one that was killed.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(in crate::config) duration: Duration,
    /// How long a leader that cannot renew it goes on to begin something. Shorter than `duration`.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(in crate::config) renew_deadline: Duration,
    /// How often the leader renews it. Shorter than `renew_deadline`.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(in crate::config) retry_period: Duration,
    /// The namespace of the Lease. Default: that of the pod; outside of a pod that of the kubeconfig.
    pub(in crate::config) namespace: Option<String>,
    /// The name of the Lease. Default: `leader-xos-` and the name of the synchronizer.
    pub(in crate::config) name: Option<String>,
}

impl Default for LeaseKeys {
    /// Returns the defaults of the engine.
    fn default() -> Self {
        let Times { duration, renew_deadline, retry_period } = Times::default();
        Self { duration, renew_deadline, retry_period, namespace: None, name: None }
    }
}

impl LeaseKeys {
    /// Returns the times of the election.
    pub(in crate::config) fn times(&self) -> Times {
        let Self { duration, renew_deadline, retry_period, .. } = *self;
        Times { duration, renew_deadline, retry_period }
    }
}
