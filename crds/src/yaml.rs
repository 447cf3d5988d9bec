//! Resources as YAML text.

use serde::Serialize;

/// Why a definition could not be written.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// The definition cannot be written as JSON.
    #[error("cannot write the definition as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The definition cannot be written as YAML.
    #[error("cannot write the definition as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// Returns the YAML text of a definition or another resource, for `kubectl apply`. The text is always the same for the
/// same resource.
///
/// # Errors
/// When it cannot be serialized.
pub fn to_yaml(resource: &impl Serialize) -> Result<String, YamlError> {
    // Through JSON values: their maps are sorted.
    let value = serde_json::to_value(resource)?;
    Ok(serde_saphyr::to_string(&value)?)
}
