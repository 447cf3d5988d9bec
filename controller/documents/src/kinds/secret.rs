//! Values from Secrets. No expressions in their names: rights follow from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FromSecret {
    /// Which one.
    pub secret_ref: SecretRef,
}

/// A Secret, by its name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// The name.
    pub name: String,
    /// The namespace; by default the one that the program runs in.
    pub namespace: Option<String>,
}

/// A value of a Secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FromSecretKey {
    /// Which one.
    pub secret_key_ref: SecretKeyRef,
}

/// A key of a Secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyRef {
    /// The name of the Secret.
    pub name: String,
    /// The namespace; by default the one that the program runs in.
    pub namespace: Option<String>,
    /// The key.
    pub key: String,
}

/// Who is trusted, and who asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificates of authorities that are trusted beside the usual ones.
    pub ca: Option<Authorities>,
    /// The client's certificate and key: those of a Secret, whose keys are `tls.crt` and `tls.key`.
    pub client_certificate: Option<FromSecret>,
}

/// Certificates, as PEM.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Authorities {
    /// From a key of a Secret.
    Secret(FromSecretKey),
    /// From a file of this path.
    File(String),
}
