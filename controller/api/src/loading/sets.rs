//! Sets of models in the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use xos_kinds::{Cleanup, ModelSet};
use xos_model::names::API_MANAGERS;
use xos_model::natural::object_name;

use crate::caller::Caller;
use crate::error::ApiError;

/// How long it may take until a set is accepted and its models are served, or until it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(200);

/// The sets of models of a namespace.
#[derive(Clone)]
pub struct ModelSets {
    client: Client,
    namespace: String,
    /// The labels that sets have to have.
    labels: BTreeMap<String, String>,
}

impl std::fmt::Debug for ModelSets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSets").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl ModelSets {
    /// Returns those of a namespace. `selector` is the one by which they are taken: new ones get its labels.
    pub fn new(client: Client, namespace: &str, selector: Option<&str>) -> Self {
        let pairs = selector.unwrap_or_default().split(',').filter_map(|pair| pair.split_once('='));
        let labels =
            pairs.map(|(name, value)| (name.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()));
        Self { client, namespace: namespace.to_owned(), labels: labels.collect() }
    }

    fn api(&self) -> Api<ModelSet> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Returns the set of a service.
    pub(super) async fn get(&self, service: &str) -> Result<Option<ModelSet>, ApiError> {
        self.api().get_opt(&name(service)).await.map_err(failed)
    }

    /// Returns all sets.
    pub(super) async fn all(&self) -> Result<Vec<ModelSet>, ApiError> {
        Ok(self.api().list(&ListParams::default()).await.map_err(failed)?.items)
    }

    /// Applies the set of a service, and waits until it is in force.
    pub(super) async fn apply(
        &self,
        caller: &Caller,
        service: &str,
        version: &str,
        xprotos: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let spec = json!({"name": service, "version": version, "xprotos": xprotos});
        let name = name(service);
        let set = json!({
            "apiVersion": "xos.opencord.org/v1", "kind": "ModelSet", "spec": spec,
            "metadata": {"name": name, "labels": self.labels},
        });
        let parameters = PatchParams::apply(&format!("{API_MANAGERS}{}", caller.user)).force();
        self.api().patch(&name, &parameters, &Patch::Apply(set)).await.map_err(failed)?;
        let settled = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(result) = self.get(service).await?.as_ref().and_then(outcome) {
                    return result;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        let late = || ApiError::Unavailable(format!("ModelSet {name} is not in force yet: ask again"));
        settled.await.unwrap_or_else(|_| Err(late()))
    }

    /// Deletes a set. Returns whether it is gone.
    pub(super) async fn remove(&self, caller: &Caller, set: &ModelSet, cleanup: Cleanup) -> Result<bool, ApiError> {
        let name = set.metadata.name.as_deref().unwrap_or_default();
        if set.spec.cleanup != cleanup {
            let patch = Patch::Merge(json!({"spec": {"cleanup": cleanup}}));
            let parameters =
                PatchParams { field_manager: Some(format!("{API_MANAGERS}{}", caller.user)), ..PatchParams::default() };
            self.api().patch(name, &parameters, &patch).await.map_err(failed)?;
        }
        match self.api().delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(true),
            answer => drop(answer.map_err(failed)?),
        }
        // Clients ask again: they need not wait for long.
        let gone = tokio::time::timeout(LOOK * 10, async {
            while self.api().get_opt(name).await.map_err(failed)?.is_some() {
                tokio::time::sleep(LOOK).await;
            }
            Ok::<_, ApiError>(())
        });
        match gone.await {
            Ok(result) => result.map(|()| true),
            Err(_) => Ok(false),
        }
    }
}

/// Returns the name of the set of a service.
fn name(service: &str) -> String {
    object_name(&[json!(service)])
}

/// Returns the service of a set.
pub(super) fn name_of(set: &ModelSet) -> &str {
    set.spec.name.as_deref().or(set.metadata.name.as_deref()).unwrap_or_default()
}

fn condition<'s>(set: &'s ModelSet, kind: &str) -> Option<&'s xos_kinds::Condition> {
    let status = set.status.as_ref().filter(|status| status.observed_generation == set.metadata.generation)?;
    status.conditions.iter().find(|one| one.kind == kind)
}

/// Returns whether the models of a set are served as its spec has them.
pub(super) fn is_ready(set: &ModelSet) -> bool {
    condition(set, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Returns what became of a set; nothing as long as nobody has said that.
fn outcome(set: &ModelSet) -> Option<Result<(), ApiError>> {
    if is_ready(set) {
        return Some(Ok(()));
    }
    let ready = condition(set, "Ready").filter(|ready| ready.status == "False")?;
    let is_stalled = condition(set, "Stalled").is_some_and(|stalled| stalled.status == "True");
    let refused = || ApiError::Invalid { what: format!("{}: {}", ready.reason, ready.message), fields: [].into() };
    is_stalled.then(|| Err(refused()))
}

fn failed(error: kube::Error) -> ApiError {
    match error {
        kube::Error::Api(status) if status.code == 403 => ApiError::Precondition(format!(
            "sets of models cannot be written: {} (`xos rbac` prints the rights)",
            status.message
        )),
        kube::Error::Api(status) if matches!(status.code, 400 | 422) => {
            ApiError::Invalid { what: status.message.clone(), fields: [].into() }
        }
        error => ApiError::Unavailable(format!("sets of models cannot be reached: {error}")),
    }
}
