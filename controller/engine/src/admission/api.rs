//! Makes the admission policies of a synchronizer agree with its installation.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingAdmissionPolicy as Policy, MutatingAdmissionPolicyBinding as Binding,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xos_crds::names::MANAGER_PREFIX;
use xos_model::names::SYNCHRONIZER_LABEL;

use super::policy;
use crate::api_error::explain;
use crate::installation::{Installation, Installations};

/// How old a definition has to be before finalizers are set on its objects at creation. The API server reads the schemas
/// that it needs for that every 5 s, and answers 503 to requests for such objects until it has; there may be several
/// API servers.
const SETTLED: SignedDuration = SignedDuration::from_secs(12);

/// Why finalizers are not added at creation.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The API server has no such policies.
    #[error("the API server has no MutatingAdmissionPolicy v1 (Kubernetes 1.36 and later have)")]
    NotServed,
    /// The API server refused.
    #[error("{name}: {}", explain(.source))]
    Api {
        /// The policy or binding.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
}

impl AdmissionError {
    /// Whether the rights are missing.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.is_forbidden()))
    }
}

/// The names of stored policies and bindings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The bindings.
    pub bindings: Vec<String>,
    /// The policies.
    pub policies: Vec<String>,
}

impl Stored {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty() && self.policies.is_empty()
    }
}

/// Returns the policies and bindings with the label of a synchronizer; none if the API server has no such policies.
///
/// # Errors
/// When the API server refuses.
pub async fn stored(client: &Client, synchronizer: &str) -> Result<Stored, AdmissionError> {
    let bindings = names::<Binding>(client, synchronizer).await?;
    let policies = names::<Policy>(client, synchronizer).await?;
    Ok(Stored { bindings, policies })
}

async fn names<K: Object>(client: &Client, synchronizer: &str) -> Result<Vec<String>, AdmissionError> {
    let api: Api<K> = Api::all(client.clone());
    let labelled = ListParams::default().labels(&format!("{SYNCHRONIZER_LABEL}={synchronizer}"));
    match api.list(&labelled).await.map_err(at("cannot list admission policies")) {
        Ok(listed) => Ok(listed.items.iter().map(kube::ResourceExt::name_any).collect()),
        Err(AdmissionError::NotServed) => Ok(vec![]),
        Err(error) => Err(error),
    }
}

/// Deletes policies and bindings; those that are gone already are no error.
///
/// # Errors
/// When the API server refuses.
pub async fn remove(client: &Client, all: &Stored) -> Result<(), AdmissionError> {
    // Without its binding a policy has no effect.
    for name in &all.bindings {
        delete::<Binding>(client, name).await?;
    }
    for name in &all.policies {
        delete::<Policy>(client, name).await?;
    }
    Ok(())
}

async fn delete<K: Object>(client: &Client, name: &str) -> Result<(), AdmissionError> {
    let api: Api<K> = Api::all(client.clone());
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(at(name)(error)),
    }
}

/// Makes what is stored of a synchronizer's policies agree with its installation: applies what differs, and deletes what
/// earlier versions and configurations left. Writes nothing that is there as it should be. `others` are all
/// installations: one of the same name for other namespaces may need the policy that this one does not.
///
/// # Errors
/// When the API server has no such policies, or refuses; objects then get their finalizers by a write of the
/// controller.
pub async fn agree(client: &Client, own: &Installation, others: &Installations) -> Result<(), AdmissionError> {
    let (policy, binding) = policy(own);
    let is_needed =
        own.sets_finalizers_at_creation() || others.beside_in_name(own).any(Installation::sets_finalizers_at_creation);
    let wanted = is_needed.then(|| policy.name_any());
    match stored(client, &own.spec.synchronizer).await {
        Ok(mut left) => {
            left.bindings.retain(|name| Some(name) != wanted.as_ref());
            left.policies.retain(|name| Some(name) != wanted.as_ref());
            remove(client, &left).await?;
            if !left.is_empty() {
                tracing::info!(
                    policies = left.policies.join(", "),
                    "removed admission policies that are not wanted any more"
                );
            }
        }
        // What it may set stands in the installation, which is the controller's own.
        Err(error) if error.is_forbidden() => tracing::debug!(%error, "cannot look for old admission policies"),
        Err(error) => return Err(error),
    }
    if !own.sets_finalizers_at_creation() {
        return Ok(());
    }
    let manager = format!("{MANAGER_PREFIX}{}/admission", own.spec.synchronizer);
    let made = ensure(client, &policy, &manager, |there| there.spec == policy.spec).await?
        | ensure(client, &binding, &manager, |there| there.spec == binding.spec).await?;
    if made {
        tracing::info!(policy = policy.name_any(), "the API server puts finalizers on new objects");
    }
    Ok(())
}

async fn ensure<K: Object>(
    client: &Client,
    wanted: &K,
    manager: &str,
    is_same: impl Fn(&K) -> bool,
) -> Result<bool, AdmissionError> {
    let api: Api<K> = Api::all(client.clone());
    let name = wanted.name_any();
    if api.get_opt(&name).await.map_err(at(&name))?.is_some_and(|there| is_same(&there)) {
        return Ok(false);
    }
    let parameters = PatchParams::apply(manager).force();
    api.patch(&name, &parameters, &Patch::Apply(wanted)).await.map_err(at(&name))?;
    Ok(true)
}

/// Returns how long it takes until all definitions are old enough for finalizers at creation.
///
/// # Errors
/// When the API server refuses.
pub async fn unsettled(client: &Client, definitions: &[String], now: Timestamp) -> Result<Duration, AdmissionError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut longest = Duration::ZERO;
    for name in definitions {
        let definition = api.get_opt(name).await.map_err(at(name))?;
        let made = definition.and_then(|definition| definition.metadata.creation_timestamp);
        let age = made.map_or(SETTLED, |made| now.duration_since(made.0));
        longest = longest.max(Duration::try_from(SETTLED - age).unwrap_or_default());
    }
    Ok(longest)
}

trait Object: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + fmt::Debug {}

impl<K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + fmt::Debug> Object for K {}

fn at(name: &str) -> impl FnOnce(kube::Error) -> AdmissionError {
    let name = name.to_owned();
    move |error| match &error {
        // Of a kind that is not served, not of an object: that one is looked for before.
        kube::Error::Api(status) if status.is_not_found() => AdmissionError::NotServed,
        _ => AdmissionError::Api { name, source: Box::new(error) },
    }
}
