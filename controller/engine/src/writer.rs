//! Writes to the API server.

use std::future::Future;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::{DynamicResourceScope, Status};
use serde_json::{Value, json};
use xos_crds::names::MANAGER_PREFIX;
use xos_crds::{
    DecodeError, from_custom_resource, from_received, kept_status, new_custom_resource, new_status, quiet_save_patch,
};
use xos_model::names::{self, annotation};
use xos_model::record::rebase;
use xos_model::{Fields, Object, ObjectKey, QuietSave};
use xos_steps::store::Annotations;
use xos_xproto::{Model, Section};

use crate::api_error::{explain, is_unserved};
use crate::registry::{Entry, Registry};
use crate::secrets::{SecretData, SecretName};

/// How often a status is written again because the object was changed meanwhile.
const STATUS_TRIES: usize = 5;
/// The last part of the field manager of status.
const STATUS: &str = "status";
/// The last part of the field manager of finalizers.
const FINALIZERS: &str = "finalizers";
/// The default time within which the API server has to answer a call, with all retries.
pub const API_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a write did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is gone.
    #[error("the object is gone")]
    Gone,
    /// The object was changed since it was read.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// There is an object of that name.
    #[error("an object of that name exists")]
    Exists,
    /// The API server does not take the write, in its own words: admission, a quota, a right, a schema, the size. The
    /// same again would be refused again.
    #[error("the API server refused it: {0}")]
    Refused(String),
    /// The API server answered that it cannot do it now, in its own words.
    #[error("the API server: {0}")]
    Unavailable(String),
    /// The API server could not be reached.
    #[error("the API server: {}", explain(.0))]
    Api(#[source] Box<kube::Error>),
    /// It did not answer in time: the write may have taken effect.
    #[error("the API server did not answer within {0:?}")]
    TimedOut(Duration),
    /// The API server's answer could not be read.
    #[error("the API server's answer: {0}")]
    Decode(#[from] DecodeError),
    /// Something that takes the place of the API server, as in tests, refused the write.
    #[error("the API server: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The write has no JSON form.
    #[error("cannot write as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl WriteError {
    /// Returns whether the write may have taken effect all the same.
    pub(crate) fn may_have_taken_effect(&self) -> bool {
        !matches!(self, Self::Gone | Self::Conflict | Self::Exists | Self::Refused(_) | Self::Json(_))
    }
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match &error {
            // The object may be there: other API servers may serve its kind already, or still.
            _ if is_unserved(&error) => Self::Unavailable(explain(&error)),
            kube::Error::Api(status) if status.is_not_found() => Self::Gone,
            kube::Error::Api(status) if status.is_already_exists() => Self::Exists,
            kube::Error::Api(status) if status.is_conflict() => Self::Conflict,
            kube::Error::Api(status) if is_refusal(status) => Self::Refused(words(status)),
            kube::Error::Api(status) => Self::Unavailable(words(status)),
            _ => Self::Api(Box::new(error)),
        }
    }
}

/// Returns whether the same write would be refused again.
fn is_refusal(status: &Status) -> bool {
    // etcd's limit is answered as an error of the server's own.
    matches!(status.code, 400 | 403 | 413 | 422) || status.message.contains("request is too large")
}

/// Returns what an answer says, for people.
fn words(status: &Status) -> String {
    match (status.message.as_str(), status.reason.as_str()) {
        ("", "") => format!("code {}", status.code),
        ("", reason) => reason.to_owned(),
        (message, _) => message.to_owned(),
    }
}

/// A save of spec, with the record that it was done quietly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpecSave {
    /// The changed fields; null unsets.
    pub spec: Fields,
    /// The recent quiet saves, this one included.
    pub saves: Vec<QuietSave>,
    /// Another run is asked for, by this token.
    pub touch: Option<String>,
    /// The annotation that keeps what status says of the backend; none if there is nothing to keep.
    pub kept: Option<String>,
}

/// An object as it is after a write.
pub type Written<'a> = BoxFuture<'a, Result<Object, WriteError>>;

