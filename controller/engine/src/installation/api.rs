//! Reads and writes the objects of the kind `Synchronizer`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt as _;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use xos_crds::names::MANAGER_PREFIX;

use crate::api_error::explain;

use super::ensure::{PATIENCE, ensure};
use super::{DEFINITION, Installation, Installations, definition, resource};
use jiff::Timestamp;

/// To be raised with each change of the definition.
const REVISION: u64 = 1;
/// How often it is looked whether it is.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(100);

/// Why a synchronizer cannot be announced, or the announced ones cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The API server refused.
    #[error("{what}: {}", explain(.source))]
    Api {
        /// What was tried.
        what: String,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// The definition is not served.
    #[error("CustomResourceDefinition {name} is not established: see `kubectl describe crd {name}`")]
    NotEstablished {
        /// Its name.
        name: String,
    },
    /// The object's name is taken.
    #[error("Synchronizer {object} is that of `{synchronizer}`: give one of the two another name")]
    Taken {
        /// The object.
        object: String,
        /// Whose it is.
        synchronizer: String,
    },
}

impl InstallationError {
    /// Whether the rights are missing.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.is_forbidden()))
    }
}

fn api(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource())
}

fn manager(installation: &Installation) -> String {
    format!("{MANAGER_PREFIX}{}/installation", installation.spec.synchronizer)
}

pub(super) fn at(what: impl Into<String>) -> impl FnOnce(kube::Error) -> InstallationError {
    let what = what.into();
    move |source| InstallationError::Api { what, source: Box::new(source) }
}

/// Makes the definition of the kind `Synchronizer`, and waits until it is served.
async fn ensure_definition(client: &Client) -> Result<(), InstallationError> {
    ensure(client, DEFINITION, &definition(), REVISION).await?;
    let late = |_| InstallationError::NotEstablished { name: DEFINITION.to_owned() };
    tokio::time::timeout(PATIENCE, served(client)).await.map_err(late)
}

/// Waits until the kind is served, which is a moment after it is established.
async fn served(client: &Client) {
    let is_missing = async || {
        let listed = api(client).list(&ListParams::default().limit(1)).await;
        matches!(listed, Err(kube::Error::Api(status)) if status.is_not_found())
    };
    while is_missing().await {
        tokio::time::sleep(MOMENT).await;
    }
}

/// Says that a synchronizer is installed and was started, in place of what it said before for other namespaces. Returns
/// all that are installed.
///
/// # Errors
/// When the API server refuses, or the name of the object is taken.
pub async fn announce(client: &Client, own: &Installation) -> Result<Installations, InstallationError> {
    ensure_definition(client).await?;
    let all = list(client).await?;
    let name = own.object_name();
    let other = all.0.iter().find(|one| one.object_name() == name && one.spec.synchronizer != own.spec.synchronizer);
    if let Some(other) = other {
        return Err(InstallationError::Taken { object: name, synchronizer: other.spec.synchronizer.clone() });
    }
    apply(client, own).await?;
    for replaced in all.replaced_by(own) {
        delete(client, &replaced.object_name()).await?;
    }
    Ok(all)
}

async fn apply(client: &Client, own: &Installation) -> Result<(), InstallationError> {
    let name = own.object_name();
    let parameters = PatchParams::apply(&manager(own)).force();
    let applied = api(client).patch(&name, &parameters, &Patch::Apply(own.object())).await;
    applied.map(drop).map_err(at(format!("cannot apply Synchronizer {name}")))
}

async fn delete(client: &Client, name: &str) -> Result<(), InstallationError> {
    match api(client).delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(at(format!("cannot delete Synchronizer {name}"))(error)),
    }
}

/// Says that the process of an installation ended in good order, unless another one was started meanwhile, or it was
/// uninstalled.
///
/// # Errors
/// When the API server refuses.
pub async fn ended(client: &Client, own: &Installation, now: Timestamp) -> Result<(), InstallationError> {
    let name = own.object_name();
    let there = api(client).get_opt(&name).await.map_err(at(format!("cannot read Synchronizer {name}")))?;
    let Some(there) = there else { return Ok(()) };
    if Installation::read(&there).and_then(|there| there.run) != own.run {
        return Ok(());
    }
    let run = own.run.clone().map(|run| super::Run { stopped_at: Some(now), ..run });
    let mut object = Installation { run, ..own.clone() }.object();
    object.metadata.resource_version = there.metadata.resource_version;
    let parameters = PatchParams::apply(&manager(own)).force();
    let applied = api(client).patch(&name, &parameters, &Patch::Apply(object)).await;
    applied.map(drop).map_err(at(format!("cannot apply Synchronizer {name}")))
}

/// Returns all that are installed; none if the kind is not defined.
///
/// # Errors
/// When the API server refuses.
pub async fn list(client: &Client) -> Result<Installations, InstallationError> {
    let listed = match api(client).list(&ListParams::default()).await {
        Ok(listed) => listed,
        Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(Installations::default()),
        Err(error) => return Err(at("cannot list Synchronizers")(error)),
    };
    Ok(Installations(listed.items.iter().filter_map(Installation::read).collect()))
}

/// Deletes the object of an installation: its admission policy sets no more finalizers.
///
/// # Errors
/// When the API server refuses.
pub async fn uninstall(client: &Client, installation: &Installation) -> Result<(), InstallationError> {
    delete(client, &installation.object_name()).await
}

/// Hands on what is installed whenever that changes, until nobody listens. Says once if that cannot be read, and tries
/// again with growing delay.
pub async fn watch(client: Client, known: tokio::sync::watch::Sender<Option<Arc<Installations>>>) {
    let mut all: BTreeMap<String, Installation> = BTreeMap::new();
    let mut listed: BTreeMap<String, Installation> = BTreeMap::new();
    let mut is_told = false;
    let mut events = std::pin::pin!(watcher(api(&client), watcher::Config::default()).default_backoff());
    while !known.is_closed() {
        let changed = match events.try_next().await {
            Ok(Some(watcher::Event::Init)) => {
                listed.clear();
                false
            }
            Ok(Some(watcher::Event::InitApply(object))) => {
                listed.extend(Installation::read(&object).map(|read| (object.name_any(), read)));
                false
            }
            Ok(Some(watcher::Event::InitDone)) => {
                all = std::mem::take(&mut listed);
                true
            }
            Ok(Some(watcher::Event::Apply(object))) => {
                all.extend(Installation::read(&object).map(|read| (object.name_any(), read)));
                true
            }
            Ok(Some(watcher::Event::Delete(object))) => all.remove(&object.name_any()).is_some(),
            Ok(None) => return,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::info!(%error, "cannot watch which synchronizers are installed: objects do not say who is missed");
                }
                false
            }
        };
        if changed {
            known.send_replace(Some(Arc::new(Installations(all.values().cloned().collect()))));
        }
    }
}
