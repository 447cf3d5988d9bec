//! A controller in the test's process, with models and steps of the test.

mod scripted;

use std::fs;

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, TypeMeta},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xos_runtime::{
    Synchronizer,
    config::{Config, ConfigError},
    controller::{self, ControllerError},
};
use xos_xproto::ModelSet;

use crate::{
    TestNamespace,
    example::SOON,
    kstatus::Findings,
    models,
    wait::{Timeout, eventually},
};

pub use scripted::{Calls, Script, Scripted};

/// The controller failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its configuration has errors.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its configuration cannot be written.
    #[error("cannot write its configuration")]
    File(#[from] std::io::Error),
    /// Its models have errors.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// It ended with an error.
    #[error("the controller ended: {0}")]
    Ended(#[from] ControllerError),
    /// It panicked.
    #[error("the controller panicked")]
    Panicked(#[from] tokio::task::JoinError),
    /// Something did not happen in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// An object of a test is none.
    #[error("this is no object: {0}")]
    Object(#[from] serde_json::Error),
    /// The API server refused.
    #[error("the API server refused: {0}")]
    Api(#[from] kube::Error),
}

/// A running controller.
pub struct Controller {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ControllerError>>,
}

impl Controller {
    /// Starts a controller for a namespace. `more` is added to its configuration.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn start(
        namespace: &TestNamespace,
        name: &str,
        synchronizer: Synchronizer,
        more: &Value,
    ) -> Result<Self, Error> {
        Self::start_as(namespace.client(), namespace, name, synchronizer, more)
    }

    /// Does the same with another client: with other rights, or on another way to the API server.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn start_as(
        client: Client,
        namespace: &TestNamespace,
        name: &str,
        synchronizer: Synchronizer,
        more: &Value,
    ) -> Result<Self, Error> {
        let mut config =
            json!({"name": name, "namespaces": [namespace.name()], "backoff": {"initial": "200ms", "max": "2s"}});
        if let (Some(config), Some(more)) = (config.as_object_mut(), more.as_object()) {
            config.extend(more.clone());
        }
        let file = namespace.folder().join(format!("{name}.yaml"));
        // JSON is YAML.
        fs::write(&file, config.to_string())?;
        let config = Config::load(&[file], [])?.config;
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        let name = name.to_owned();
        let running = tokio::spawn(async move {
            let ended = controller::run_on(client, synchronizer, &config, until).await;
            // A test that waits for its work would not see why nothing happens.
            if let Err(error) = &ended {
                eprintln!("the controller {name} ended: {error}");
            }
            ended
        });
        Ok(Self { shutdown, running })
    }

    /// Stops the controller, and waits until it has ended.
    ///
    /// # Errors
    /// When it ended with an error.
    pub async fn stop(self) -> Result<(), Error> {
        self.shutdown.cancel();
        Ok(self.running.await??)
    }

    /// Ends the controller at once, as if its process were killed.
    pub async fn kill(self) {
        self.running.abort();
        let _aborted = self.running.await;
    }
}

/// The objects of a model set in a namespace, read and written as by an operator.
pub struct Objects {
    client: Client,
    namespace: String,
    models: ModelSet,
    findings: Findings,
}

impl Objects {
    /// Returns the objects of these models.
    ///
    /// # Errors
    /// When the models have errors.
    pub fn new(namespace: &TestNamespace, models: &str) -> Result<Self, Error> {
        let models = models::from_text(models)?;
        models.concrete().for_each(|model| namespace.follow(&xos_crds::api_resource(model)));
        let (client, name) = (namespace.client(), namespace.name().to_owned());
        Ok(Self { client, namespace: name, models, findings: namespace.findings() })
    }

    /// Returns the API of a model's objects.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn api(&self, model: &str) -> Result<Api<DynamicObject>, Error> {
        let model = self.models.get(model).ok_or_else(|| models::Error::Unknown(model.to_owned()))?;
        Ok(Api::namespaced_with(self.client.clone(), &self.namespace, &xos_crds::api_resource(model)))
    }

    /// Waits until the kind is served.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn served(&self, model: &str) -> Result<(), Error> {
        let api = self.api(model)?;
        let kind = self.models.get(model).map(xos_crds::api_resource);
        let kind = kind.ok_or_else(|| models::Error::Unknown(model.to_owned()))?;
        // A kind can be read before it can be written.
        let probe = DynamicObject::new("probe", &kind).data(json!({"spec": {}}));
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        let look = async || match api.create(&parameters, &probe).await {
            Err(kube::Error::Api(status)) if status.is_invalid() || status.is_already_exists() => Ok(()),
            answer => answer.map(drop),
        };
        Ok(eventually(SOON, format!("the kind {model} to be served"), look).await?)
    }

    /// Creates an object, and returns it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn create(&self, model: &str, name: &str, spec: Value) -> Result<Value, Error> {
        self.create_whole(model, json!({"metadata": {"name": name}, "spec": spec})).await
    }

    /// Creates an object with this metadata and content, and returns it.
    ///
    /// # Errors
    /// When it is no object, or the API server refuses.
    pub async fn create_whole(&self, model: &str, object: Value) -> Result<Value, Error> {
        let api = self.api(model)?;
        let kind = self.models.get(model).map(xos_crds::api_resource);
        let kind = kind.ok_or_else(|| models::Error::Unknown(model.to_owned()))?;
        let mut object: DynamicObject = serde_json::from_value(object)?;
        object.types = Some(TypeMeta { api_version: kind.api_version, kind: kind.kind });
        let parameters = PostParams { field_manager: Some("operator".to_owned()), ..PostParams::default() };
        Ok(value(&api.create(&parameters, &object).await?))
    }

    /// Changes an object's spec by a merge patch, and returns the object.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn edit(&self, model: &str, name: &str, spec: Value) -> Result<Value, Error> {
        self.patch(model, name, json!({ "spec": spec })).await
    }

    /// Changes an object by a merge patch, and returns it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn patch(&self, model: &str, name: &str, patch: Value) -> Result<Value, Error> {
        let parameters = PatchParams { field_manager: Some("operator".to_owned()), ..PatchParams::default() };
        Ok(value(&self.api(model)?.patch(name, &parameters, &Patch::Merge(patch)).await?))
    }

    /// Deletes an object, and does not wait for the end of the deletion.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn delete(&self, model: &str, name: &str) -> Result<(), Error> {
        self.api(model)?.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Returns an object, or null if there is none.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn get(&self, model: &str, name: &str) -> Result<Value, Error> {
        let object = self.api(model)?.get_opt(name).await?.as_ref().map_or(Value::Null, value);
        self.findings.look(&object);
        Ok(object)
    }

    /// Returns all objects of a model.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn all(&self, model: &str) -> Result<Vec<Value>, Error> {
        Ok(self.api(model)?.list(&ListParams::default()).await?.items.iter().map(value).collect())
    }

    /// Waits until `condition` is true for an object (null if there is none), and returns the object.
    ///
    /// # Errors
    /// When it does not become true in time; the error shows the object.
    pub async fn until(
        &self,
        model: &str,
        name: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        let look = async || match self.get(model, name).await {
            Ok(object) if condition(&object) => Ok(object),
            Ok(object) => Err(format!("{object:#}")),
            Err(error) => Err(error.to_string()),
        };
        Ok(eventually(SOON, format!("{model} {name} to be {what}"), look).await?)
    }

    /// Waits until an object is Ready, as `kubectl wait --for=condition=Ready` does, and returns the object.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn ready(&self, model: &str, name: &str) -> Result<Value, Error> {
        self.until(model, name, "Ready", crate::example::is_ready).await
    }

    /// Waits until an object is deleted.
    ///
    /// # Errors
    /// When it is not deleted in time.
    pub async fn gone(&self, model: &str, name: &str) -> Result<(), Error> {
        self.until(model, name, "gone", Value::is_null).await.map(drop)
    }
}

fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
