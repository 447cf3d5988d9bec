//! Compares definitions with those that are stored, and asks the stored objects where that matters.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource;
use kube::api::Api;
use kube::runtime::wait::{Condition as _, conditions};
use kube::{Client, ResourceExt as _};
use xos_crds::change::{Change, CompareError, compare, taken_names};
use xos_crds::names::VERSION;

use super::{AT_ONCE, objects};
use crate::api_error::explain;

/// Why a definition could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The stored one could not be read.
    #[error("cannot read CustomResourceDefinition {name}, to see what a change of it would break: {}{}", explain(.source), right(.source, "get"))]
    Read {
        /// The definition.
        name: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// What the API server serves in the group could not be read.
    #[error("cannot read what the API group {group} has: {}", explain(.source))]
    Group {
        /// The group.
        group: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// The stored objects could not be read, for another reason than a missing right.
    #[error("cannot list the {plural} to see whether a change of their definition breaks them: {}", explain(.source))]
    Objects {
        /// `<plural>.<group>`.
        plural: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// The two could not be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
}

/// Returns the remedy as the end of a message, if a right is missing.
fn right(error: &kube::Error, verb: &str) -> String {
    match error {
        kube::Error::Api(status) if status.is_forbidden() => {
            format!("; allow it to `{verb}` customresourcedefinitions (API group apiextensions.k8s.io)")
        }
        _ => String::new(),
    }
}

/// A definition with what applying it would change.
pub(super) struct Examined {
    pub(super) definition: Definition,
    pub(super) change: Change,
    /// Of the stored one, if there is one.
    pub(super) resource_version: Option<String>,
    /// Whether the stored one is served.
    pub(super) is_established: bool,
}

/// Returns what applying these definitions would change. Nothing is written.
///
/// # Errors
/// When the API server cannot be asked. What it forbids to look at is in [`Change::unseen`].
pub async fn examine(client: &Client, definitions: Vec<Definition>) -> Result<Vec<Change>, ExamineError> {
    let each = stream::iter(definitions).map(|definition| examine_one(client, definition));
    each.buffered(AT_ONCE).map_ok(|examined| examined.change).try_collect().await
}

pub(super) async fn examine_one(client: &Client, definition: Definition) -> Result<Examined, ExamineError> {
    let name = definition.name_any();
    let api: Api<Definition> = Api::all(client.clone());
    let stored = api
        .get_opt(&name)
        .await
        .map_err(|source| ExamineError::Read { name: name.clone(), source: Box::new(source) })?;
    let Some(stored) = stored else {
        let taken = taken_names(&definition, &served(client, &definition.spec.group).await?);
        let change = Change::new(name, true, taken);
        return Ok(Examined { definition, change, resource_version: None, is_established: false });
    };
    let mut change = Change::new(name, false, compare(&stored, &definition)?);
    // Before it is established it has no objects.
    let is_established = conditions::is_crd_established().matches_object(Some(&stored));
    if change.asks_for_objects() && is_established {
        objects::ask(client, &stored, &mut change).await?;
    }
    Ok(Examined { definition, change, resource_version: stored.metadata.resource_version, is_established })
}

/// Returns the resources of an API group. Anybody may see them, unlike definitions.
async fn served(client: &Client, group: &str) -> Result<Vec<APIResource>, ExamineError> {
    match client.list_api_group_resources(&format!("{group}/{VERSION}")).await {
        Ok(list) => Ok(list.resources),
        // Of a group that is not there it says so in plain text, not as a reason.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(vec![]),
        Err(source) => Err(ExamineError::Group { group: group.to_owned(), source: Box::new(source) }),
    }
}
