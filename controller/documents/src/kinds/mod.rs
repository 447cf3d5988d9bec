//! What documents say. All texts may have expressions in `${…}`, where it is not said that they may not.

mod action;
mod ansible;
mod event_step;
mod exec;
mod grpc;
mod http;
mod kubernetes;
mod model_policy;
mod pull_step;
mod secret;
mod sync_step;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};

pub use action::{Action, Apply, ForEach};
pub use ansible::{AnsibleDelete, AnsibleSync, Inventory, Playbook};
pub use event_step::{EventStepSpec, SaveMode};
pub use exec::{Command, ExecDelete, ExecSync};
pub use grpc::{GrpcPolicy, GrpcStep, GrpcTls};
pub use http::{
    Answer, Auth, Basic, BearerAuth, Delete, DeleteRequest, HttpSync, Method, Nothing, Outcome, Request, Wait,
};
pub use kubernetes::{ApplyObject, ForeignSource, KubernetesSync, ReadObject, Scope};
pub use model_policy::ModelPolicySpec;
pub use pull_step::{PullStepSpec, Vanished};
pub use secret::{Authorities, FromSecret, FromSecretKey, SecretKeyRef, SecretRef, Tls};
pub use sync_step::SyncStepSpec;

/// The group and version of all documents.
pub const API_VERSION: &str = "xos.opencord.org/v1";

/// The values of fields: by name, any JSON with expressions in its texts.
pub type FieldValues = BTreeMap<String, Value>;

/// A kind of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Pushes the state of objects to a backend.
    SyncStep,
    /// Reacts to changes of objects.
    ModelPolicy,
    /// Reads a backend periodically.
    PullStep,
    /// Receives messages.
    EventStep,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::SyncStep, Self::ModelPolicy, Self::PullStep, Self::EventStep];

    /// Returns its name, as documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SyncStep => "SyncStep",
            Self::ModelPolicy => "ModelPolicy",
            Self::PullStep => "PullStep",
            Self::EventStep => "EventStep",
        }
    }

    /// Returns the kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the JSON schema of a document of this kind.
    pub fn schema(self) -> &'static Value {
        static SCHEMAS: LazyLock<BTreeMap<Kind, Value>> =
            LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, kind.new_schema())).collect());
        &SCHEMAS[&self]
    }

    fn new_schema(self) -> Value {
        let spec = match self {
            Self::SyncStep => schema::<SyncStepSpec>(),
            Self::ModelPolicy => schema::<ModelPolicySpec>(),
            Self::PullStep => schema::<PullStepSpec>(),
            Self::EventStep => schema::<EventStepSpec>(),
        };
        let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": {"type": "string", "enum": [API_VERSION]},
                "kind": {"type": "string", "enum": [self.name()]},
                "metadata": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "pattern": NAME, "patternErrorMessage": NAMES},
                        "namespace": {"type": "string"}, "labels": texts, "annotations": texts,
                    },
                },
                "spec": spec,
            },
        })
    }
}

/// Names of objects in Kubernetes.
const NAME: &str = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$";
const NAMES: &str = "small letters, digits, `-` and `.`, with a letter or digit at both ends";

/// Returns the JSON schema of what documents say, without references, and with maps that have no unknown keys.
pub fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    close(&mut schema);
    schema
}

/// Lets maps with known keys have no others.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if members.contains_key("properties") && !members.contains_key("additionalProperties") {
        members.insert("additionalProperties".to_owned(), json!(false));
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(_, of)| close(of));
    for part in ["items", "additionalProperties"] {
        members.get_mut(part).into_iter().for_each(close);
    }
    if let Some(alternatives) = members.get_mut("anyOf").and_then(Value::as_array_mut) {
        // One level of them is enough.
        let all = std::mem::take(alternatives).into_iter();
        alternatives.extend(all.flat_map(|one| match one.get("anyOf") {
            Some(Value::Array(inner)) => inner.clone(),
            _ => vec![one],
        }));
        alternatives.iter_mut().for_each(close);
    }
}

/// The schema of a duration.
fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": xos_yaml::DURATION})
}

/// The `format` of a duration, or `off`.
const PERIOD: &str = "time-span-or-off";

/// The schema of a duration, or `off`.
fn period(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "format": PERIOD,
        "patternErrorMessage": "`off`, or a duration such as `10h` or `1h 30m`",
    })
}

/// The schema of any value with expressions.
fn any(_: &mut SchemaGenerator) -> Schema {
    json_schema!({})
}

/// The schema of the values of fields.
fn fields(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": true})
}

/// Returns whether a text has a format.
pub(crate) fn has_format(text: &str, format: &str) -> bool {
    match format {
        xos_yaml::DURATION => parse_duration(text).is_some(),
        PERIOD => text == "off" || parse_duration(text).is_some(),
        _ => true,
    }
}

/// Reads a duration such as `30s` or `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Option<std::time::Duration> {
    text.parse::<jiff::SignedDuration>().ok().and_then(|duration| duration.try_into().ok())
}

/// A document that fits its schema.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) name: String,
}
