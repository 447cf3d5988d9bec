//! Finds and removes what is left of a synchronizer.

use futures::stream::{self, StreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use xos_engine::admission::{self, Stored};
use xos_engine::installation::{self, Installation, Installations};
use xos_kinds::ObjectKind;
use xos_model::names::check_synchronizer;

use super::UninstallError;
use super::strip::{Held, finalizers_patch, needs_touch, status_patch};
use super::target::{Extent, Target};
use crate::kinds::{self, Kind, KindsError};

/// How many objects are written at once.
const AT_ONCE: usize = 8;
/// How often an object is tried that others change meanwhile.
const ATTEMPTS: usize = 5;
/// How often it is looked for objects that came under the synchronizer's hold meanwhile.
const ROUNDS: usize = 3;
/// The field manager of the writes.
const MANAGER: &str = "xos/uninstall";

/// What is left of a synchronizer.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its installations; they stay if only some objects are freed.
    pub(super) installations: Vec<Installation>,
    /// Its admission policies; they stay too.
    pub(super) policies: Stored,
    /// The objects that it holds, or has bookkeeping of.
    pub(super) objects: Vec<FoundObject>,
}

/// An object, and what is the synchronizer's of it.
#[derive(Clone, Debug)]
pub(super) struct FoundObject {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) held: Held,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.installations.is_empty() && self.policies.is_empty() && self.objects.is_empty()
    }
}

/// What was removed, and what was not.
#[derive(Debug, Default)]
pub(super) struct Removed {
    /// Of how many objects.
    pub(super) objects: usize,
    /// What could not be removed, and why.
    pub(super) errors: Vec<String>,
}

/// Looks for everything that is left of the synchronizer.
pub(super) async fn find(client: &Client, target: &Target) -> Result<Found, UninstallError> {
    let all = match installation::list(client).await {
        // One without rights for the cluster has said nothing there.
        Err(error) if error.is_forbidden() && target.extent == Extent::Installation => Installations::default(),
        listed => listed?,
    };
    let installations: Vec<_> = all.0.iter().filter(|one| target.covers(one)).cloned().collect();
    let is_used = all.of(&target.name).any(|one| !target.covers(one));
    // A name that cannot be a label is on no policy.
    let policies = match check_synchronizer(&target.name) {
        Ok(()) if target.is_whole() && !is_used => match admission::stored(client, &target.name).await {
            Err(error) if error.is_forbidden() && target.extent == Extent::Installation => Stored::default(),
            stored => stored?,
        },
        _ => Stored::default(),
    };
    Ok(Found { installations, policies, objects: find_objects(client, target).await? })
}

/// Returns the kind of sets of models, if it is defined: a synchronizer holds these, too.
async fn model_sets(client: &Client) -> Option<Kind> {
    let name = ObjectKind::ModelSet.definition();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let only = ListParams::default().fields(&format!("metadata.name={name}"));
    let listed = definitions.list(&only).await.ok()?;
    Kind::read(&serde_json::to_value(listed.items.first()?).ok()?)
}

/// Returns the kinds of the cluster, with sets of models; those of the synchronizer's models if it may not list definitions.
async fn kinds_of(client: &Client, target: &Target) -> Result<Vec<Kind>, KindsError> {
    let mut kinds = match kinds::of_models(client).await {
        Err(error) if error.is_forbidden() && !target.own.is_empty() => {
            target.own.iter().map(|own| own.kind.clone()).collect()
        }
        kinds => kinds?,
    };
    kinds.extend(model_sets(client).await);
    Ok(kinds)
}

async fn find_objects(client: &Client, target: &Target) -> Result<Vec<FoundObject>, UninstallError> {
    let all = kinds_of(client, target).await?;
    for name in &target.kinds {
        kinds::called(&all, name)?;
    }
    let mut found = vec![];
    let is_meant = |kind: &&Kind| target.kinds.is_empty() || target.kinds.iter().any(|name| kind.is_called(name));
    for kind in all.iter().filter(is_meant) {
        for namespace in target.places() {
            let each = |object: &DynamicObject| {
                let held = serde_json::to_value(object).ok().and_then(|object| Held::of(&object, &target.name));
                found.extend(held.map(|held| FoundObject {
                    kind: kind.clone(),
                    namespace: object.namespace().unwrap_or_default(),
                    name: object.name_any(),
                    held,
                }));
            };
            match kinds::for_each(&kind.api(client, namespace), each).await {
                Ok(()) => {}
                // Kinds of others, which a hook of this synchronizer may not see.
                Err(kube::Error::Api(status)) if status.is_forbidden() && is_foreign(target, kind) => {}
                Err(source) => return Err(UninstallError::List { kind: kind.full_name(), source: Box::new(source) }),
            }
        }
    }
    Ok(found)
}

fn is_foreign(target: &Target, kind: &Kind) -> bool {
    target.extent == Extent::Installation && !target.own.iter().any(|own| own.kind.full_name() == kind.full_name())
}

/// Removes what was found: first what would set finalizers on new objects.
pub(super) async fn remove(client: &Client, target: &Target, found: Found) -> Result<Removed, UninstallError> {
    let mut removed = Removed::default();
    if target.is_whole() {
        for installation in &found.installations {
            let deleted = installation::uninstall(client, installation).await;
            removed.errors.extend(deleted.err().map(|error| error.to_string()));
        }
        let deleted = admission::remove(client, &found.policies).await;
        removed.errors.extend(deleted.err().map(|error| format!("admission policies: {error}")));
    }
    let mut objects = found.objects;
    for round in 0..ROUNDS {
        let freed = stream::iter(objects).map(|object| async move {
            let freed = free(client, &target.name, &object).await;
            freed
                .map_err(|error| format!("{} {}/{}: {error}", object.kind.resource.kind, object.namespace, object.name))
        });
        let outcomes: Vec<_> = freed.buffer_unordered(AT_ONCE).collect().await;
        let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.clone().err()).collect();
        removed.objects += outcomes.len() - failed.len();
        objects = find_objects(client, target).await?;
        if objects.is_empty() {
            break;
        }
        if !failed.is_empty() || round + 1 == ROUNDS {
            removed.errors.extend(failed);
            let again = objects.len();
            removed.errors.push(format!(
                "{again} objects still have something of `{}`: if it runs, stop it; then repeat this command",
                target.name
            ));
            break;
        }
    }
    Ok(removed)
}

/// Frees an object: its status first, while it is there.
async fn free(client: &Client, name: &str, found: &FoundObject) -> Result<(), String> {
    let api = found.kind.api(client, Some(&found.namespace));
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match free_once(&api, name, &found.name).await {
            Ok(()) => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_conflict() => last = status.message,
            Err(kube::Error::Api(status)) => return Err(status.message),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(last)
}

async fn free_once(api: &Api<DynamicObject>, name: &str, object: &str) -> Result<(), kube::Error> {
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let mut now = whole(&api.get(object).await?);
    let touch = needs_touch(&now, name).then(|| format!("uninstalled {name}"));
    let mut failed = None;
    if let Some(patch) = status_patch(&now, name) {
        // Without its bookkeeping an object is untidy; with its finalizer it stays for ever.
        match api.patch_status(object, &parameters, &Patch::Merge(&patch)).await {
            Ok(written) => now = whole(&written),
            Err(error) => failed = Some(error),
        }
    }
    if let Some(patch) = finalizers_patch(&now, name, touch.as_deref()) {
        api.patch(object, &parameters, &Patch::Merge(&patch)).await?;
    }
    failed.map_or(Ok(()), Err)
}

fn whole(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
