//! An object to a custom resource and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{DynamicObject, ObjectMeta};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use xos_model::condition::INITIAL;
use xos_model::dirty::SWITCHES;
use xos_model::intent::{QuietSave, SpecHash};
use xos_model::names::{self, KEPT_STATUS_ANNOTATION, QUIET_SAVES_ANNOTATION, TOUCH_ANNOTATION};
use xos_model::{Condition, Fields, Intent, Meta, Object, Status, Timestamp, shared};
use xos_xproto::{Member, Model, Section, camel_case};

use crate::definition::api_resource;
use crate::identity;
use crate::names::MANAGER_PREFIX;
use crate::received::Received;

/// The members of status that belong to the framework.
const OBSERVED_GENERATION: &str = "observedGeneration";
const CONDITIONS: &str = "conditions";
const HISTORY: &str = "history";
const SYNCHRONIZERS: &str = "synchronizers";
const PROPERTIES: &str = "properties";
const PROPERTIES_OF: &str = "propertiesOf";
const ID: &str = "id";

/// Why a custom resource could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has no name: it did not come from an API server.
    #[error("the object has no name")]
    NoName,
}

/// Reads a custom resource of a model.
///
/// A quiet-saves annotation or a member of status that cannot be read counts as absent: that can only cause an extra
/// run.
///
/// # Errors
/// When it has no name.
pub fn from_custom_resource(model: &Model, resource: &DynamicObject) -> Result<Object, DecodeError> {
    let section = |section: Section| resource.data.get(section.as_str()).unwrap_or(&Value::Null);
    read(model, &resource.metadata, section(Section::Spec), section(Section::Status))
}

/// Does the same with what an API server has sent.
///
/// # Errors
/// When it has no name.
pub fn from_received(model: &Model, received: &Received) -> Result<Object, DecodeError> {
    read(model, &received.metadata, &received.spec, &received.status)
}

fn read(model: &Model, metadata: &ObjectMeta, spec: &Value, status: &Value) -> Result<Object, DecodeError> {
    let mut meta = read_meta(model, metadata)?;
    let mut fields = read_fields(model, spec, status);
    let mut framework = read_status(model, status);
    meta.has_unshown_id = framework.id.is_none();
    framework.id = framework.id.or_else(|| identity::id(metadata));
    meta.has_unshown_id &= framework.id.is_some();
    let is_own = identity::bind(model, status, &meta, &mut framework, &mut fields);
    identity::recall(model, &meta, &mut fields);
    let annotation = |name: &str| metadata.annotations.as_ref()?.get(name);
    Ok(Object {
        model: Arc::clone(&meta.model),
        unswitched: unswitched(model, &fields),
        intent: Intent { spec: spec_hash(model, &fields), touch: annotation(TOUCH_ANNOTATION).cloned(), secrets: None },
        quiet_saves: annotation(QUIET_SAVES_ANNOTATION)
            .filter(|_| is_own)
            .map(|text| identity::read_saves(text, &meta, status))
            .unwrap_or_default(),
        status: framework,
        fields,
        meta,
    })
}

fn read_meta(model: &Model, meta: &ObjectMeta) -> Result<Meta, DecodeError> {
    Ok(Meta {
        model: shared(&model.name),
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().ok_or(DecodeError::NoName)?,
        uid: meta.uid.clone().unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        created: meta.creation_timestamp.as_ref().map(|t| t.0),
        deleting: meta.deletion_timestamp.as_ref().map(|t| t.0),
        finalizers: meta.finalizers.clone().unwrap_or_default(),
        edited: edited(meta),
        has_unshown_id: false,
        operator_fields: operator_fields(model, meta),
        annotations: operator_annotations(meta),
        writer: None,
    })
}

fn operator_annotations(meta: &ObjectMeta) -> BTreeMap<Box<str>, String> {
    let all = meta.annotations.iter().flatten();
    all.filter_map(|(name, value)| Some((names::operator_annotation(name)?.into(), value.clone()))).collect()
}

/// Returns the fields of spec that others than synchronizers set, as managedFields say; the managers of synchronizers
/// begin with `xos/`.
fn operator_fields(model: &Model, meta: &ObjectMeta) -> Vec<Box<str>> {
    let managers = meta.managed_fields.iter().flatten();
    let operators = managers.filter(|entry| !entry.manager.as_deref().unwrap_or_default().starts_with(MANAGER_PREFIX));
    let specs: Vec<_> = operators.filter_map(|entry| entry.fields_v1.as_ref()?.0.get("f:spec")).collect();
    let is_set = |member: &Member| {
        let key = format!("f:{}", member.camel_name());
        specs.iter().any(|spec| spec.get(&key).is_some())
    };
    if specs.is_empty() {
        return vec![];
    }
    model.members_in(Section::Spec).filter(|member| is_set(member)).map(|member| Box::from(member.name())).collect()
}

