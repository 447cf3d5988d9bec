//! What test cases say.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use xos_documents::kinds;

/// The kind of the documents.
pub const KIND: &str = "TestCase";

/// What happens one after the other, and what is expected of it. Each case has a world of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseSpec {
    /// Settings that win over those of the configuration.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub settings: Map<String, Value>,
    /// The steps and policies that work in this case, by their names; by default all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Objects that an operator applies first, as for `kubectl apply`: of models, Secrets, and others of Kubernetes that
    /// steps make or read, with their `status` if they are to have one.
    #[serde(default)]
    #[schemars(schema_with = "objects")]
    pub given: Vec<Value>,
    /// Files of such objects, which are applied before them; paths are relative to the file of the case.
    #[serde(default)]
    pub given_files: Vec<String>,
    /// What backends answer. The first answer that fits counts.
    #[serde(default)]
    pub backend: Vec<Answer>,
    /// Messages that event steps receive then.
    #[serde(default)]
    pub send: Vec<Message>,
    /// How much time passes then: `10s`, `1h`.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub pass: Option<String>,
    /// What is expected then.
    pub expect: Option<Expect>,
    /// What happens after that, one stage after the other.
    #[serde(default)]
    pub then: Vec<Stage>,
}

/// What happens after the stages before.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// Objects that are applied, of all kinds as in `given`: fields of objects that are there are set, and unset by null.
    #[serde(default)]
    #[schemars(schema_with = "objects")]
    pub apply: Vec<Value>,
    /// Objects that are deleted, as `Person/ada`, or `Person/namespace/ada`. Where a model has the name of a kind of
    /// Kubernetes, that is `Deployment.apps/web` or `Service.v1/web`.
    #[serde(default)]
    pub delete: Vec<String>,
    /// What backends answer from now on. The answers of later stages count first.
    #[serde(default)]
    pub backend: Vec<Answer>,
    /// Messages that event steps receive then.
    #[serde(default)]
    pub send: Vec<Message>,
    /// How much time passes then: `10s`, `1h`.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub pass: Option<String>,
    /// What is expected then, of what happened since the stage began.
    pub expect: Option<Expect>,
}

/// What a backend answers: to requests (`http`), when a command is run (`exec`), or to calls of a step server (`grpc`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Method and URL of the requests, with `*` for any text: `PUT http://directory/people/*`. The query of the URL counts
    /// only if there is a `?`.
    pub http: Option<String>,
    /// The program and the arguments of the commands, with `*` for any text.
    pub exec: Option<Vec<String>>,
    /// Method and step of the calls, and the object if it is to be a certain one, with `*` for any text: `SyncRecord
    /// guest`, `HandleUpdate * Person/ada`.
    pub grpc: Option<String>,
    /// The status of the answer to a request; 200 by default.
    pub status: Option<u16>,
    /// Headers of the answer to a request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body of the answer to a request: a text, or what is sent as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub body: Option<Value>,
    /// The exit status of a command; 0 by default.
    pub exit: Option<u8>,
    /// What a command writes to its standard output: a text, or what is written as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub output: Option<Value>,
    /// What a command writes to its standard error.
    pub error: Option<String>,
    /// The fields that the step of a step server sets in its object; null unsets one.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub fields: Map<String, Value>,
    /// How a call of a step server ends; with success by default.
    pub outcome: Option<OutcomeWord>,
    /// What the step server says of it.
    pub message: Option<String>,
    /// That there is no answer, as the backend cannot be reached, in these words.
    pub fails: Option<String>,
    /// How often it is given; by default as often as it is asked for.
    pub times: Option<NonZeroUsize>,
}

