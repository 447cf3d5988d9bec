//! Deletes the objects of a synchronizer while it still runs, so that it removes them from its backend.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use kube::api::{DeleteParams, DynamicObject};
use kube::{Client, ResourceExt as _};
use tokio::time::{Instant, sleep};

use super::target::{OwnKind, Target};
use super::{UninstallArgs, UninstallError};
use crate::kinds::{self, Kind};

/// How many objects are deleted at once.
const AT_ONCE: usize = 8;
/// How often it is looked whether they are gone.
const MOMENT: Duration = Duration::from_secs(1);
/// How many of those that stay are named.
const SHOWN: usize = 20;

/// An object: its kind, namespace and name.
type Found = (Kind, String, String);

/// Deletes all objects of the synchronizer's steps and policies, and waits until they are gone, but not longer than the
/// limit. What is left then is named; it is freed later.
pub(super) async fn drain(
    client: &Client,
    target: &Target,
    args: &UninstallArgs,
    out: &mut dyn Write,
) -> Result<(), UninstallError> {
    let kinds = in_order(&target.own);
    let end = Instant::now() + args.limit;
    let mut said = None;
    let mut deleted = BTreeSet::new();
    loop {
        let left = list(client, target, &kinds).await?;
        if left.is_empty() {
            writeln!(out, "{} objects were deleted", deleted.len())?;
            return Ok(());
        }
        // Objects may be made meanwhile.
        let new: Vec<_> = left.iter().filter(|object| !deleted.contains(&key(object))).collect();
        for outcome in delete(client, &new).await {
            match outcome {
                Ok(object) => drop(deleted.insert(key(object))),
                Err(error) => writeln!(out, "error: {error}")?,
            }
        }
        if said != Some(left.len()) {
            writeln!(out, "{} objects are still there", left.len())?;
            said = Some(left.len());
        }
        let is_alone = match &args.stop {
            Some(workload) => !workload.runs(client).await?,
            None => false,
        };
        if is_alone || Instant::now() >= end {
            return give_up(&left, is_alone, args.limit, out);
        }
        sleep(MOMENT).await;
    }
}

fn give_up(left: &[Found], is_alone: bool, limit: Duration, out: &mut dyn Write) -> Result<(), UninstallError> {
    let why = if is_alone { "the synchronizer does not run".to_owned() } else { format!("{limit:?} are over") };
    writeln!(out, "{why}: these are freed now, and what they stand for stays in the backend:")?;
    for object in left.iter().take(SHOWN) {
        writeln!(out, "  {}", key(object))?;
    }
    if left.len() > SHOWN {
        writeln!(out, "  and {} more", left.len() - SHOWN)?;
    }
    Ok(())
}

fn key((kind, namespace, name): &Found) -> String {
    format!("{} {namespace}/{name}", kind.full_name())
}

async fn list(client: &Client, target: &Target, kinds: &[&OwnKind]) -> Result<Vec<Found>, UninstallError> {
    let mut found = vec![];
    for own in kinds {
        for namespace in target.places() {
            let each = |object: &DynamicObject| {
                found.push((own.kind.clone(), object.namespace().unwrap_or_default(), object.name_any()));
            };
            let listed = kinds::for_each(&own.kind.api(client, namespace), each).await;
            listed.map_err(|source| UninstallError::List { kind: own.kind.full_name(), source: Box::new(source) })?;
        }
    }
    Ok(found)
}

/// Asks for the deletion of all, in their order. Returns each, or why it is refused.
async fn delete<'a>(client: &Client, objects: &[&'a Found]) -> Vec<Result<&'a Found, String>> {
    let each = stream::iter(objects.iter().copied()).map(|object| async move {
        let (kind, namespace, name) = object;
        match kind.api(client, Some(namespace)).delete(name, &DeleteParams::background()).await {
            Ok(_) => Ok(object),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(object),
            Err(error) => Err(format!("{}: {error}", key(object))),
        }
    });
    each.buffered(AT_ONCE).collect().await
}

/// Returns the kinds with steps or policies, those that lead to others before these: a deletion takes along only what is
/// being deleted already.
fn in_order(own: &[OwnKind]) -> Vec<&OwnKind> {
    let mut left: Vec<_> = own.iter().filter(|one| one.is_handled).collect();
    let mut ordered = vec![];
    while !left.is_empty() {
        let is_led_to = |one: &OwnKind| {
            let peer = |other: &&&OwnKind| other.kind.full_name() != one.kind.full_name();
            let mut others = left.iter().filter(peer);
            others.any(|other| other.kind.links.iter().any(|link| link.peer == one.kind.resource.kind))
        };
        // Of a circle any is the first.
        let next = left.iter().position(|one| !is_led_to(one)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use xos_xproto::{Sources, compile};

    use super::*;

    #[test]
    fn what_leads_to_others_is_deleted_first() {
        let mut sources = Sources::new();
        let text = "option app_label = \"net\"; message Site (XOSBase) { required string name = 1 [max_length = 9]; }
            message Node (XOSBase) { required manytoone site->Site:nodes = 1:1001; }
            message Port (XOSBase) { required manytoone node->Node:ports = 1:1002; }
            message Loose (XOSBase) { required string name = 1 [max_length = 9]; }";
        sources.add("net.xproto", text);
        let own: Vec<_> = xos_crds::definitions(&compile(&sources).models)
            .iter()
            .map(|definition| OwnKind {
                kind: Kind::read(&serde_json::to_value(definition).unwrap()).unwrap(),
                definition: definition.name_any(),
                is_handled: definition.spec.names.kind != "Loose",
            })
            .collect();
        let names: Vec<_> = in_order(&own).into_iter().map(|one| one.kind.resource.kind.as_str()).collect();
        assert_eq!(names, ["Port", "Node", "Site"]);
    }
}
