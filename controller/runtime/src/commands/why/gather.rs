//! Reads what the explanation needs.

use jiff::Timestamp;
use kube::api::DynamicObject;
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use xos_engine::installation;

use super::WhyArgs;
use super::explain::{Dependent, Facts, Peer, PeerState};
use crate::commands::objects::{self, ObjectsError};
use crate::kinds::{self, Kind, LinkField};

/// How many objects that lead to a deleted one are named.
const NAMED: usize = 5;

/// Reads the object and what it leads to.
pub(super) async fn facts(client: &Client, args: &WhyArgs, now: Timestamp) -> Result<Facts, ObjectsError> {
    let (kind, name) = objects::one(&args.object)?;
    let all = kinds::of_models(client).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let (kind, object) = objects::find(client, &all, (&kind, &name), &namespace).await?;
    let mut peers = vec![];
    for (field, reference) in references(kind, &object) {
        peers.push(peer(client, &all, field, &reference, &namespace).await);
    }
    let dependents = if object.metadata.deletion_timestamp.is_some() {
        dependents(client, &all, kind, &object).await?
    } else {
        (vec![], 0)
    };
    // Without the right to read them nothing is known of synchronizers.
    let installations = installation::list(client).await.ok();
    Ok(Facts {
        resource: kind.resource.clone(),
        object: whole(&object),
        installations,
        peers,
        dependents: dependents.0,
        more_dependents: dependents.1,
        now,
    })
}

/// Returns all references of an object, each with the field that has it.
fn references<'a>(kind: &'a Kind, object: &DynamicObject) -> Vec<(&'a LinkField, Value)> {
    let mut all = vec![];
    for field in &kind.links {
        let value = &object.data["spec"][&field.name];
        let one = if field.to_many { value.as_array().cloned().unwrap_or_default() } else { vec![value.clone()] };
        all.extend(one.into_iter().filter(|reference| reference["name"].is_string()).map(|one| (field, one)));
    }
    all
}

async fn peer(client: &Client, all: &[Kind], field: &LinkField, reference: &Value, namespace: &str) -> Peer {
    let name = reference["name"].as_str().unwrap_or_default();
    let namespace = reference["namespace"].as_str().unwrap_or(namespace);
    let wanted = reference["kind"].as_str().unwrap_or(&field.peer);
    let named = |kind: &str| Peer {
        field: field.name.clone(),
        target: format!("{kind} {namespace}/{name}"),
        state: PeerState::Missing,
    };
    let kinds = all.iter().filter(|kind| kind.resource.kind == wanted);
    let mut peer = named(wanted);
    let mut is_known = false;
    for kind in kinds {
        is_known = true;
        match kind.api(client, Some(namespace)).get_opt(name).await {
            Ok(Some(object)) => return Peer { state: state(&whole(&object)), ..peer },
            Ok(None) => {}
            Err(error) => peer.state = PeerState::Unreadable(error.to_string()),
        }
    }
    if !is_known || reference["kind"].is_null() {
        // The peer may be of a model that is derived from the link's.
        for kind in all.iter().filter(|kind| kind.resource.kind != wanted) {
            if let Ok(Some(object)) = kind.api(client, Some(namespace)).get_opt(name).await {
                let state = PeerState::Perhaps(kind.resource.kind.clone(), Box::new(state(&whole(&object))));
                return Peer { state, ..peer };
            }
        }
    }
    peer
}

fn state(object: &Value) -> PeerState {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|one| one["type"] == "Ready");
    let text = |name: &str| ready.and_then(|ready| ready[name].as_str()).unwrap_or_default().to_owned();
    if object["metadata"]["deletionTimestamp"].is_string() {
        return PeerState::Deleting;
    }
    match ready.map(|ready| ready["status"] == "True") {
        Some(true) => PeerState::Ready,
        Some(false) => PeerState::NotReady { reason: text("reason"), message: text("message") },
        None => PeerState::Unhandled,
    }
}

/// Returns the first objects that lead to a deleted one by to-one links, and how many more there are.
async fn dependents(
    client: &Client,
    all: &[Kind],
    kind: &Kind,
    object: &DynamicObject,
) -> Result<(Vec<Dependent>, usize), ObjectsError> {
    let mut found = vec![];
    let mut more = 0;
    let namespace = object.namespace().unwrap_or_default();
    for other in all.iter().filter(|other| other.links.iter().any(|link| !link.to_many)) {
        let each = |candidate: &DynamicObject| {
            let own = candidate.namespace().unwrap_or_default();
            let leads_here = references(other, candidate).into_iter().any(|(field, reference)| {
                let is_kind = match reference["kind"].as_str() {
                    Some(named) => named == kind.resource.kind,
                    None => field.peer == kind.resource.kind,
                };
                !field.to_many
                    && is_kind
                    && reference["name"] == object.name_any()
                    && reference["namespace"].as_str().unwrap_or(&own) == namespace
            });
            if !leads_here {
                return;
            }
            if found.len() == NAMED {
                more += 1;
                return;
            }
            let whole = whole(candidate);
            found.push(Dependent {
                name: kinds::named(other, candidate),
                is_deleting: candidate.metadata.deletion_timestamp.is_some(),
                is_protected: whole["spec"]["writeProtect"] == true,
            });
        };
        let listed = kinds::for_each(&other.api(client, None), each).await;
        listed.map_err(|source| ObjectsError::Read { what: other.full_name(), source: Box::new(source) })?;
    }
    Ok((found, more))
}

fn whole(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
