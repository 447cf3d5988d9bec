//! Counts the stored objects of the kinds of a set, and deletes them.

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions};
use kube::core::PartialObjectMeta;
use kube::{ResourceExt as _, api::ApiResource};
use serde_json::json;
use xos_model::names::finalizer_owner;

use super::{Cluster, OwnKind};

/// The number of objects of each kind that has some.
pub(super) type Counts = Vec<(String, u64)>;

/// Returns counts as people read them: `2 Site, 1 Node`.
pub(super) fn told(counts: &Counts) -> String {
    counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}

impl Cluster {
    fn places(&self, client: &Client, resource: &ApiResource) -> Vec<Api<DynamicObject>> {
        if self.namespaces.is_empty() {
            return vec![Api::all_with(client.clone(), resource)];
        }
        let each = self.namespaces.iter();
        each.map(|namespace| Api::namespaced_with(client.clone(), namespace, resource)).collect()
    }

    /// Counts the stored objects of kinds. A kind that is not served has none.
    pub(super) async fn count(&self, client: &Client, kinds: &[OwnKind]) -> kube::Result<Counts> {
        let mut counts = vec![];
        for OwnKind { resource, .. } in kinds {
            let mut count = 0;
            for api in self.places(client, resource) {
                match api.list_metadata(&ListParams::default().limit(1)).await {
                    Ok(list) => {
                        let more = list.metadata.remaining_item_count.and_then(|more| u64::try_from(more).ok());
                        count += more.unwrap_or_default() + u64::try_from(list.items.len()).unwrap_or_default();
                    }
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    Err(error) => return Err(error),
                }
            }
            if count > 0 {
                counts.push((resource.kind.clone(), count));
            }
        }
        Ok(counts)
    }

    /// Deletes the objects of kinds that are not being deleted yet. `purges`: without the steps of this synchronizer.
    pub(super) async fn delete_objects(&self, client: &Client, kinds: &[OwnKind], purges: bool) -> kube::Result<()> {
        for OwnKind { resource, .. } in kinds {
            for api in self.places(client, resource) {
                let listed = match api.list_metadata(&ListParams::default()).await {
                    Ok(list) => list.items,
                    Err(kube::Error::Api(status)) if status.code == 404 => continue,
                    Err(error) => return Err(error),
                };
                for object in listed {
                    let namespace = object.namespace().unwrap_or_default();
                    let api = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, resource);
                    delete(&api, &object, purges.then_some(self.synchronizer.as_str())).await?;
                }
            }
        }
        Ok(())
    }
}

async fn delete(
    api: &Api<DynamicObject>,
    object: &PartialObjectMeta<DynamicObject>,
    without_steps_of: Option<&str>,
) -> kube::Result<()> {
    let name = object.name_any();
    if object.metadata.deletion_timestamp.is_none() {
        let preconditions = Preconditions { uid: object.uid(), resource_version: None };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        gone_is_fine(api.delete(&name, &parameters).await.map(drop))?;
    }
    let Some(synchronizer) = without_steps_of else { return Ok(()) };
    let is_its = |one: &&String| finalizer_owner(one).is_some_and(|(owner, _)| owner == synchronizer);
    let kept: Vec<_> = object.finalizers().iter().filter(|one| !is_its(one)).collect();
    // The deletion has changed it: its version is not a precondition.
    if kept.len() < object.finalizers().len() {
        let patch = json!({"metadata": {"uid": object.uid(), "finalizers": kept}});
        gone_is_fine(api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop))?;
    }
    Ok(())
}

/// An object that is gone, or has changed meanwhile, is looked at again.
fn gone_is_fine(answer: kube::Result<()>) -> kube::Result<()> {
    match answer {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        answer => answer,
    }
}
