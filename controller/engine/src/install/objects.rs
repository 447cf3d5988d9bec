//! Asks all stored objects of a kind whether they would survive a change.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt as _};
use xos_crds::change::Change;
use xos_crds::names::VERSION;

use super::ExamineError;

/// How many objects the API server returns in one answer.
const PAGE: u32 = 500;
/// How often a list is begun again that took so long that the API server forgot its place.
const ATTEMPTS: usize = 3;

/// Asks all stored objects, in all namespaces, whether the change breaks them.
///
/// A definition is one for the whole cluster. So a controller that may not list everywhere cannot tell whether its
/// change is safe, whatever namespaces it works in: that is left in [`Change::unseen`].
pub(super) async fn ask(client: &Client, stored: &Definition, change: &mut Change) -> Result<(), ExamineError> {
    let names = &stored.spec.names;
    let kind = GroupVersionKind::gvk(&stored.spec.group, VERSION, &names.kind);
    let api = Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, &names.plural));
    let mut attempts = 0;
    loop {
        attempts += 1;
        change.forget_objects();
        match all(&api, change).await {
            Ok(()) => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_forbidden() => {
                change.unseen = Some(forbidden(stored, &status.message));
                return Ok(());
            }
            Err(kube::Error::Api(status)) if status.code == 410 && attempts < ATTEMPTS => {}
            Err(source) => {
                return Err(ExamineError::Objects { plural: stored.name_any(), source: Box::new(source) });
            }
        }
    }
}

async fn all(api: &Api<DynamicObject>, change: &mut Change) -> Result<(), kube::Error> {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        for object in &list.items {
            let name = match object.namespace() {
                Some(namespace) => format!("{namespace}/{}", object.name_any()),
                None => object.name_any(),
            };
            change.look_at(&name, &object.data);
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}

fn forbidden(stored: &Definition, message: &str) -> String {
    format!(
        "{message}\n  help: allow it to `list` {} (API group {}) in all namespaces, by a ClusterRole and a ClusterRoleBinding; or let \
         somebody who may do that look with `crds --diff`, and apply it with `crds PATH | kubectl apply --server-side \
         --force-conflicts -f -`",
        stored.spec.names.plural, stored.spec.group
    )
}
