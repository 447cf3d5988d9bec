//! Applies the CustomResourceDefinitions of the models and waits until they can be used.

use std::time::Duration;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::wait::{self, await_condition, conditions};
use kube::{Client, ResourceExt as _};

/// The field manager of all definitions, whichever synchronizer applies them.
const MANAGER: &str = "xos/crds";
/// A definition is established within milliseconds, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 8;

/// Why the definitions are not there.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The API server refused a definition, or could not be reached.
    #[error("cannot apply CustomResourceDefinition {name}: {source}")]
    Apply {
        /// The definition.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// The state of a definition could not be read.
    #[error("cannot watch CustomResourceDefinition {name}: {source}")]
    Watch {
        /// The definition.
        name: String,
        /// What went wrong.
        source: Box<wait::Error>,
    },
    /// A definition was applied but is not served.
    #[error(
        "CustomResourceDefinition {name} is not established after {} s: see its conditions with \
         `kubectl describe crd {name}`", PATIENCE.as_secs()
    )]
    NotEstablished {
        /// The definition.
        name: String,
    },
}

/// Applies all definitions (server-side apply) and waits until all are established.
///
/// # Errors
/// When one is refused, or is not established within a minute.
pub async fn install(client: &Client, definitions: Vec<CustomResourceDefinition>) -> Result<(), InstallError> {
    let each = stream::iter(definitions).map(|definition| install_one(client, definition));
    each.buffer_unordered(AT_ONCE).try_collect::<()>().await
}

async fn install_one(client: &Client, definition: CustomResourceDefinition) -> Result<(), InstallError> {
    let name = definition.name_any();
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let parameters = PatchParams::apply(MANAGER).force();
    api.patch(&name, &parameters, &Patch::Apply(&definition))
        .await
        .map_err(|source| InstallError::Apply { name: name.clone(), source: Box::new(source) })?;
    let established = await_condition(api, &name, conditions::is_crd_established());
    match tokio::time::timeout(PATIENCE, established).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(source)) => Err(InstallError::Watch { name, source: Box::new(source) }),
        Err(_) => Err(InstallError::NotEstablished { name }),
    }
}