/// Returns when someone other than a synchronizer last wrote to the object, as managedFields say.
fn edited(meta: &ObjectMeta) -> Option<Timestamp> {
    let managers = meta.managed_fields.iter().flatten();
    let edits = managers.filter(|entry| {
        entry.subresource.is_none() && !entry.manager.as_deref().unwrap_or_default().starts_with(MANAGER_PREFIX)
    });
    edits.filter_map(|entry| entry.time.as_ref()).map(|time| time.0).max()
}

/// Reads the model's fields and links of both sections.
fn read_fields(model: &Model, spec: &Value, status: &Value) -> Fields {
    let mut fields = Fields::new();
    for member in model.members() {
        let section = match member.section() {
            Section::Spec => spec,
            Section::Status => status,
        };
        if let Some(value) = section.get(member.camel_name()).filter(|value| !value.is_null()) {
            fields.insert(member.name(), value.clone());
        }
    }
    for (_, source) in model.secret_sources() {
        if let Some(value) = spec.get(camel_case(&source)).filter(|value| !value.is_null()) {
            fields.insert(source, value.clone());
        }
    }
    fields.shrink();
    fields
}

/// Reads the framework's part of status, and all that is neither that nor the model's fields.
fn read_status(model: &Model, status: &Value) -> Status {
    let mut conditions: Vec<Condition> = readable(status, CONDITIONS);
    conditions.retain(|one| one.kind != INITIAL);
    Status {
        id: readable(status, ID),
        observed_generation: readable(status, OBSERVED_GENERATION),
        conditions,
        history: readable(status, HISTORY),
        synchronizers: readable(status, SYNCHRONIZERS),
        properties: readable(status, PROPERTIES),
        properties_of: readable(status, PROPERTIES_OF),
        other: others(model, status),
    }
}

fn readable<T: DeserializeOwned + Default>(status: &Value, name: &str) -> T {
    status.get(name).and_then(|value| T::deserialize(value).ok()).unwrap_or_default()
}

fn others(model: &Model, status: &Value) -> Map<String, Value> {
    let Value::Object(status) = status else { return Map::new() };
    let framework = [ID, OBSERVED_GENERATION, CONDITIONS, HISTORY, SYNCHRONIZERS, PROPERTIES, PROPERTIES_OF];
    let mut others: Vec<_> = status.iter().filter(|(name, _)| !framework.contains(&name.as_str())).collect();
    if others.is_empty() {
        return Map::new();
    }
    for name in model.members_in(Section::Status).map(Member::camel_name) {
        others.retain(|other| *other.0 != name);
    }
    others.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Returns the JSON of a section, of the model's fields and links in it.
pub(crate) fn section_json(model: &Model, fields: &Fields, section: Section) -> Map<String, Value> {
    let members = model.members_in(section);
    let mut all: Map<_, _> =
        members.filter_map(|member| Some((member.camel_name(), fields.get(member.name())?.clone()))).collect();
    if section == Section::Spec {
        let given = |(_, source): (_, String)| Some((camel_case(&source), fields.get(&source)?.clone()));
        all.extend(model.secret_sources().filter_map(given));
    }
    all
}

/// Returns the hash of the spec that these fields make.
pub fn spec_hash(model: &Model, fields: &Fields) -> SpecHash {
    SpecHash::of(&Value::Object(section_json(model, fields, Section::Spec)))
}

/// Returns the hashes of what the spec would be without the switches that are set, in each way to write that: left out,
/// or false.
fn unswitched(model: &Model, fields: &Fields) -> Vec<SpecHash> {
    let is_set = |name: &&str| fields.get(name) == Some(&Value::Bool(true));
    let set: Vec<_> = SWITCHES.iter().copied().filter(is_set).collect();
    let mut specs = vec![];
    for name in set {
        let mut without: Vec<Fields> = vec![];
        for spec in specs.iter().chain([fields]) {
            let mut spec = spec.clone();
            spec.remove(name);
            without.push(spec.clone());
            spec.insert(name, Value::Bool(false));
            without.push(spec);
        }
        specs.extend(without);
    }
    specs.iter().map(|spec| spec_hash(model, spec)).collect()
}

/// Sets what an object is to what its fields say, as an API server's object would have it: for those that are not read
/// from one.
pub fn rehash(model: &Model, object: &mut Object) {
    object.intent.spec = spec_hash(model, &object.fields);
    object.unswitched = unswitched(model, &object.fields);
}

/// Returns the whole status of an object: the model's feedback and bookkeeping fields, and the framework's part.
///
/// # Errors
/// When it has no JSON form.
pub fn status_json(model: &Model, object: &Object) -> Result<Value, serde_json::Error> {
    let mut status = section_json(model, &object.fields, Section::Status);
    if let Value::Object(framework) = serde_json::to_value(&object.status)? {
        status.extend(framework);
        identity::stamp(&mut status, &object.meta);
    }
    Ok(Value::Object(status))
}

/// Returns the custom resource that replaces the status of `before` with that of `after`, with the resourceVersion of
/// `before` as precondition; `None` if they are equal.
///
/// # Errors
/// When one of them has no JSON form.
pub fn new_status<'a>(
    model: &'a Model,
    before: &'a Object,
    after: &'a Object,
) -> Result<Option<DynamicObject>, serde_json::Error> {
    let own = |object: &'a Object| model.members_in(Section::Status).map(|member| object.fields.get(member.name()));
    if before.status == after.status && own(before).eq(own(after)) {
        return Ok(None);
    }
    let status = status_json(model, after)?;
    let mut resource = DynamicObject::new(&before.meta.name, &api_resource(model)).data(json!({"status": status}));
    resource.metadata.namespace = Some(before.meta.namespace.clone()).filter(|namespace| !namespace.is_empty());
    resource.metadata.resource_version = Some(before.meta.resource_version.clone());
    Ok(Some(resource))
}

