//! Finalizers at creation: a MutatingAdmissionPolicy adds them to an object in the very request that creates it.
//!
//! Which finalizers, on which kinds and in which namespaces stands in the policy's parameter, the synchronizer's
//! [`Installation`]: without that the policy sets nothing.
//!
//! Where the API server has no such policies (before Kubernetes 1.36), or the controller may not create them, the first
//! attempt at an object sets its finalizers with a write of its own.

mod api;

use k8s_openapi::api::admissionregistration::v1::{
    ApplyConfiguration, MatchCondition, MatchResources, MutatingAdmissionPolicy as Policy,
    MutatingAdmissionPolicyBinding as Binding, MutatingAdmissionPolicyBindingSpec, MutatingAdmissionPolicySpec,
    Mutation, NamedRuleWithOperations, ParamKind, ParamRef,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::ObjectMeta;
use xos_crds::names::VERSION;
use xos_model::names::SYNCHRONIZER_LABEL;

use crate::installation::{Installation, KIND, object_name, resource};

pub use api::{AdmissionError, Stored, agree, remove, stored, unsettled};

/// The kind of a request, in the list of its synchronizer.
const HANDLED: &str =
    "k.group == request.resource.group && k.resource == request.resource.resource && k.finalizersAtCreation";

/// Returns the policy of a synchronizer and the binding that puts it into effect. Both are the same for all its
/// installations.
pub fn policy(installation: &Installation) -> (Policy, Binding) {
    let synchronizer = &installation.spec.synchronizer;
    let labels = [(SYNCHRONIZER_LABEL.to_owned(), synchronizer.clone())];
    let name = format!("xos-{}", object_name(synchronizer));
    let metadata =
        ObjectMeta { name: Some(name.clone()), labels: Some(labels.clone().into()), ..ObjectMeta::default() };
    let policy = Policy { metadata: metadata.clone(), spec: Some(policy_spec(installation)) };
    let selector = LabelSelector { match_labels: Some(labels.into()), match_expressions: None };
    let parameters = ParamRef {
        selector: Some(selector),
        // Without a parameter nothing is set, and nothing is refused.
        parameter_not_found_action: Some("Allow".to_owned()),
        ..ParamRef::default()
    };
    let spec = MutatingAdmissionPolicyBindingSpec {
        match_resources: Some(everywhere(None)),
        policy_name: Some(name),
        param_ref: Some(parameters),
    };
    (policy, Binding { metadata, spec: Some(spec) })
}

fn policy_spec(installation: &Installation) -> MutatingAdmissionPolicySpec {
    let mut groups: Vec<_> = installation.spec.kinds.iter().map(|kind| kind.group.clone()).collect();
    groups.sort();
    groups.dedup();
    // The parameter says which kinds. A list of them here would have to be the same for all installations.
    let rule = NamedRuleWithOperations {
        api_groups: Some(groups),
        api_versions: Some(vec![VERSION.to_owned()]),
        operations: Some(vec!["CREATE".to_owned()]),
        resources: Some(vec!["*".to_owned()]),
        scope: Some("*".to_owned()),
        ..NamedRuleWithOperations::default()
    };
    let in_namespace = "params.spec.namespaces.size() == 0 || request.namespace in params.spec.namespaces";
    let condition = MatchCondition {
        name: "is-looked-after".to_owned(),
        expression: format!("({in_namespace}) && params.spec.kinds.exists(k, {HANDLED})"),
    };
    // Finalizers are a set: those that the request brings itself stay.
    let finalizers = format!("params.spec.kinds.filter(k, {HANDLED})[0].finalizers");
    let mutation = Mutation {
        patch_type: "ApplyConfiguration".to_owned(),
        apply_configuration: Some(ApplyConfiguration {
            expression: Some(format!("Object{{metadata: Object.metadata{{finalizers: {finalizers}}}}}")),
        }),
        json_patch: None,
    };
    MutatingAdmissionPolicySpec {
        // An object without finalizers gets them by a write of the controller.
        failure_policy: Some("Ignore".to_owned()),
        match_conditions: Some(vec![condition]),
        match_constraints: Some(everywhere(Some(vec![rule]))),
        mutations: Some(vec![mutation]),
        param_kind: Some(ParamKind { api_version: Some(resource().api_version), kind: Some(KIND.to_owned()) }),
        reinvocation_policy: Some("Never".to_owned()),
        variables: None,
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

#[cfg(test)]
mod tests;
