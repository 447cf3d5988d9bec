//! Deletes the definitions of a synchronizer's models.

use std::io::Write;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams};
use xos_engine::api_error::explain;
use xos_engine::installation::{self, DEFINITION};

use super::UninstallError;
use super::target::{OwnKind, Target};

/// Deletes the definitions that nobody else needs. With a definition go all of its objects, so one with an object left
/// stays. Returns what could not be deleted, and why.
pub(super) async fn remove(
    client: &Client,
    target: &Target,
    out: &mut dyn Write,
) -> Result<Vec<String>, UninstallError> {
    let others = installation::list(client).await?;
    let mut errors = vec![];
    for own in &target.own {
        let mut users = others.0.iter().filter(|one| !target.covers(one) && one.handles(&own.kind.resource));
        if let Some(user) = users.next() {
            writeln!(out, "{} stays: {} looks after its objects", own.definition, user.spec.synchronizer)?;
        } else if has_objects(client, own).await? {
            writeln!(out, "{} stays: it has objects", own.definition)?;
        } else {
            errors.extend(delete(client, &own.definition).await);
        }
    }
    if others.0.iter().all(|one| target.covers(one)) {
        errors.extend(delete(client, DEFINITION).await);
    }
    Ok(errors)
}

async fn has_objects(client: &Client, own: &OwnKind) -> Result<bool, UninstallError> {
    match own.kind.api(client, None).list(&ListParams::default().limit(1)).await {
        Ok(list) => Ok(!list.items.is_empty()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
        Err(source) => Err(UninstallError::List { kind: own.kind.full_name(), source: Box::new(source) }),
    }
}

async fn delete(client: &Client, name: &str) -> Option<String> {
    let api: Api<Definition> = Api::all(client.clone());
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) if status.is_not_found() => None,
        Err(error) => Some(format!("CustomResourceDefinition {name}: {}", explain(&error))),
    }
}
