//! Stops the Deployment of a synchronizer.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::UninstallError;

/// How long pods may take to end. One on a node that has died never does.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often they are looked at.
const MOMENT: Duration = Duration::from_millis(500);

/// A Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    namespace: String,
    name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Workload {
    /// Reads `namespace/name`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("it is written as NAMESPACE/NAME".to_owned()),
        }
    }

    fn api(&self, client: &Client) -> Api<Deployment> {
        Api::namespaced(client.clone(), &self.namespace)
    }

    fn failed(&self, source: kube::Error) -> UninstallError {
        UninstallError::Stop { workload: self.to_string(), source: Box::new(source) }
    }

    /// Whether it is there and wants to run.
    pub(super) async fn runs(&self, client: &Client) -> Result<bool, UninstallError> {
        let there = self.api(client).get_opt(&self.name).await.map_err(|error| self.failed(error))?;
        let replicas = there.map(|there| there.spec.replicas.unwrap_or(1));
        Ok(replicas.is_some_and(|replicas| replicas > 0))
    }
}

/// Scales the Deployment to none, and waits until its pods have ended, but not for ever.
pub(super) async fn stop(client: &Client, workload: &Workload, out: &mut dyn Write) -> Result<(), UninstallError> {
    let there = workload.api(client).get_opt(&workload.name).await.map_err(|error| workload.failed(error))?;
    let Some(spec) = there.map(|there| there.spec) else {
        writeln!(out, "Deployment {workload} is not there: nothing to stop")?;
        return Ok(());
    };
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    match workload.api(client).patch_scale(&workload.name, &PatchParams::default(), &none).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        Err(error) => return Err(workload.failed(error)),
    }
    let labels = spec.selector.match_labels.unwrap_or_default();
    let selector: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(client.clone(), &workload.namespace);
    let those = ListParams::default().labels(&selector.join(","));
    let end = Instant::now() + PATIENCE;
    loop {
        let left = pods.list(&those).await.map_err(|error| workload.failed(error))?.items.len();
        if left == 0 {
            writeln!(out, "Deployment {workload} is stopped")?;
            return Ok(());
        }
        if Instant::now() >= end {
            writeln!(out, "{left} pods of Deployment {workload} have not ended after {PATIENCE:?}: going on")?;
            return Ok(());
        }
        sleep(MOMENT).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_has_a_namespace_and_a_name() {
        let workload = Workload::parse("demo/people").unwrap();
        assert_eq!(workload.to_string(), "demo/people");
        for wrong in ["people", "/people", "demo/", "a/b/c"] {
            assert!(Workload::parse(wrong).is_err(), "{wrong}");
        }
    }
}
