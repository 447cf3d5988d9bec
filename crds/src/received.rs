//! A custom resource as an API server sends it, without what nobody reads of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry, Time};
use kube::Resource;
use kube::api::{ApiResource, ObjectMeta};
use kube::core::DynamicResourceScope;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use xos_model::names;

/// A custom resource as an API server sends it, for [`from_received`](crate::from_received).
///
/// Half of what an API server sends of an object is `managedFields`. To read all of that costs more than all else of
/// the object. Here it has who wrote when, and the names of the fields of `spec`; labels and owners are left out.
#[derive(Clone, Debug, Deserialize)]
pub struct Received {
    /// The metadata.
    #[serde(deserialize_with = "metadata")]
    pub metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: Value,
    #[serde(default)]
    pub(crate) status: Value,
}

impl Resource for Received {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    annotations: Option<BTreeMap<String, String>>,
    managed_fields: Option<Vec<Written>>,
}

/// An entry of managedFields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    manager: Option<String>,
    subresource: Option<String>,
    time: Option<Time>,
    fields_v1: Option<Names>,
}

#[derive(Deserialize)]
struct Names {
    #[serde(rename = "f:spec")]
    spec: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(rename = "f:metadata")]
    metadata: Option<OfMetadata>,
}

#[derive(Deserialize)]
struct OfMetadata {
    #[serde(rename = "f:annotations")]
    annotations: Option<OfAnnotations>,
}

/// Who wrote the id of an object.
#[derive(Deserialize)]
struct OfAnnotations {
    #[serde(rename = "f:xos.opencord.org/id")]
    id: Option<IgnoredAny>,
}

impl Names {
    fn fields(self) -> FieldsV1 {
        let mut fields = Map::new();
        if let Some(spec) = self.spec {
            let spec: Map<_, _> = spec.into_keys().map(|name| (name, Value::Null)).collect();
            fields.insert("f:spec".to_owned(), spec.into());
        }
        let annotations = self.metadata.and_then(|metadata| metadata.annotations);
        if annotations.is_some_and(|annotations| annotations.id.is_some()) {
            let id = format!("f:{}", names::annotation(names::ID));
            fields.insert("f:metadata".to_owned(), json!({"f:annotations": {id: {}}}));
        }
        FieldsV1(fields.into())
    }
}

impl Written {
    fn entry(self) -> ManagedFieldsEntry {
        let names = self.fields_v1.map(Names::fields);
        ManagedFieldsEntry {
            manager: self.manager,
            subresource: self.subresource,
            time: self.time,
            fields_v1: names,
            ..ManagedFieldsEntry::default()
        }
    }
}

fn metadata<'de, D: Deserializer<'de>>(from: D) -> Result<ObjectMeta, D::Error> {
    let all = Metadata::deserialize(from)?;
    Ok(ObjectMeta {
        name: all.name,
        namespace: all.namespace,
        uid: all.uid,
        resource_version: all.resource_version,
        generation: all.generation,
        creation_timestamp: all.creation_timestamp,
        deletion_timestamp: all.deletion_timestamp,
        finalizers: all.finalizers,
        annotations: all.annotations,
        managed_fields: all.managed_fields.map(|all| all.into_iter().map(Written::entry).collect()),
        ..ObjectMeta::default()
    })
}
