//! Waiting until rights take effect: the API server reads RBAC through a cache, a moment after it was written.

use std::time::Duration;

use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    rbac::v1::PolicyRule,
};
use kube::{Api, Client, api::PostParams};
use serde_json::Value;

use crate::wait::{Timeout, eventually};

/// How long that may take. It usually takes a few hundredths of a second.
const IN_FORCE: Duration = Duration::from_secs(30);

/// Waits until `account` has the rights of the roles among `objects`. One rule of each role is checked: a role and its
/// binding take effect as a whole.
pub(super) async fn in_force(
    client: &Client,
    namespace: &str,
    account: &str,
    objects: &[Value],
) -> Result<(), Timeout> {
    let user = format!("system:serviceaccount:{namespace}:{account}");
    for asked in objects.iter().filter_map(first_rule) {
        let attributes =
            ResourceAttributes { namespace: asked.namespaced.then(|| namespace.to_owned()), ..asked.attributes };
        let spec = SubjectAccessReviewSpec {
            user: Some(user.clone()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        allowed(client, spec).await?;
    }
    Ok(())
}

struct Asked {
    namespaced: bool,
    attributes: ResourceAttributes,
}

fn first_rule(object: &Value) -> Option<Asked> {
    let kind = object["kind"].as_str()?;
    if !matches!(kind, "Role" | "ClusterRole") {
        return None;
    }
    let rule: PolicyRule = serde_json::from_value(object["rules"][0].clone()).ok()?;
    let first = |words: Option<Vec<String>>| words.and_then(|words| words.into_iter().next());
    let attributes = ResourceAttributes {
        group: first(rule.api_groups),
        resource: first(rule.resources),
        name: first(rule.resource_names),
        verb: rule.verbs.into_iter().next(),
        ..ResourceAttributes::default()
    };
    Some(Asked { namespaced: kind == "Role", attributes })
}

async fn allowed(client: &Client, spec: SubjectAccessReviewSpec) -> Result<(), Timeout> {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    eventually(IN_FORCE, "the manifest's rights to be in force", async || {
        match reviews.create(&PostParams::default(), &review).await {
            Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => Ok(()),
            Ok(answer) => Err(format!("{:?}", answer.spec)),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}
