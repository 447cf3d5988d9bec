//! The keys of `api`: XOS's gRPC API, served over the custom resources.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values;

/// `api`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["users_file"]))]
pub(in crate::config) struct ApiKeys {
    /// The address at which it is served with TLS, as `0.0.0.0:50051`. It needs `tls`. Default: none.
    #[schemars(schema_with = "values::address")]
    pub(in crate::config) address: Option<String>,
    /// The address at which it is served without TLS, as `127.0.0.1:50055`: passwords can be read on the way. Default: none.
    #[schemars(schema_with = "values::address")]
    pub(in crate::config) plain_address: Option<String>,
    /// A file with the users: `NAME:HASH` on each line, as `xos hash-password NAME` prints it. It is read again when it
    /// changes. They are administrators, unless `:limited` follows: what these may do is said by the models' access policies.
    pub(in crate::config) users_file: Option<String>,
    /// The certificate of the server.
    pub(in crate::config) tls: Option<ApiTls>,
    /// The namespace of the objects that clients make. Default: the first of `namespaces`, else that of the pod or of the
    /// kubeconfig.
    pub(in crate::config) namespace: Option<String>,
}

/// `api.tls`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["certificate", "key"]))]
pub(in crate::config) struct ApiTls {
    /// A file with the certificate (PEM), and those between it and the authority.
    pub(in crate::config) certificate: Option<String>,
    /// A file with its private key.
    pub(in crate::config) key: Option<String>,
}