/// The writes of the engine, each in the name of a step or policy (`who`). Every one is refused if the object of that
/// name is not the one that was read (by uid).
pub trait Writer: Send + Sync + 'static {
    /// Replaces the finalizers, if the object is unchanged since it was read.
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a>;

    /// Saves fields of spec, if the object is unchanged since it was read.
    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, who: &'a str) -> Written<'a>;

    /// Creates an object: its name and spec, with this synchronizer's finalizers.
    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a>;

    /// Returns the object as it is now; none if there is none.
    fn read<'a>(&'a self, entry: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>>;

    /// Replaces the status of `before`, which was read, by that of `after`. What others wrote meanwhile stays.
    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a>;

    /// Sets annotations, or removes those without a value: by the parts of their names after `xos.opencord.org/`.
    fn annotate<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a>;

    /// Returns what is in a Secret; nothing if there is none.
    fn read_secret<'a>(&'a self, of: &'a SecretName) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>>;

    /// Asks for the deletion of an object, if `exact` only if it is unchanged since it was read. Returns it as it is
    /// then; [`WriteError::Gone`] if it is gone at once.
    fn delete<'a>(&'a self, entry: &'a Entry, object: &'a Object, exact: bool) -> Written<'a>;
}

/// Writes to a Kubernetes API server.
pub struct KubeWriter {
    client: Client,
    synchronizer: String,
    timeout: Duration,
}

impl KubeWriter {
    /// Returns a writer for a registry's objects.
    pub fn new(client: Client, registry: &Registry) -> Self {
        Self { client, synchronizer: registry.synchronizer.clone(), timeout: API_TIMEOUT }
    }

    /// Returns the same writer with another limit for each call (30 s by default). Without a limit a lost call would keep
    /// its object for ever.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn bounded<'a, T: Send + 'a>(
        &'a self,
        call: impl Future<Output = Result<T, WriteError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, WriteError>> {
        let limit = self.timeout;
        async move { tokio::time::timeout(limit, call).await.unwrap_or(Err(WriteError::TimedOut(limit))) }.boxed()
    }

    fn api<K>(&self, entry: &Entry, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
    {
        Api::namespaced_with(self.client.clone(), namespace, &entry.resource)
    }

    /// Returns the field manager of a writer: `xos/<synchronizer>/<step>`, at most 128 characters. A user of XOS's API is
    /// none of the synchronizer's.
    fn manager(&self, who: &str) -> String {
        if who.starts_with(names::API_MANAGERS) {
            return who.chars().take(128).collect();
        }
        format!("{MANAGER_PREFIX}{}/{who}", self.synchronizer).chars().take(128).collect()
    }

    async fn merge(&self, entry: &Entry, object: &Object, patch: Value, who: &str) -> Result<Object, WriteError> {
        let parameters = PatchParams { field_manager: Some(self.manager(who)), ..PatchParams::default() };
        let api = self.api(entry, &object.meta.namespace);
        let answer = api.patch(&object.meta.name, &parameters, &Patch::Merge(patch)).await?;
        Ok(from_received(&entry.model, &answer)?)
    }

    /// Returns the object as it is now, if it is still the same one.
    async fn current(&self, entry: &Entry, object: &Object) -> Result<Object, WriteError> {
        let answer = self.api(entry, &object.meta.namespace).get(&object.meta.name).await?;
        let current = from_received(&entry.model, &answer)?;
        if current.meta.uid == object.meta.uid { Ok(current) } else { Err(WriteError::Gone) }
    }

    async fn replace_status(&self, entry: &Entry, before: &Object, after: &Object) -> Result<Object, WriteError> {
        let Some(new) = new_status(&entry.model, before, after)? else { return Ok(before.clone()) };
        let parameters = PostParams { field_manager: Some(self.manager(STATUS)), ..PostParams::default() };
        let answer =
            self.api(entry, &before.meta.namespace).replace_status(&before.meta.name, &parameters, &new).await?;
        Ok(from_custom_resource(&entry.model, &answer)?)
    }
}

impl Writer for KubeWriter {
    fn set_finalizers<'a>(&'a self, entry: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        let patch = json!({"metadata": {
            "uid": object.meta.uid, "resourceVersion": object.meta.resource_version, "finalizers": finalizers,
        }});
        self.bounded(self.merge(entry, object, patch, FINALIZERS))
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, who: &'a str) -> Written<'a> {
        self.bounded(async move {
            let touch = save.touch.as_deref();
            let patch = quiet_save_patch(object, &save.spec, &save.saves, touch, save.kept.as_deref())?;
            self.merge(entry, object, patch, who).await
        })
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a> {
        self.bounded(async move {
            let mut new = new_custom_resource(&entry.model, object);
            let finalizers: Vec<_> = entry.finalizers.all().cloned().collect();
            new.metadata.finalizers = Some(finalizers).filter(|finalizers| !finalizers.is_empty());
            let parameters = PostParams { field_manager: Some(self.manager(who)), ..PostParams::default() };
            let created = self.api(entry, &object.meta.namespace).create(&parameters, &new).await?;
            Ok(from_custom_resource(&entry.model, &created)?)
        })
    }

    fn read<'a>(&'a self, entry: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        self.bounded(async move {
            let there = self.api(entry, &key.namespace).get_opt(&key.name).await?;
            Ok(there.map(|there| from_received(&entry.model, &there)).transpose()?)
        })
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        self.bounded(async move {
            // The resourceVersion guards against another object of the same name, too.
            let mut base = before.clone();
            let mut new = after.clone();
            for _ in 0..STATUS_TRIES {
                match self.replace_status(entry, &base, &new).await {
                    Err(WriteError::Conflict) => {
                        base = self.current(entry, before).await?;
                        new = rebase(before, after, &base, &self.synchronizer, |name| in_status(&entry.model, name));
                    }
                    result => return result,
                }
            }
            Err(WriteError::Conflict)
        })
    }

