//! Writes to the API server.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use xos_crds::{DecodeError, from_custom_resource, quiet_save_patch, status_json};
use xos_model::{Fields, Object, QuietSave};

use crate::registry::{Entry, Registry};

/// How often a status is written anew because the object was changed meanwhile.
const STATUS_TRIES: usize = 5;

/// Why a write did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is gone.
    #[error("the object is gone")]
    Gone,
    /// The object was changed since it was read.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// The API server refused, or could not be reached.
    #[error("the API server: {0}")]
    Api(#[source] Box<kube::Error>),
    /// The API server's answer could not be read.
    #[error("the API server's answer: {0}")]
    Decode(#[from] DecodeError),
    /// The write has no JSON form.
    #[error("cannot write as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.is_not_found() => Self::Gone,
            kube::Error::Api(status) if status.is_conflict() => Self::Conflict,
            _ => Self::Api(Box::new(error)),
        }
    }
}

/// An object as it is after a write.
pub type Written<'a> = BoxFuture<'a, Result<Object, WriteError>>;

/// The three writes of the engine. Every one is refused if the object of that name is not the one that was read (by uid).
pub trait Writer: Send + Sync + 'static {
    /// Replaces the finalizers, if the object is unchanged since it was read.
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a>;

    /// Saves fields of spec together with the record that they were saved quietly, if the object is unchanged since it was read.
    fn save_spec<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        spec: &'a Fields,
        saves: &'a [QuietSave],
    ) -> Written<'a>;

    /// Writes the object's status.
    fn write_status<'a>(&'a self, entry: &'a Entry, object: &'a Object) -> Written<'a>;
}

/// Writes by kube.
pub struct KubeWriter {
    client: Client,
    synchronizer: String,
}

impl KubeWriter {
    /// A writer for a registry's objects.
    pub fn new(client: Client, registry: &Registry) -> Self {
        Self { client, synchronizer: registry.synchronizer.clone() }
    }

    fn api(&self, entry: &Entry, object: &Object) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &object.meta.namespace, &entry.resource)
    }

    /// One field manager per writer: `xos/<synchronizer>/<step>`, at most 128 characters.
    fn manager(&self, entry: &Entry) -> String {
        let step = entry.step.as_ref().map_or("", |step| step.name());
        format!("xos/{}/{step}", self.synchronizer).chars().take(128).collect()
    }

    async fn merge(&self, entry: &Entry, object: &Object, patch: Value) -> Result<Object, WriteError> {
        let parameters = PatchParams { field_manager: Some(self.manager(entry)), ..PatchParams::default() };
        let api = self.api(entry, object);
        let answer = api.patch(&object.meta.name, &parameters, &Patch::Merge(patch)).await?;
        Ok(from_custom_resource(&entry.model, &answer)?)
    }
}

impl Writer for KubeWriter {
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        let patch = json!({"metadata": {
            "uid": object.meta.uid, "resourceVersion": object.meta.resource_version, "finalizers": finalizers,
        }});
        self.merge(entry, object, patch).boxed()
    }

    fn save_spec<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        spec: &'a Fields,
        saves: &'a [QuietSave],
    ) -> Written<'a> {
        async move {
            let mut patch = quiet_save_patch(spec, saves, &object.meta.resource_version)?;
            patch["metadata"]["uid"] = json!(object.meta.uid);
            self.merge(entry, object, patch).await
        }
        .boxed()
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, object: &'a Object) -> Written<'a> {
        async move {
            let status = status_json(&entry.model, object)?;
            let mut version = object.meta.resource_version.clone();
            for _ in 0..STATUS_TRIES {
                match self.apply_status(entry, object, &status, &version).await {
                    Err(WriteError::Conflict) => version = self.current_version(entry, object).await?,
                    result => return result,
                }
            }
            Err(WriteError::Conflict)
        }
        .boxed()
    }
}

impl KubeWriter {
    /// The API server ignores a uid in a write of status, so the resourceVersion guards against another object of the same name.
    async fn apply_status(
        &self,
        entry: &Entry,
        object: &Object,
        status: &Value,
        version: &str,
    ) -> Result<Object, WriteError> {
        let body = json!({
            "apiVersion": entry.resource.api_version,
            "kind": entry.resource.kind,
            "metadata": {"name": object.meta.name, "namespace": object.meta.namespace, "resourceVersion": version},
            "status": status,
        });
        let parameters = PatchParams::apply(&self.manager(entry)).force();
        let api = self.api(entry, object);
        let answer = api.patch_status(&object.meta.name, &parameters, &Patch::Apply(body)).await?;
        Ok(from_custom_resource(&entry.model, &answer)?)
    }

    /// The object's present resourceVersion: what an attempt says of it holds also when somebody changed it meanwhile.
    async fn current_version(&self, entry: &Entry, object: &Object) -> Result<String, WriteError> {
        let current = self.api(entry, object).get(&object.meta.name).await?;
        let is_same = current.uid().as_deref() == Some(object.meta.uid.as_str());
        if is_same { Ok(current.resource_version().unwrap_or_default()) } else { Err(WriteError::Gone) }
    }
}
