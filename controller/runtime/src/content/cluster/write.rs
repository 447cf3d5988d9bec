//! Writes statuses and finalizers: server-side apply, each with the uid of the object that is meant.

use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use xos_crds::names::MANAGER_PREFIX;
use xos_kinds::ModelSetStatus;
use xos_model::names::models_finalizer;

use super::{Cluster, Seen};

impl Cluster {
    /// Returns the finalizer with which the synchronizer holds sets of models.
    pub(super) fn finalizer(&self) -> String {
        models_finalizer(&self.synchronizer)
    }

    fn parameters(&self, part: &str) -> PatchParams {
        PatchParams::apply(&format!("{MANAGER_PREFIX}{}/{part}", self.synchronizer)).force()
    }

    fn object(&self, seen: &Seen) -> Value {
        let resource = seen.id.kind.resource();
        json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": seen.id.name, "namespace": self.namespace, "uid": seen.uid},
        })
    }

    pub(super) async fn write_status(&self, client: &Client, seen: &Seen, status: &ModelSetStatus) -> kube::Result<()> {
        let mut object = self.object(seen);
        object["status"] = serde_json::to_value(status).map_err(kube::Error::SerdeError)?;
        let api = self.api(client, seen.id.kind);
        gone_is_fine(api.patch_status(&seen.id.name, &self.parameters("documents"), &Patch::Apply(object)).await)
    }

    /// Sets the finalizer, or takes it away.
    pub(super) async fn write_finalizer(&self, client: &Client, seen: &Seen, holds: bool) -> kube::Result<()> {
        let mut object = self.object(seen);
        if holds {
            object["metadata"]["finalizers"] = json!([self.finalizer()]);
        }
        let api = self.api(client, seen.id.kind);
        gone_is_fine(api.patch(&seen.id.name, &self.parameters("finalizers"), &Patch::Apply(object)).await)
    }
}

/// An object that is gone, or another one of its name, needs nothing any more.
fn gone_is_fine<T>(answer: kube::Result<T>) -> kube::Result<()> {
    match answer {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        answer => answer.map(drop),
    }
}
