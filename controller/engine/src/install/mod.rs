//! Applies the CustomResourceDefinitions of the models, unless that would break stored objects, and waits until they
//! can be used.

use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::wait::{self, await_condition, conditions};
use kube::{Client, ResourceExt as _};
use xos_crds::change::{Change, Effect, Refusal, Report, Verdict, compare};

mod examine;
mod objects;
mod provided;

pub use examine::{ExamineError, examine};
pub use provided::served;

use crate::api_error::{explain, with_causes};

use examine::{Examined, examine_one};

/// The field manager of all definitions, whichever synchronizer applies them.
const MANAGER: &str = "xos/crds";
/// A definition is established within milliseconds, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 8;
/// How often a definition is examined again because somebody else has changed it meanwhile.
const ATTEMPTS: usize = 5;

/// Why the definitions are not there.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A definition could not be compared with the stored one.
    #[error(transparent)]
    Examine(#[from] ExamineError),
    /// Stored objects would be broken, or it cannot be told that none is. Nothing was applied, unless somebody else has
    /// changed a definition in between.
    #[error("{0}")]
    Refused(Refusal),
    /// The API server refused a definition, or could not be reached.
    #[error("cannot apply CustomResourceDefinition {name}: {}", explain(.source))]
    Apply {
        /// The definition.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// Somebody else changes a definition all the time.
    #[error(
        "CustomResourceDefinition {name} was changed by somebody else {ATTEMPTS} times while it was compared: are there \
         programs with different models for it? `kubectl get crd {name} -o yaml --show-managed-fields` shows who writes it"
    )]
    Contended {
        /// The definition.
        name: String,
    },
    /// The state of a definition could not be read.
    #[error("cannot watch CustomResourceDefinition {name}: {}", with_causes(.source))]
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

/// Applies all definitions that differ from the stored ones (server-side apply) and waits until all are established.
///
/// All are examined before the first is applied: if one would break stored objects, none is. What is applied is what
/// was examined: the stored definition's resourceVersion is a precondition.
///
/// Returns whether any was changed.
///
/// # Errors
/// When one would break stored objects or cannot be examined, when the API server refuses one, or when one is not
/// established within a minute.
pub async fn install(client: &Client, definitions: Vec<Definition>) -> Result<bool, InstallError> {
    let examined = accepted(client, definitions).await?;
    let each = stream::iter(examined).map(|one| install_one(client, one));
    each.buffer_unordered(AT_ONCE).try_fold(false, async |any, changed| Ok(any | changed)).await
}

/// Does all of this but the writing: a process that does not lead yet would only find out when it does.
///
/// # Errors
/// When a definition would break stored objects, or cannot be examined.
pub async fn check(client: &Client, definitions: Vec<Definition>) -> Result<(), InstallError> {
    accepted(client, definitions).await.map(drop)
}

/// Returns the definitions with what applying them would change.
async fn accepted(client: &Client, definitions: Vec<Definition>) -> Result<Vec<Examined>, InstallError> {
    let examined: Vec<_> = stream::iter(definitions)
        .map(|definition| examine_one(client, definition))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let changes: Vec<Change> = examined.iter().map(|one| one.change.clone()).collect();
    if Report(&changes).verdict() == Verdict::Refuse {
        return Err(InstallError::Refused(Refusal(changes)));
    }
    Ok(examined)
}

/// Applies a definition if it differs. Returns whether it did.
async fn install_one(client: &Client, mut examined: Examined) -> Result<bool, InstallError> {
    let name = examined.definition.name_any();
    for _ in 0..ATTEMPTS {
        match examined.change.verdict() {
            Verdict::Refuse => return Err(InstallError::Refused(Refusal(vec![examined.change]))),
            // One that leads waits for nothing that is there.
            Verdict::Unchanged if examined.is_established => return Ok(false),
            Verdict::Unchanged => return established(client, name).await.map(|()| false),
            Verdict::Apply => {}
        }
        if let Some(stored) = apply(client, &examined).await? {
            log(&examined.change);
            warn_of_what_stays(&stored, &examined.definition);
            return established(client, name).await.map(|()| true);
        }
        tracing::info!(definition = name, "somebody else has changed the definition: comparing it again");
        examined = examine_one(client, examined.definition).await?;
    }
    Err(InstallError::Contended { name })
}

/// Applies a definition. Returns what is stored then; nothing if what was stored is no longer what was examined.
async fn apply(client: &Client, examined: &Examined) -> Result<Option<Definition>, InstallError> {
    let mut definition = examined.definition.clone();
    let name = definition.name_any();
    // "0" is no object's version: the API server makes the definition, and refuses if there is one.
    definition.metadata.resource_version = Some(examined.resource_version.clone().unwrap_or_else(|| "0".to_owned()));
    let api: Api<Definition> = Api::all(client.clone());
    let parameters = PatchParams::apply(MANAGER).force();
    let error = match api.patch(&name, &parameters, &Patch::Apply(&definition)).await {
        Ok(stored) => return Ok(Some(stored)),
        Err(error) => error,
    };
    let is_stale = match &error {
        kube::Error::Api(status) if status.is_conflict() => true,
        // What it says of "0"; it may mean another thing too.
        kube::Error::Api(status) if status.is_invalid() && examined.resource_version.is_none() => {
            api.get_opt(&name).await.is_ok_and(|there| there.is_some())
        }
        _ => false,
    };
    if is_stale { Ok(None) } else { Err(InstallError::Apply { name, source: Box::new(error) }) }
}

fn log(change: &Change) {
    let definition = &change.definition;
    if change.is_new {
        tracing::info!(definition, "made the definition");
    }
    for finding in &change.findings {
        let difference = &finding.difference;
        match difference.effect {
            Effect::Tightening => tracing::warn!(
                definition,
                "changed the definition: {difference} (stored values that break the rule stay until they are edited)"
            ),
            Effect::Breaking(_) => {
                tracing::info!(definition, "changed the definition: {difference} (no stored object is affected)");
            }
            Effect::Harmless | Effect::Conflict(_) => {
                tracing::info!(definition, "changed the definition: {difference}");
            }
        }
    }
}

/// Warns of differences that stay: server-side apply leaves what another field manager has set as well.
fn warn_of_what_stays(stored: &Definition, wanted: &Definition) {
    for difference in compare(stored, wanted).unwrap_or_default() {
        let definition = wanted.name_any();
        tracing::warn!(
            definition,
            "another field manager has set this part of the definition too, so it stays as it is: {difference}"
        );
    }
}

async fn established(client: &Client, name: String) -> Result<(), InstallError> {
    let established = await_condition(Api::all(client.clone()), &name, conditions::is_crd_established());
    match tokio::time::timeout(PATIENCE, established).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(source)) => Err(InstallError::Watch { name, source: Box::new(source) }),
        Err(_) => Err(InstallError::NotEstablished { name }),
    }
}
