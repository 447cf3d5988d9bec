//! Why a call is refused, as clients of XOS are told: a code, and details in JSON.

use std::collections::BTreeMap;

use serde_json::json;
use tonic::{Code, Status};
use xos_steps::StoreError;

use crate::ids::IdError;

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no such object.
    #[error("there is no {model} with the id {id}")]
    NotFound {
        /// The model.
        model: String,
        /// The id.
        id: i32,
    },
    /// There is no such model, or it has no objects.
    #[error("there is no model `{0}` whose objects could be asked for")]
    NoModel(String),
    /// The request is no message of the expected kind.
    #[error("{0}")]
    Message(#[from] xos_grpc::wire::WireError),
    /// What is asked or saved is invalid.
    #[error("{what}")]
    Invalid {
        /// What is wrong.
        what: String,
        /// The same field by field.
        fields: BTreeMap<String, String>,
    },
    /// An object with the same key is there.
    #[error("{0}")]
    Duplicate(String),
    /// The caller may not do this.
    #[error("{0}")]
    Denied(String),
    /// It is not known who calls.
    #[error("{0}")]
    Unauthenticated(String),
    /// It cannot be done as this process is configured.
    #[error("{0}")]
    Precondition(String),
    /// It cannot be done now.
    #[error("{0}")]
    Unavailable(String),
    /// Nothing was asked that is served.
    #[error("{0}")]
    Unimplemented(String),
    /// The object cannot be read or saved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no id for a new object.
    #[error(transparent)]
    Id(#[from] IdError),
}

impl ApiError {
    /// Returns that one field is wrong.
    pub(crate) fn field(name: &str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Invalid { what: format!("`{name}`: {why}"), fields: BTreeMap::from([(name.to_owned(), why)]) }
    }

    /// Returns the code, and the name that XOS has for the error.
    fn kind(&self) -> (Code, &'static str) {
        match self {
            Self::NotFound { .. } => (Code::NotFound, "XOSNotFound"),
            Self::NoModel(_) | Self::Unimplemented(_) => (Code::Unimplemented, "XOSNotFound"),
            Self::Message(_) | Self::Invalid { .. } => (Code::InvalidArgument, "XOSValidationError"),
            Self::Duplicate(_) => (Code::AlreadyExists, "XOSDuplicateKey"),
            Self::Denied(_) => (Code::PermissionDenied, "XOSPermissionDenied"),
            Self::Unauthenticated(_) => (Code::Unauthenticated, "XOSNotAuthenticated"),
            Self::Store(error) => of_store(error),
            Self::Precondition(_) => (Code::FailedPrecondition, "XOSServiceUnavailable"),
            Self::Unavailable(_) | Self::Id(_) => (Code::Unavailable, "XOSServiceUnavailable"),
        }
    }
}

fn of_store(error: &StoreError) -> (Code, &'static str) {
    match error {
        StoreError::NotFound { .. } | StoreError::Gone(_) => (Code::NotFound, "XOSNotFound"),
        StoreError::AlreadyExists(_) | StoreError::NameTaken { .. } => (Code::AlreadyExists, "XOSDuplicateKey"),
        StoreError::Refused { .. } | StoreError::Query(_) | StoreError::Save(_) | StoreError::Convert(_) => {
            (Code::InvalidArgument, "XOSValidationError")
        }
        StoreError::Unsettled { .. } => (Code::Aborted, "XOSConflict"),
        _ => (Code::Unavailable, "XOSServiceUnavailable"),
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let (code, name) = error.kind();
        let mut specific = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if !specific.contains(&cause.to_string()) {
                specific = format!("{specific}: {cause}");
            }
            source = cause.source();
        }
        let fields = match error {
            ApiError::Invalid { fields, .. } => fields,
            _ => BTreeMap::new(),
        };
        Self::new(code, json!({"error": name, "specific_error": specific, "fields": fields}).to_string())
    }
}
