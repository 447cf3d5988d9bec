//! Makes the definitions of the framework's own kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::api::{InstallationError, at};

/// The field manager of the definitions, whichever synchronizer applies them.
const MANAGER: &str = "xos/crds";
/// The label of a definition with its revision: an older program does not replace a newer definition.
const REVISION_LABEL: &str = "xos.opencord.org/revision";
/// How long a new definition may take until it is established.
pub(super) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Makes the definition of one of the framework's own kinds if it is not there, or is an older one, and waits until it is
/// established.
///
/// # Errors
/// When the API server refuses, or the definition is not established in time.
pub async fn ensure(client: &Client, name: &str, definition: &Value, revision: u64) -> Result<(), InstallationError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let there = definitions.get_opt(name).await.map_err(at(format!("cannot read CustomResourceDefinition {name}")))?;
    let stored = |there: &CustomResourceDefinition| there.labels().get(REVISION_LABEL)?.parse::<u64>().ok();
    if there.as_ref().and_then(stored).is_none_or(|there| there < revision) {
        let mut wanted = definition.clone();
        wanted["metadata"]["labels"] = json!({REVISION_LABEL: revision.to_string()});
        let parameters = PatchParams::apply(MANAGER).force();
        match definitions.patch(name, &parameters, &Patch::Apply(&wanted)).await {
            Ok(_) => {}
            // Another synchronizer makes it at the same time.
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {}
            Err(error) => return Err(at(format!("cannot apply CustomResourceDefinition {name}"))(error)),
        }
    }
    let established = await_condition(definitions, name, conditions::is_crd_established());
    match tokio::time::timeout(PATIENCE, established).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(InstallationError::NotEstablished { name: name.to_owned() }),
    }
}
