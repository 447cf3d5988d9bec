//! Finalizers at creation: a MutatingAdmissionPolicy adds them to an object in the very request that creates it.
//!
//! Where the API server has no such policies (before Kubernetes 1.36), or the controller may not create them, the first
//! attempt at an object sets its finalizers with a write of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::{
    ApplyConfiguration, MatchResources, MutatingAdmissionPolicy as Policy, MutatingAdmissionPolicyBinding as Binding,
    MutatingAdmissionPolicyBindingSpec, MutatingAdmissionPolicySpec, Mutation, NamedRuleWithOperations,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use kube::api::{Api, DeleteParams, ObjectMeta, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use xos_crds::names::{MANAGER_PREFIX, Names, VERSION};
use xos_model::names::{SYNCHRONIZER_LABEL, qualified};

use crate::registry::{Entry, Finalizers, Registry};

/// How old a definition has to be before a policy for its objects is put into effect. The API server reads the schemas
/// that it needs for that every 5 s, and answers 503 to requests for such objects until it has; there may be several
/// API servers.
const SETTLED: SignedDuration = SignedDuration::from_secs(12);

/// Which of a synchronizer's finalizers go together on a model's objects, as part of a name.
const KINDS: [&str; 4] = ["sync", "policy", "sync-policy", "links"];

/// The admission policies of a synchronizer.
#[derive(Clone, Debug, PartialEq)]
pub struct AdmissionPolicies {
    /// The policies to have, each with the binding that puts it into effect.
    pub wanted: Vec<(Policy, Binding)>,
    /// The names of policies that an earlier version may have left, and that are to be deleted.
    pub unwanted: Vec<String>,
    /// The names of the definitions of all kinds that they are about.
    pub definitions: Vec<String>,
}

/// Why finalizers are not added at creation.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The API server has no such policies.
    #[error("the API server has no MutatingAdmissionPolicy v1 (Kubernetes 1.36 and later have)")]
    NotServed,
    /// The API server refused.
    #[error("{name}: {source}")]
    Api {
        /// The policy or binding.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
}

/// Returns the policies for the models of a registry, in these namespaces (none given: in all).
pub fn policies(registry: &Registry, namespaces: &[String]) -> AdmissionPolicies {
    let mut by_kind: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in registry.entries() {
        if let Some(kind) = kind(&entry.finalizers) {
            by_kind.entry(kind).or_default().push(entry);
        }
    }
    let name = |kind: &str| format!("xos-{}-{kind}", qualified(&registry.synchronizer).to_lowercase());
    let unwanted = KINDS.iter().filter(|kind| !by_kind.contains_key(*kind)).map(|kind| name(kind)).collect();
    let wanted = by_kind.iter().map(|(kind, entries)| {
        let policy = policy(registry, name(kind), entries);
        let binding = binding(&policy, namespaces);
        (policy, binding)
    });
    let all = by_kind.values().flatten();
    let definitions = all.map(|entry| Names::of(&entry.model).definition()).collect();
    AdmissionPolicies { wanted: wanted.collect(), unwanted, definitions }
}

fn kind(finalizers: &Finalizers) -> Option<&'static str> {
    match (&finalizers.sync, &finalizers.policy, &finalizers.links) {
        (Some(_), Some(_), _) => Some("sync-policy"),
        (Some(_), None, _) => Some("sync"),
        (None, Some(_), _) => Some("policy"),
        (None, None, Some(_)) => Some("links"),
        (None, None, None) => None,
    }
}

fn policy(registry: &Registry, name: String, entries: &[&Entry]) -> Policy {
    let mut resources: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in entries {
        resources.entry(entry.resource.group.as_str()).or_default().push(entry.resource.plural.clone());
    }
    let rules = resources.into_iter().map(|(group, resources)| NamedRuleWithOperations {
        api_groups: Some(vec![group.to_owned()]),
        api_versions: Some(vec![VERSION.to_owned()]),
        operations: Some(vec!["CREATE".to_owned()]),
        resources: Some(resources),
        scope: Some("*".to_owned()),
        ..NamedRuleWithOperations::default()
    });
    let finalizers: Vec<_> = entries.first().into_iter().flat_map(|entry| entry.finalizers.all()).collect();
    // Finalizers are a set: those that the request brings itself stay.
    let expression = format!("Object{{metadata: Object.metadata{{finalizers: {finalizers:?}}}}}");
    let mutation = Mutation {
        patch_type: "ApplyConfiguration".to_owned(),
        apply_configuration: Some(ApplyConfiguration { expression: Some(expression) }),
        json_patch: None,
    };
    Policy {
        metadata: metadata(name, &registry.synchronizer),
        spec: Some(MutatingAdmissionPolicySpec {
            // An object without finalizers gets them by a write of the controller.
            failure_policy: Some("Ignore".to_owned()),
            match_constraints: Some(everywhere(Some(rules.collect()))),
            mutations: Some(vec![mutation]),
            reinvocation_policy: Some("Never".to_owned()),
            ..MutatingAdmissionPolicySpec::default()
        }),
    }
}

