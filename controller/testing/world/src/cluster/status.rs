//! What the API server says when it refuses a request.

use serde_json::{Value as Json, json};

/// Why a request for an object of Kubernetes is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The status of the answer.
    pub(super) code: u16,
    /// The reason, as Kubernetes names it.
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Refused {
    fn of(code: u16, reason: &'static str, message: String) -> Self {
        Self { code, reason, message }
    }

    pub(super) fn not_found(resource: &str, name: &str) -> Self {
        Self::of(404, "NotFound", format!("{resource} \"{name}\" not found"))
    }

    pub(super) fn exists(resource: &str, name: &str) -> Self {
        Self::of(409, "AlreadyExists", format!("{resource} \"{name}\" already exists"))
    }

    pub(super) fn conflict(resource: &str, name: &str, why: &str) -> Self {
        Self::of(409, "Conflict", format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}"))
    }

    pub(super) fn invalid(kind: &str, name: &str, why: &str) -> Self {
        Self::of(422, "Invalid", format!("{kind} \"{name}\" is invalid: {why}"))
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::of(400, "BadRequest", message.into())
    }

    /// A request that the real API server answers, and this one does not.
    pub(super) fn unknown(what: &str) -> Self {
        Self::of(501, "NotImplemented", format!("the API server of a test does not answer {what}"))
    }

    /// Returns the body of the answer.
    pub(super) fn body(&self) -> Json {
        let Self { code, reason, message } = self;
        json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code})
    }
}
