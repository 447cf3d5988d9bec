//! The objects of Kubernetes, and what happens to them. Pure: the time is a parameter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde_json::{Map, Value as Json, json};
use xos_steps::ForeignKind;

use super::check;
use super::merge::{apply, merge};
use super::request::resource;
use super::status::Refused;

/// Where an object is: group and plural of its kind, namespace (empty if the kind is in none) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) group: String,
    pub(super) plural: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Place {
    pub(super) fn of(kind: &ForeignKind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.is_namespaced { namespace } else { "" };
        let [group, plural, namespace, name] = [&kind.group, &kind.plural, namespace, name].map(str::to_owned);
        Self { group, plural, namespace, name }
    }

    fn resource(&self) -> String {
        resource(&self.group, &self.plural)
    }

    fn not_found(&self) -> Refused {
        Refused::not_found(&self.resource(), &self.name)
    }
}

/// A change of an object.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) place: Place,
    pub(super) before: Option<Json>,
    /// None: it is gone.
    pub(super) after: Option<Json>,
}

#[derive(Clone, Debug)]
struct Stored {
    object: Json,
    /// What each field manager has applied.
    applied: BTreeMap<String, Json>,
}

/// What is to be written.
pub(super) enum Write<'a> {
    /// The whole object, which must not be there.
    Create(&'a Json),
    /// The whole object, which must be there.
    Replace(&'a Json),
    /// A merge patch to an object that must be there.
    Merge(&'a Json),
    /// Server-side apply, by this manager.
    Apply(&'a str, &'a Json),
    /// As an operator and the controllers of the cluster do: a merge patch, also of the status, to an object that need not
    /// be there.
    Set(&'a Json),
}

#[derive(Debug, Default)]
pub(super) struct Objects {
    version: u64,
    kinds: BTreeMap<(String, String), ForeignKind>,
    all: BTreeMap<Place, Stored>,
    log: Vec<Change>,
    /// The uids of all objects that there were.
    known: BTreeSet<String>,
}

impl Objects {
    pub(super) fn define(&mut self, kind: &ForeignKind) {
        self.kinds.insert((kind.group.clone(), kind.plural.clone()), kind.clone());
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &ForeignKind> {
        self.kinds.values()
    }

    pub(super) fn kind(&self, group: &str, plural: &str) -> Option<&ForeignKind> {
        self.kinds.get(&(group.to_owned(), plural.to_owned()))
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn log(&self) -> &[Change] {
        &self.log
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Json> {
        self.all.get(place).map(|stored| &stored.object)
    }

    /// Returns the objects of a kind, in a namespace if one is given.
    pub(super) fn of_kind<'a>(&'a self, group: &str, plural: &str, namespace: &str) -> impl Iterator<Item = &'a Json> {
        let is_one = move |place: &Place, group: &str, plural: &str, namespace: &str| {
            place.group == group && place.plural == plural && (namespace.is_empty() || place.namespace == namespace)
        };
        let (group, plural, namespace) = (group.to_owned(), plural.to_owned(), namespace.to_owned());
        let of_kind = self.all.iter().filter(move |(place, _)| is_one(place, &group, &plural, &namespace));
        of_kind.map(|(_, stored)| &stored.object)
    }

    /// Writes an object, and returns it. Of a request for the status only that is written; of others it is not.
    pub(super) fn write(
        &mut self,
        place: &Place,
        write: &Write<'_>,
        is_of_status: bool,
        now: Timestamp,
    ) -> Result<Json, Refused> {
        let before = self.all.get(place).cloned();
        let mut next = match (&before, write) {
            (Some(_), Write::Create(_)) => return Err(Refused::exists(&place.resource(), &place.name)),
            (None, Write::Replace(_) | Write::Merge(_)) => return Err(place.not_found()),
            (None, _) if is_of_status => return Err(place.not_found()),
            (before, _) => before.clone().unwrap_or_else(|| Stored { object: json!({}), applied: BTreeMap::new() }),
        };
        match write {
            Write::Create(body) | Write::Replace(body) => next.object = (*body).clone(),
            Write::Merge(body) | Write::Set(body) => merge(&mut next.object, body),
            Write::Apply(manager, body) => {
                let others: Vec<_> = next.applied.iter().filter(|(one, _)| one != manager).map(|(_, of)| of).collect();
                apply(&mut next.object, next.applied.get(*manager), &others, body);
                next.applied.insert((*manager).to_owned(), (*body).clone());
            }
        }
        if let Some(before) = &before {
            check::agrees(&place.resource(), &place.name, &before.object, &next.object)?;
        }
        let is_set = matches!(write, Write::Set(_));
        keep(&mut next.object, before.as_ref().map(|before| &before.object), (is_set, is_of_status));
        self.complete(place, &mut next.object, before.as_ref().map(|before| &before.object), now);
        check::complies(&next.object)?;
        self.store(place, before.map(|before| before.object), next)
    }

    /// Sets what the API server sets.
    fn complete(&self, place: &Place, object: &mut Json, before: Option<&Json>, now: Timestamp) {
        if let Some(kind) = self.kind(&place.group, &place.plural) {
            object["apiVersion"] = json!(kind.api_version());
            object["kind"] = json!(kind.kind);
        }
        encode_texts(object);
        let next = self.version + 1;
        let was = |name: &str| before.map(|before| before["metadata"][name].clone()).filter(|value| !value.is_null());
        let generation = match before {
            None => 1,
            Some(before) => {
                before["metadata"]["generation"].as_i64().unwrap_or(1) + i64::from(is_other(before, object))
            }
        };
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(place.name);
        if !place.namespace.is_empty() {
            metadata["namespace"] = json!(place.namespace);
        }
        metadata["uid"] = was("uid").unwrap_or_else(|| json!(format!("cluster-uid-{next}")));
        metadata["creationTimestamp"] = was("creationTimestamp").unwrap_or_else(|| seconds(now));
        metadata["generation"] = json!(generation);
        let version = was("resourceVersion");
        metadata["resourceVersion"] = version.unwrap_or(Json::Null);
    }

    /// Stores an object if it is another one than before, and notes the change.
    fn store(&mut self, place: &Place, before: Option<Json>, mut next: Stored) -> Result<Json, Refused> {
        if before.as_ref() == Some(&next.object) {
            self.all.insert(place.clone(), next.clone());
            return Ok(next.object);
        }
        self.version += 1;
        next.object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let is_gone = is_leaving(&next.object) && !has_finalizers(&next.object);
        if let Some(uid) = next.object["metadata"]["uid"].as_str() {
            self.known.insert(uid.to_owned());
        }
        let object = next.object.clone();
        if is_gone {
            self.all.remove(place);
        } else {
            self.all.insert(place.clone(), next);
        }
        let after = (!is_gone).then(|| object.clone());
        // The last state of what is gone is told with the version of its deletion.
        let before = if is_gone { Some(object.clone()) } else { before };
        self.log.push(Change { version: self.version, place: place.clone(), before, after });
        Ok(object)
    }

    /// Asks for the deletion of an object. Returns it if finalizers hold it.
    pub(super) fn delete(&mut self, place: &Place, asked: &Json, now: Timestamp) -> Result<Option<Json>, Refused> {
        let stored = self.all.get(place).cloned().ok_or_else(|| place.not_found())?;
        check::preconditions(&place.resource(), &place.name, &asked["preconditions"], &stored.object)?;
        let mut next = stored.clone();
        if !is_leaving(&next.object) {
            next.object["metadata"]["deletionTimestamp"] = seconds(now);
        }
        let left = self.store(place, Some(stored.object), next)?;
        Ok(has_finalizers(&left).then_some(left))
    }

    /// Deletes what belongs to objects that are gone, as the garbage collector does: `there` are the uids of other objects
    /// that own some. What belongs to an object that never was is kept.
    pub(super) fn collect(&mut self, there: &BTreeSet<String>, now: Timestamp) {
        self.known.extend(there.iter().cloned());
        loop {
            let uid = |object: &Json| object["metadata"]["uid"].as_str().map(str::to_owned);
            let here: BTreeSet<_> = self.all.values().filter_map(|stored| uid(&stored.object)).collect();
            let is_gone = |owner: &Json| {
                let uid = owner["uid"].as_str().unwrap_or_default();
                self.known.contains(uid) && !there.contains(uid) && !here.contains(uid)
            };
            let is_orphan = |object: &Json| {
                let owners = object["metadata"]["ownerReferences"].as_array().filter(|owners| !owners.is_empty());
                !is_leaving(object) && owners.is_some_and(|owners| owners.iter().all(is_gone))
            };
            let orphans = self.all.iter().filter(|(_, stored)| is_orphan(&stored.object));
            let orphans: Vec<_> = orphans.map(|(place, _)| place.clone()).collect();
            if orphans.is_empty() {
                return;
            }
            for place in orphans {
                // It is there, and has no preconditions.
                drop(self.delete(&place, &Json::Null, now));
            }
        }
    }
}

/// Keeps what a request cannot write: the status, or all but the status, and what the API server sets.
fn keep(object: &mut Json, before: Option<&Json>, (is_set, is_of_status): (bool, bool)) {
    if is_of_status {
        let status = object["status"].take();
        if let Some(before) = before {
            object.clone_from(before);
        }
        object["status"] = status;
        return;
    }
    if !is_set && let Some(members) = object.as_object_mut() {
        match before.map(|before| &before["status"]).filter(|status| !status.is_null()) {
            Some(status) => drop(members.insert("status".to_owned(), status.clone())),
            None => drop(members.remove("status")),
        }
    }
    if !object["metadata"].is_object() {
        object["metadata"] = Json::Object(Map::new());
    }
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    match before.map(|before| &before["metadata"]["deletionTimestamp"]).filter(|time| !time.is_null()) {
        Some(time) => drop(metadata.insert("deletionTimestamp".to_owned(), time.clone())),
        None => drop(metadata.remove("deletionTimestamp")),
    }
    metadata.remove("managedFields");
}

/// Moves `stringData` of a Secret to its data.
fn encode_texts(object: &mut Json) {
    if object["kind"] != "Secret" || object["apiVersion"] != "v1" {
        return;
    }
    let Some(Json::Object(texts)) = object.as_object_mut().and_then(|members| members.remove("stringData")) else {
        return;
    };
    for (key, text) in texts {
        let bytes = ByteString(text.as_str().unwrap_or_default().as_bytes().to_vec());
        object["data"][key] = serde_json::to_value(bytes).unwrap_or_default();
    }
}

/// Returns whether more than metadata and status differ.
fn is_other(before: &Json, after: &Json) -> bool {
    let rest = |object: &Json| {
        let mut members = object.as_object().cloned().unwrap_or_default();
        members.remove("metadata");
        members.remove("status");
        members
    };
    rest(before) != rest(after)
}

fn is_leaving(object: &Json) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn has_finalizers(object: &Json) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty())
}

/// Returns a time as metadata has it.
fn seconds(now: Timestamp) -> Json {
    json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
