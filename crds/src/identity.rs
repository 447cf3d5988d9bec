//! Which object a stored status, and what is kept in annotations, is about.
//!
//! A backup tool creates an object anew: it has another uid, and perhaps the status and the annotations of the one that
//! was saved. Bookkeeping of another uid counts for nothing, and what is known of the backend is not lost.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use k8s_openapi::jiff;
use kube::api::ObjectMeta;
use serde_json::{Map, Value, json};
use xos_model::names::{self, DOMAIN, KEPT_STATUS_ANNOTATION};
use xos_model::{Bookkeeping, Fields, Meta, PassState, QuietSave, Status};
use xos_xproto::{Member, Model, Section, camel_case};

use crate::names::MANAGER_PREFIX;

/// The member of an entry of bookkeeping, and of a quiet save, with the uid of its object.
const UID: &str = "objectUid";
/// The fields of status that are kept in an annotation, where backup tools keep them.
const KEPT: [&str; 1] = ["backend_handle"];
/// How far clocks may be apart. Entries of versions that wrote no uid are judged by times.
const CLOCKS: SignedDuration = SignedDuration::from_secs(60);

/// Returns the id that an object was made with in XOS's API. What others wrote into the annotation is no id: it may have
/// been copied from another object.
pub(crate) fn id(meta: &ObjectMeta) -> Option<i32> {
    let name = names::annotation(names::ID);
    let id = meta.annotations.as_ref()?.get(&name)?.parse().ok()?;
    let field = format!("f:{name}");
    let is_writer = |entry: &ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0["f:metadata"]["f:annotations"]);
        fields.is_some_and(|annotations| annotations.get(&field).is_some())
    };
    let mut writers = meta.managed_fields.iter().flatten().filter(|entry| is_writer(entry));
    let is_ours = |manager: &str| manager.starts_with(names::API_MANAGERS) || manager.starts_with(MANAGER_PREFIX);
    writers.all(|entry| entry.manager.as_deref().is_some_and(is_ours)).then_some(id)
}

/// Drops from a status, and from the fields, what was written about another object than that of `meta`. What the
/// model's own feedback fields say stays: it is about the backend. Returns whether all of it is about this object.
///
/// An entry of bookkeeping without a uid was written by an earlier version. It is trusted, unless status is older than
/// the object.
pub(crate) fn bind(model: &Model, raw: &Value, meta: &Meta, status: &mut Status, fields: &mut Fields) -> bool {
    let is_older = is_older(meta, status, fields);
    let is_foreign = |at: usize, entry: &Bookkeeping| match uid_of(&raw["synchronizers"][at]) {
        Some(uid) => uid != meta.uid,
        None => is_older || is_ahead(entry, meta),
    };
    let foreign: Vec<_> = (0..).zip(&status.synchronizers).map(|(at, entry)| is_foreign(at, entry)).collect();
    if !foreign.contains(&true) {
        return true;
    }
    for (entry, _) in status.synchronizers.iter_mut().zip(&foreign).filter(|(_, is_foreign)| **is_foreign) {
        let pending =
            |state: &PassState| PassState { pending: state.pending || !state.is_untried(), ..PassState::default() };
        let (sync, policy) = (pending(&entry.sync), pending(&entry.policy));
        *entry = Bookkeeping { name: std::mem::take(&mut entry.name), sync, policy, ..Bookkeeping::default() };
    }
    if foreign.contains(&false) {
        return true;
    }
    status.history.clear();
    status.observed_generation = None;
    for condition in &mut status.conditions {
        condition.observed_generation = Some(meta.generation);
    }
    let common = model.fields_in(Section::Status).filter(|field| field.is_common());
    for field in common.filter(|field| !KEPT.contains(&field.name.as_str())) {
        fields.remove(&field.name);
    }
    false
}

/// Returns whether a status was written before its object was created.
fn is_older(meta: &Meta, status: &Status, fields: &Fields) -> bool {
    let attempts = status.history.iter().map(|attempt| attempt.at);
    let conditions = status.conditions.iter().map(|condition| condition.last_transition_time);
    let updated = fields.get("updated").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let written = attempts.chain(conditions).chain(updated).min();
    written.zip(meta.created).is_some_and(|(written, created)| created.duration_since(written) > CLOCKS)
}

/// Returns whether an entry knows a generation that its object has not had yet.
fn is_ahead(entry: &Bookkeeping, meta: &Meta) -> bool {
    [&entry.sync, &entry.policy].into_iter().any(|state| state.generation.is_some_and(|known| known > meta.generation))
}

fn uid_of(value: &Value) -> Option<&str> {
    value.get(UID).and_then(Value::as_str)
}

/// Adds the uid of the object to its entries of bookkeeping, in their JSON form.
pub(crate) fn stamp(status: &mut Map<String, Value>, meta: &Meta) {
    let entries = status.get_mut("synchronizers").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten().filter(|_| !meta.uid.is_empty()) {
        entry[UID] = json!(meta.uid);
    }
}

/// Reads the quiet saves of an object. Those of another one, and those that cannot be read, count for nothing.
pub(crate) fn read_saves(text: &str, meta: &Meta, status: &Value) -> Vec<QuietSave> {
    let saves: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    // Saves without a uid are of a version that wrote none to its bookkeeping, too.
    let entries = status["synchronizers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_early = meta.uid.is_empty() || entries.iter().any(|entry| uid_of(entry).is_none());
    let is_own = |save: &Value| uid_of(save).map_or(is_early, |uid| uid == meta.uid);
    saves.into_iter().filter(is_own).filter_map(|save| serde_json::from_value(save).ok()).collect()
}

/// Returns the text of quiet saves of an object.
pub(crate) fn saves_text(saves: &[QuietSave], meta: &Meta) -> Result<String, serde_json::Error> {
    let mut saves = serde_json::to_value(saves)?;
    for save in saves.as_array_mut().into_iter().flatten().filter(|_| !meta.uid.is_empty()) {
        save[UID] = json!(meta.uid);
    }
    Ok(saves.to_string())
}

/// Returns the annotation that keeps what an object's status says of the backend; none if it says nothing. It names its
/// object, as a copy of other names is another object, and has to have an entry of its own in the backend.
pub fn kept_status<'a>(meta: &Meta, field: impl Fn(&str) -> Option<&'a Value>) -> Option<String> {
    let set = |name: &str| field(name).filter(|value| !value.is_null());
    let kept: Map<_, _> = KEPT.iter().filter_map(|name| Some((camel_case(name), set(name)?.clone()))).collect();
    (!kept.is_empty()).then(|| json!({"of": of(meta), "status": kept}).to_string())
}

fn of(meta: &Meta) -> String {
    format!("{}/{}", meta.namespace, meta.name)
}

/// Sets the fields that status does not have and the annotation does.
pub fn recall(model: &Model, meta: &Meta, fields: &mut Fields) {
    let name = KEPT_STATUS_ANNOTATION.trim_start_matches(DOMAIN).trim_start_matches('/');
    let Some(text) = meta.annotations.get(name) else { return };
    let Ok(annotation) = serde_json::from_str::<Value>(text) else { return };
    if annotation["of"] != json!(of(meta)) {
        return;
    }
    for member in model.members_in(Section::Status).filter(|member| KEPT.contains(&member.name())) {
        let kept = annotation["status"].get(Member::camel_name(member)).filter(|value| !value.is_null());
        if let Some(kept) = kept
            && !fields.contains_key(member.name())
        {
            fields.insert(member.name(), kept.clone());
        }
    }
}