    fn annotate<'a>(
        &'a self,
        entry: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a> {
        let named = annotations.iter().map(|(name, value)| (annotation(name), json!(value)));
        let annotations: serde_json::Map<_, _> = named.collect();
        let patch = json!({"metadata": {"uid": object.meta.uid, "annotations": annotations}});
        self.bounded(self.merge(entry, object, patch, who))
    }

    fn read_secret<'a>(
        &'a self,
        (namespace, name): &'a SecretName,
    ) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>> {
        self.bounded(async move {
            let secret = Api::<Secret>::namespaced(self.client.clone(), namespace).get_opt(name).await?;
            let data = |secret: Secret| secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
            Ok(secret.map(|secret| data(secret).collect()))
        })
    }

    fn delete<'a>(&'a self, entry: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        self.bounded(async move {
            let uid = Some(object.meta.uid.clone());
            let resource_version = exact.then(|| object.meta.resource_version.clone());
            let preconditions = Some(Preconditions { uid, resource_version });
            let parameters = DeleteParams { preconditions, ..DeleteParams::default() };
            let answer = self.api(entry, &object.meta.namespace).delete(&object.meta.name, &parameters).await;
            let answer = match answer.map_err(WriteError::from) {
                // Another object of the same name, or this one as it was not read.
                Err(WriteError::Conflict) => return self.current(entry, object).await.and(Err(WriteError::Conflict)),
                answer => answer?,
            };
            let left = answer.left().ok_or(WriteError::Gone)?;
            let left = from_received(&entry.model, &left)?;
            // Without finalizers it is gone, and the answer still shows it.
            if left.meta.finalizers.is_empty() { Err(WriteError::Gone) } else { Ok(left) }
        })
    }
}

pub(crate) fn in_status(model: &Model, name: &str) -> bool {
    model.member(name).is_some_and(|member| member.section() == Section::Status)
}

/// Returns the annotation that keeps what an object's status says of the backend, once these fields are changed.
pub(crate) fn kept(object: &Object, changes: &Fields) -> Option<String> {
    kept_status(&object.meta, |name| changes.get(name).or_else(|| object.fields.get(name)))
}

/// Returns whether an object has the annotation already.
pub(crate) fn is_kept(object: &Object, kept: Option<&str>) -> bool {
    let name = names::operator_annotation(names::KEPT_STATUS_ANNOTATION).unwrap_or_default();
    object.meta.annotations.get(name).map(String::as_str) == kept
}