/// With the API server's defaults, so that what is stored compares equal.
fn everywhere(resource_rules: Option<Vec<NamedRuleWithOperations>>) -> MatchResources {
    MatchResources {
        match_policy: Some("Equivalent".to_owned()),
        namespace_selector: Some(LabelSelector::default()),
        object_selector: Some(LabelSelector::default()),
        resource_rules,
        ..MatchResources::default()
    }
}

/// A controller of a few namespaces has a binding of its own: others of the same name may look after other ones.
fn binding(policy: &Policy, namespaces: &[String]) -> Binding {
    let mut resources = everywhere(None);
    let mut name = policy.name_any();
    if !namespaces.is_empty() {
        let mut values = namespaces.to_vec();
        values.sort();
        name = format!("{name}-{}", hash(&values.join(",")));
        resources.namespace_selector = Some(LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "kubernetes.io/metadata.name".to_owned(),
                operator: "In".to_owned(),
                values: Some(values),
            }]),
            match_labels: None,
        });
    }
    Binding {
        metadata: ObjectMeta { name: Some(name), ..policy.metadata.clone() },
        spec: Some(MutatingAdmissionPolicyBindingSpec {
            match_resources: Some(resources),
            policy_name: Some(policy.name_any()),
            param_ref: None,
        }),
    }
}

fn metadata(name: String, synchronizer: &str) -> ObjectMeta {
    let labels = [(SYNCHRONIZER_LABEL.to_owned(), qualified(synchronizer))];
    ObjectMeta { name: Some(name), labels: Some(labels.into()), ..ObjectMeta::default() }
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Applies the policies, and deletes those that are wanted no more; writes nothing that is there as it should be. Takes
/// a while if the definitions are new.
///
/// # Errors
/// When the API server has no such policies, or refuses; objects then get their finalizers by a write of the
/// controller.
pub async fn install(client: &Client, desired: &AdmissionPolicies, synchronizer: &str) -> Result<(), AdmissionError> {
    let policies: Api<Policy> = Api::all(client.clone());
    let bindings: Api<Binding> = Api::all(client.clone());
    let manager = format!("{MANAGER_PREFIX}{synchronizer}/admission");
    for (policy, _) in &desired.wanted {
        if !is_there(&policies, policy, |there| there.spec == policy.spec).await? {
            apply(&policies, policy, &manager).await?;
        }
    }
    for (_, binding) in &desired.wanted {
        if !is_there(&bindings, binding, |there| there.spec == binding.spec).await? {
            settled(client, &desired.definitions).await?;
            apply(&bindings, binding, &manager).await?;
            tracing::info!(binding = binding.name_any(), "the API server puts finalizers on new objects");
        }
    }
    for name in &desired.unwanted {
        if policies.get_opt(name).await.map_err(at(name))?.is_some() {
            policies.delete(name, &DeleteParams::default()).await.map_err(at(name))?;
        }
    }
    Ok(())
}

/// Waits until all definitions are old enough.
async fn settled(client: &Client, definitions: &[String]) -> Result<(), AdmissionError> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in definitions {
        let definition = api.get_opt(name).await.map_err(at(name))?;
        let made = definition.and_then(|definition| definition.metadata.creation_timestamp);
        let age = made.map_or(SETTLED, |made| Timestamp::now().duration_since(made.0));
        tokio::time::sleep(Duration::try_from(SETTLED - age).unwrap_or_default()).await;
    }
    Ok(())
}

async fn is_there<K: Object>(api: &Api<K>, wanted: &K, is_same: impl Fn(&K) -> bool) -> Result<bool, AdmissionError> {
    let name = wanted.name_any();
    Ok(api.get_opt(&name).await.map_err(at(&name))?.is_some_and(|there| is_same(&there)))
}

async fn apply<K: Object>(api: &Api<K>, wanted: &K, manager: &str) -> Result<(), AdmissionError> {
    let name = wanted.name_any();
    let parameters = PatchParams::apply(manager).force();
    api.patch(&name, &parameters, &Patch::Apply(wanted)).await.map_err(at(&name)).map(drop)
}

trait Object: Resource + Clone + DeserializeOwned + Serialize + fmt::Debug {}

impl<K: Resource + Clone + DeserializeOwned + Serialize + fmt::Debug> Object for K {}

fn at(name: &str) -> impl FnOnce(kube::Error) -> AdmissionError {
    let name = name.to_owned();
    move |error| match &error {
        // Of a kind that is not served, not of an object: that one is looked for before.
        kube::Error::Api(status) if status.is_not_found() => AdmissionError::NotServed,
        _ => AdmissionError::Api { name, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests;