/// A message for event steps.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The key.
    pub key: Option<String>,
    /// The value: a text, or what is sent as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub value: Option<Value>,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What is expected. In expected texts `*` stands for any text; alone it stands for any value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expect {
    /// The requests, commands and calls of step servers, all of them, in this order.
    pub calls: Option<Vec<Call>>,
    /// The same in any order.
    pub calls_in_any_order: Option<Vec<Call>>,
    /// What steps and policies have saved, made, touched and deleted, all of it, in any order.
    pub saves: Option<Vec<Save>>,
    /// Objects as they are now.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// How the messages that were sent ended, all of them, for each event step that received them.
    pub events: Option<Vec<Ended>>,
    /// How the last runs of pull steps ended.
    #[serde(default)]
    pub pulls: Vec<Ended>,
}

/// A request, a command, or a call of a step server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Method and URL, with `*` for any text. The query counts only if there is a `?`.
    pub http: Option<String>,
    /// The program and its arguments.
    pub exec: Option<Vec<String>>,
    /// Method and step of the call, and its object if it is to be a certain one, with `*` for any text.
    pub grpc: Option<String>,
    /// The body of a request, as a whole.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub body: Option<Value>,
    /// Headers of a request; it may have others.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What a command reads from its standard input, or what the document gives to a step server, as a whole.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub input: Option<Value>,
    /// Variables of a command; it may have others.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// What a step or policy did to an object: exactly one of `created`, `changed`, `touched` and `deleted`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Save {
    /// The object was made: `Team/engines`, or `Team/namespace/engines`; `*` stands for any text.
    pub created: Option<String>,
    /// Fields of its spec were saved.
    pub changed: Option<String>,
    /// Its policies and steps were made to run again.
    pub touched: Option<String>,
    /// Its deletion was asked for.
    pub deleted: Option<String>,
    /// The step or policy.
    pub by: Option<String>,
    /// The fields that changed, by their names in xproto, in any order. A new object may have others.
    pub fields: Option<Vec<String>>,
}

/// An object as it is: of a model, or of a kind of Kubernetes that steps make or read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// Its version, where a model has the name of a kind of Kubernetes: `v1`.
    pub api_version: Option<String>,
    /// Its name.
    pub name: String,
    /// Its namespace; `default` by default.
    pub namespace: Option<String>,
    /// Whether there is one.
    #[serde(default = "yes")]
    pub exists: bool,
    /// Whether it is being deleted.
    pub deleting: Option<bool>,
    /// Fields of its spec, by their names in custom resources; null stands for no value. It may have others.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub spec: Map<String, Value>,
    /// The same of its status.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub status: Map<String, Value>,
    /// The same of its metadata: `{labels: {app: web}}`.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub metadata: Map<String, Value>,
    /// The same of the data of an object of Kubernetes.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub data: Map<String, Value>,
    /// Its conditions by their types: `true`, `false`, or some of `status`, `reason`, `message`.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub conditions: Map<String, Value>,
}

/// How a message, or a run of a pull step, ended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// The step.
    pub step: String,
    /// The outcome.
    pub outcome: OutcomeWord,
    /// What the step said.
    pub message: Option<String>,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeWord {
    /// Success.
    Succeeded,
    /// A failure.
    Failed,
    /// Not yet: a message waits.
    Deferred,
    /// Not done, but no harm.
    Innocuous,
    /// The backend is away.
    Unavailable,
    /// A message that cannot be read was parked.
    Parked,
}

fn yes() -> bool {
    true
}

fn any(_: &mut SchemaGenerator) -> Schema {
    json_schema!({})
}

fn map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": true})
}

fn objects(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "object", "additionalProperties": true}})
}

fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "format": xos_yaml::DURATION,
        "patternErrorMessage": "a duration such as `30s` or `1h 30m`",
    })
}

/// Returns the JSON schema of a test case.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": {"type": "string", "enum": [kinds::API_VERSION]},
                "kind": {"type": "string", "enum": [KIND]},
                "metadata": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": {"name": {"type": "string"}},
                },
                "spec": kinds::schema::<CaseSpec>(),
            },
        })
    });
    &SCHEMA
}
