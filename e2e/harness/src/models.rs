//! Models of a test, installed as kinds of the cluster.

use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use xos_engine::install::{InstallError, install};
use xos_xproto::{ModelSet, Sources, compile, render};

/// The models of a test cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The models have errors.
    #[error("the models have errors:\n{0}")]
    Invalid(String),
    /// The API server refuses their definitions.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// There is no such model.
    #[error("there is no model {0}")]
    Unknown(String),
}

/// Compiles one text, and returns its models.
///
/// # Errors
/// When the text has errors; the message shows each error with its place.
pub fn from_text(text: &str) -> Result<ModelSet, Error> {
    let mut sources = Sources::new();
    sources.add("test.xproto", text);
    let compiled = compile(&sources);
    if compiled.has_errors() {
        let all: Vec<_> = compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect();
        return Err(Error::Invalid(all.join("\n")));
    }
    Ok(compiled.models)
}

/// The installed kinds of a model set.
pub struct Kinds {
    client: Client,
    namespace: String,
    models: ModelSet,
}

impl Kinds {
    /// Installs all kinds and waits until each is established. Objects are written in `namespace`.
    ///
    /// # Errors
    /// When the API server refuses one.
    pub async fn install(client: Client, namespace: &str, models: ModelSet) -> Result<Self, Error> {
        install(&client, xos_crds::definitions(&models)).await?;
        Ok(Self { client, namespace: namespace.to_owned(), models })
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &ModelSet {
        &self.models
    }

    /// Creates an object as `kubectl create --validate=strict` does, and returns the stored spec.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such model. The inner result is the API server's answer.
    pub async fn create(&self, model: &str, name: &str, spec: &Value) -> Result<Result<Value, kube::Error>, Error> {
        let model = self.models.get(model).ok_or_else(|| Error::Unknown(model.to_owned()))?;
        let resource = xos_crds::api_resource(model);
        let object = json!({
            "apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}, "spec": spec,
        });
        let path = format!(
            "/apis/{}/namespaces/{}/{}?fieldValidation=Strict",
            resource.api_version, self.namespace, resource.plural
        );
        let request = http::Request::post(path).header("content-type", "application/json");
        let answer = match request.body(object.to_string().into_bytes()) {
            Ok(request) => self.client.request::<Value>(request).await,
            Err(error) => Err(kube::Error::HttpError(error)),
        };
        Ok(answer.map(|stored| stored["spec"].clone()))
    }

    /// Changes an object by a merge patch of its spec, and returns the stored spec.
    ///
    /// # Errors
    /// As for [`Kinds::create`].
    pub async fn patch(&self, model: &str, name: &str, spec: &Value) -> Result<Result<Value, kube::Error>, Error> {
        let model = self.models.get(model).ok_or_else(|| Error::Unknown(model.to_owned()))?;
        let resource = xos_crds::api_resource(model);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let answer = api.patch(name, &PatchParams::default(), &Patch::Merge(json!({ "spec": spec }))).await;
        Ok(answer.map(|stored| stored.data["spec"].clone()))
    }
}
