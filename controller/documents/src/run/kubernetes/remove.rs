//! Removes objects of Kubernetes that belong to an object of ours.

use kube::api::{DeleteParams, Preconditions};
use kube::core::params::PropagationPolicy;
use serde_json::Value as Json;
use xos_model::Object;
use xos_steps::{StepContext, StepError};

use super::api::{KubernetesError, api, failed, get, version_of};
use super::apply::kind_of;
use super::owned::{Owned, all_of};
use super::watch::Looking;
use super::{KubernetesDocument, Owner, Watched, id, watched_kind};

/// The groups whose objects have others of their own, as the pods of a Deployment: they go after these.
const WITH_PARTS: [&str; 2] = ["apps", "batch"];

impl KubernetesDocument {
    /// Removes all that belongs to an object, in reverse order: each when the one after it is gone.
    pub(super) async fn remove_all(
        &self,
        ctx: &StepContext,
        object: &Object,
        looking: &mut Looking,
    ) -> Result<(), StepError> {
        let owner = Owner::of(ctx, &ctx.shared_store().models(), object);
        for owned in all_of(object, ctx.synchronizer()).into_iter().rev() {
            let left = remove(ctx, &owner, vec![owned], looking).await?;
            if let Some(left) = left.first() {
                return Err(StepError::awaits(format!("waits until {} is gone", left.called())));
            }
        }
        Ok(())
    }
}

/// Asks for the deletion of objects that belong to an owner, the last one first. Returns those that are not gone yet; they
/// are watched.
pub(super) async fn remove(
    ctx: &StepContext,
    owner: &Owner,
    all: Vec<Owned>,
    looking: &mut Looking,
) -> Result<Vec<Owned>, StepError> {
    let mut left = vec![];
    for owned in all.into_iter().rev() {
        if let Some(object) = is_left(ctx, owner, &owned).await? {
            let kind = kind_of(&owned);
            let is_limited = !ctx.shared_store().namespaces().is_empty();
            let shown = watched_kind(&kind, is_limited.then_some(owned.namespace.as_str()));
            let shown = Watched { labels: Some(Owner::selector(ctx)), ..shown };
            looking.saw(shown, id(&kind, &owned.namespace, &owned.name), version_of(&object));
            left.push(owned);
        }
    }
    Ok(left)
}

/// Asks for the deletion of an object, if it is there and belongs to the owner. Returns it if it is not gone yet.
async fn is_left(ctx: &StepContext, owner: &Owner, owned: &Owned) -> Result<Option<Json>, StepError> {
    let client = ctx.kube()?;
    let there = match get(client, &owned.kind, (&owned.namespace, &owned.name)).await {
        // Its definition is gone, and all objects with it.
        Err(KubernetesError::Unserved { .. }) => None,
        there => there?,
    };
    let Some(object) = there.filter(|object| owner.owns(object)) else { return Ok(None) };
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Ok(Some(object));
    }
    let has_parts = WITH_PARTS.contains(&owned.kind.group.as_str());
    let propagation = if has_parts { PropagationPolicy::Foreground } else { PropagationPolicy::Background };
    let uid = object["metadata"]["uid"].as_str().map(str::to_owned);
    let parameters = DeleteParams {
        propagation_policy: Some(propagation),
        preconditions: Some(Preconditions { uid, resource_version: None }),
        ..DeleteParams::default()
    };
    let api = api(client, &owned.kind, Some(&owned.namespace));
    match api.delete(&owned.name, &parameters).await {
        Ok(answer) => {
            // Of what is gone at once some answers still show the object.
            let is_going = |left: &kube::api::DynamicObject| left.metadata.deletion_timestamp.is_some();
            let left = answer.left().filter(is_going);
            Ok(left.map(|left| super::api::json(&left, || owned.called())).transpose()?)
        }
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
        Err(error) => Err(failed(&owned.kind, owned.called(), &error).into()),
    }
}
