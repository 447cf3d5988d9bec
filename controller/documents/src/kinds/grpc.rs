//! Steps of step servers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{any, duration};

/// A step of a step server, which may be written in any language.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcStep {
    /// Where the server is: `people:50051`, `unix:/run/people.sock`, `${settings.people_server}`. Steps with the same
    /// address and `tls` share one connection.
    pub address: String,
    /// The name of the step on the server; by default that of the document. No expression.
    pub step: Option<String>,
    /// How long a call may take; 60 s by default. Then it is cancelled.
    #[serde(default)]
    #[schemars(schema_with = "duration")]
    pub timeout: Option<String>,
    /// What the server gets beside the object, as JSON.
    #[serde(default)]
    #[schemars(schema_with = "any")]
    pub input: Option<Value>,
    /// Protects the connection. Without it everything is readable on the way, values of secret fields, too.
    pub tls: Option<GrpcTls>,
}

/// How a connection is protected. The files are read for each new connection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcTls {
    /// The file with the authorities that are trusted, as PEM; by default the system's.
    pub ca: Option<String>,
    /// The file with the certificate by which the server knows the controller, as PEM. It needs a `key`.
    pub certificate: Option<String>,
    /// The file with its key, as PEM.
    pub key: Option<String>,
    /// The name in the server's certificate; by default the host of the address.
    pub server_name: Option<String>,
}

/// A policy of a step server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrpcPolicy {
    /// The server.
    #[serde(flatten)]
    pub step: GrpcStep,
    /// Whether it handles deletions: only then a deleted object waits for it. The server has to say the same.
    #[serde(default)]
    pub handles_delete: bool,
}
