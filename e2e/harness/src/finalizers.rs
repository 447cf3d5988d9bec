//! Removes the finalizers of objects whose controller is gone.

use std::collections::HashMap;

use futures::{StreamExt as _, stream};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
    discovery::pinned_kind,
};
use serde_json::json;

use crate::kubectl::Kubectl;

/// How many requests are sent at once: enough to keep the API server busy.
const AT_ONCE: usize = 16;
/// `apiVersion kind name` of each object that has finalizers.
const HELD: &str =
    r#"jsonpath={range .items[?(@.metadata.finalizers)]}{.apiVersion}{" "}{.kind}{" "}{.metadata.name}{"\n"}{end}"#;

/// Removes the finalizers of all model objects of a namespace. kubectl would take 20 ms for each object, and tests
/// leave tens of thousands.
pub(crate) async fn remove(client: &Client, kubectl: &Kubectl, namespace: &str) {
    let listed = kubectl.ok(&["-n", namespace, "get", "xos", "-o", HELD]).await.unwrap_or_default();
    let mut kinds: HashMap<GroupVersionKind, Option<ApiResource>> = HashMap::new();
    let mut held = vec![];
    for line in listed.lines() {
        let [version, kind, name] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else { continue };
        let Some((group, version)) = version.split_once('/') else { continue };
        let kind = GroupVersionKind::gvk(group, version, kind);
        if !kinds.contains_key(&kind) {
            let found = pinned_kind(client, &kind).await.ok().map(|(resource, _)| resource);
            kinds.insert(kind.clone(), found);
        }
        if let Some(resource) = kinds.get(&kind).and_then(Option::as_ref) {
            held.push((Api::<DynamicObject>::namespaced_with(client.clone(), namespace, resource), name));
        }
    }
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let each = stream::iter(held).map(|(api, name)| {
        let patch = &patch;
        // An object that was deleted meanwhile needs no patch.
        async move { api.patch(name, &PatchParams::default(), patch).await.ok() }
    });
    each.buffer_unordered(AT_ONCE).for_each(async |_patched| ()).await;
}
