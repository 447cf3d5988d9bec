//! Objects that are held by the finalizer of a synchronizer that is not there: pure functions.

use jiff::{SignedDuration, Timestamp};
use kube::api::ApiResource;
use xos_model::client::CLIENTS;
use xos_model::names::{Holds, finalizer_owner};

use super::{Installations, Run};
use crate::clock::later;

/// How long a synchronizer may be stopped before it is missed: a new version of it may be on its way.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What is known of the synchronizer that a finalizer belongs to, for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// It is installed and was not stopped: it runs, or was killed.
    Expected(Option<Run>),
    /// It is installed and was stopped in good order.
    Stopped(Timestamp),
    /// It is installed, for other namespaces only.
    OtherNamespaces(Vec<String>),
    /// It is installed, and does not set this finalizer on objects of this kind.
    OtherKinds,
    /// Nobody of this name is installed.
    NotInstalled,
}

impl Installations {
    /// Returns what is known of the holder of a finalizer, for objects of a kind in a namespace. Nothing if the finalizer
    /// is no synchronizer's.
    pub fn holder<'f>(
        &self,
        finalizer: &'f str,
        resource: &ApiResource,
        namespace: &str,
    ) -> Option<(&'f str, Holds, Holder)> {
        let (name, holds) = finalizer_owner(finalizer)?;
        if name == CLIENTS {
            // Who works through XOS's API is not installed here.
            return Some((name, holds, Holder::Expected(None)));
        }
        let mut namespaces = vec![];
        let mut runs = vec![];
        let mut holder = Holder::NotInstalled;
        for one in self.of(name) {
            if !one.covers(namespace) {
                namespaces.extend(one.spec.namespaces.iter().cloned());
                continue;
            }
            let mut kinds = one.spec.kinds.iter();
            let of_kind = kinds.find(|kind| kind.group == resource.group && kind.resource == resource.plural);
            if of_kind.is_some_and(|kind| kind.finalizers.iter().any(|own| own == finalizer)) {
                runs.push(one.run.clone());
            } else {
                holder = Holder::OtherKinds;
            }
        }
        let live = runs.iter().find(|run| run.as_ref().is_none_or(|run| run.stopped_at.is_none()));
        if let Some(run) = live {
            holder = Holder::Expected(run.clone());
        } else if let Some(at) = runs.iter().flatten().filter_map(|run| run.stopped_at).max() {
            holder = Holder::Stopped(at);
        } else if holder == Holder::NotInstalled && !namespaces.is_empty() {
            namespaces.sort();
            namespaces.dedup();
            holder = Holder::OtherNamespaces(namespaces);
        }
        Some((name, holds, holder))
    }
}

/// Returns the finalizers of an object that are synchronizers' and not among `own`.
pub fn foreign_finalizers<'a>(finalizers: &'a [String], own: &'a [&String]) -> impl Iterator<Item = &'a str> {
    let is_foreign = |one: &&String| finalizer_owner(one).is_some() && !own.contains(one);
    finalizers.iter().filter(is_foreign).map(String::as_str)
}

/// What to say of a deleted object that others hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abandoned {
    /// Who is missed, for a condition. Nothing if all who hold it are expected to let it go.
    pub message: Option<String>,
    /// When there may be something else to say.
    pub look_again: Option<Timestamp>,
}

/// Returns what to say of a deleted object that is held by these finalizers of others.
pub fn abandoned<'a>(
    finalizers: impl IntoIterator<Item = &'a str>,
    resource: &ApiResource,
    namespace: &str,
    installations: &Installations,
    now: Timestamp,
) -> Abandoned {
    let mut said: Vec<String> = vec![];
    let mut look_again: Option<Timestamp> = None;
    for finalizer in finalizers {
        let Some((name, _, holder)) = installations.holder(finalizer, resource, namespace) else { continue };
        if let Holder::Stopped(at) = holder
            && now.duration_since(at) < SignedDuration::try_from(PATIENCE).unwrap_or_default()
        {
            let due = later(at, PATIENCE);
            look_again = Some(look_again.map_or(due, |other| other.min(due)));
            continue;
        }
        if let Some(why) = why_held(finalizer, name, &holder, (resource, namespace)) {
            said.push(why);
        }
    }
    Abandoned { message: (!said.is_empty()).then(|| said.join("; ")), look_again }
}

/// Returns why nobody removes a finalizer from an object of a kind in a namespace, and what to do; nothing if its
/// synchronizer is expected to.
pub fn why_held(
    finalizer: &str,
    name: &str,
    holder: &Holder,
    (resource, namespace): (&ApiResource, &str),
) -> Option<String> {
    let (because, scope) = match holder {
        Holder::Expected(_) => return None,
        Holder::Stopped(at) => (
            format!("which was stopped at {at:.0} and not started since: start it, or, if it is gone for good, run"),
            String::new(),
        ),
        Holder::OtherNamespaces(others) => (
            format!(
                "which looks after other namespaces only ({}): configure it for {namespace}, or, if it is done there, run",
                others.join(", ")
            ),
            format!(" -n {namespace}"),
        ),
        Holder::OtherKinds => (
            "which does not set it on objects of this kind any more: if it has nothing left to undo, run".to_owned(),
            format!(" --kind {}.{}", resource.plural, resource.group),
        ),
        Holder::NotInstalled => {
            ("which is not installed: start it, or, if it is gone for good, run".to_owned(), String::new())
        }
    };
    Some(format!(
        "held by the finalizer {finalizer} of the synchronizer {name}, {because} `xos uninstall {name}{scope}`"
    ))
}
