//! HTTP requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FieldValues, FromSecretKey, SecretRef, Tls, any, duration, fields};

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "they are HTTP's")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The method; by default PUT in a sync step, GET in a pull step.
    pub method: Option<Method>,
    /// The URL. Values of expressions are encoded, but for one at its beginning.
    pub url: String,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The query of the URL.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// Whom it trusts, and how it says who asks, where the backend's certificate is not one of a known authority.
    pub tls: Option<Tls>,
    /// How long to wait for the answer; 60 s by default.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub timeout: Option<String>,
    /// The body, sent as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub body: Option<Value>,
    /// The statuses of success; by default all from 200 to 299.
    #[serde(default)]
    pub expect: Vec<u16>,
    /// What other answers mean. The first that fits counts.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// Who asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// A user with a password.
    pub basic: Option<Basic>,
    /// A token.
    pub bearer: Option<BearerAuth>,
}

/// A token.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BearerAuth {
    /// From a key of a Secret.
    Secret(FromSecretKey),
    /// As the document says.
    Said(String),
}

/// A user with a password: both are said here, or are in a Secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Basic {
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The Secret, whose keys are `username` and `password`.
    pub secret_ref: Option<SecretRef>,
}

/// What an answer means.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Its status is one of these.
    #[serde(default)]
    pub status: Vec<u16>,
    /// And this is true: `${response.body.state == 'busy'}`.
    pub when: Option<String>,
    /// What it means.
    pub then: Outcome,
    /// What status says then; by default the answer.
    pub message: Option<String>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Success.
    Succeeded,
    /// A failure: it is tried again with growing delay.
    Failed,
    /// Not yet: it is tried again every few seconds.
    Deferred,
    /// Not done, but no harm.
    Innocuous,
    /// The backend is away, for all objects.
    Unavailable,
}

/// A request that makes the backend agree with an object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpSync {
    /// The request; PUT by default.
    #[serde(flatten)]
    pub request: Request,
    /// Fields that are set from the answer: `${response.body.id}`.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
    /// What has to be waited for after it.
    pub wait: Option<Wait>,
    /// How it is undone when the object is deleted; by default with DELETE on the same URL, if the method is PUT.
    pub delete: Option<Delete>,
}

/// What has to be waited for after a request. Until it is so, the step asks again and again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Wait {
    /// The URL that is asked, with GET; by default that of the request.
    pub url: Option<String>,
    /// What has to be true: `${response.body.state == 'active'}`.
    pub until: String,
    /// The time between two questions; 2 s by default.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub every: Option<String>,
    /// How long to wait; 30 s by default. After it the step is deferred.
    #[serde(rename = "for")]
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub limit: Option<String>,
    /// Fields that are set from the last answer.
    #[serde(default)]
    #[schemars(schema_with = "fields")]
    pub fields: FieldValues,
}

/// How something is undone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Delete {
    /// Not at all: `nothing`.
    Word(Nothing),
    /// By a request. The statuses 404 and 410 are success, too.
    Request(Box<DeleteRequest>),
}

/// The word for nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Nothing {
    /// Nothing is done.
    Nothing,
}

/// A request that undoes something.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// The method; DELETE by default.
    pub method: Option<Method>,
    /// The URL; by default that of the request that is undone.
    pub url: Option<String>,
    /// More headers; by default those of the request that is undone.
    pub headers: Option<BTreeMap<String, String>>,
    /// The query of the URL.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The body, sent as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub body: Option<Value>,
    /// The statuses of success; by default all from 200 to 299.
    #[serde(default)]
    pub expect: Vec<u16>,
    /// What other answers mean.
    #[serde(default)]
    pub answers: Vec<Answer>,
}