/// Returns the custom resource to create for an object: its names and its spec. Status needs another request.
pub fn new_custom_resource(model: &Model, object: &Object) -> DynamicObject {
    let resource = api_resource(model);
    let spec = Value::Object(section_json(model, &object.fields, Section::Spec));
    let mut created = DynamicObject::new(&object.meta.name, &resource).data(json!({ "spec": spec }));
    created.metadata.namespace = Some(object.meta.namespace.clone()).filter(|namespace| !namespace.is_empty());
    let id = object.status.id.map(|id| (names::annotation(names::ID), id.to_string()));
    created.metadata.annotations = id.map(|id| BTreeMap::from([id]));
    created
}

/// Returns the whole custom resource of an object, of which [`from_custom_resource`] makes the same object again.
///
/// # Errors
/// When a part of it has no JSON form.
pub fn to_custom_resource(model: &Model, object: &Object) -> Result<DynamicObject, serde_json::Error> {
    let mut whole = new_custom_resource(model, object);
    let meta = &object.meta;
    let set = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    whole.metadata = ObjectMeta {
        uid: set(&meta.uid),
        resource_version: set(&meta.resource_version),
        generation: Some(meta.generation).filter(|&generation| generation != 0),
        creation_timestamp: meta.created.map(Time),
        deletion_timestamp: meta.deleting.map(Time),
        finalizers: Some(meta.finalizers.clone()).filter(|finalizers| !finalizers.is_empty()),
        annotations: annotations(object)?,
        ..whole.metadata
    };
    whole.data["status"] = status_json(model, object)?;
    Ok(whole)
}

fn annotations(object: &Object) -> Result<Option<BTreeMap<String, String>>, serde_json::Error> {
    let set = object.meta.annotations.iter();
    let mut annotations: BTreeMap<_, _> =
        set.map(|(name, value)| (format!("{}/{name}", names::DOMAIN), value.clone())).collect();
    if let Some(touch) = &object.intent.touch {
        annotations.insert(TOUCH_ANNOTATION.to_owned(), touch.clone());
    }
    if !object.quiet_saves.is_empty() {
        annotations.insert(QUIET_SAVES_ANNOTATION.to_owned(), identity::saves_text(&object.quiet_saves, &object.meta)?);
    }
    Ok(Some(annotations).filter(|annotations| !annotations.is_empty()))
}

/// Returns the merge patch of a quiet save to an object: the changed fields of spec (null unsets), the record of the
/// save, the touch if there is one, what is kept of status, and uid and resourceVersion as preconditions.
///
/// # Errors
/// When the record has no JSON form.
pub fn quiet_save_patch(
    object: &Object,
    spec: &Fields,
    saves: &[QuietSave],
    touch: Option<&str>,
    kept: Option<&str>,
) -> Result<Value, serde_json::Error> {
    let spec: Map<_, _> = spec.iter().map(|(name, value)| (camel_case(name), value.clone())).collect();
    let mut annotations = Map::new();
    if !spec.is_empty() {
        annotations.insert(QUIET_SAVES_ANNOTATION.to_owned(), identity::saves_text(saves, &object.meta)?.into());
    }
    // Null takes the annotation away.
    annotations.insert(KEPT_STATUS_ANNOTATION.to_owned(), json!(kept));
    annotations.extend(touch.map(|touch| (TOUCH_ANNOTATION.to_owned(), touch.into())));
    Ok(json!({
        "metadata": {
            "uid": object.meta.uid, "resourceVersion": object.meta.resource_version, "annotations": annotations,
        },
        "spec": spec,
    }))
}
