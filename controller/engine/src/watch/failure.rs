//! Why a watch is interrupted.

use std::time::Duration;

use kube::core::Status;

use crate::api_error::{explain, is_unserved};

/// Why a watch is interrupted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchFailure {
    /// The kind is not served.
    #[error("the API server does not serve the kind: its definition was deleted, or no longer has this version")]
    Unserved,
    /// The right is missing.
    #[error("{0}")]
    Forbidden(String),
    /// What happened since the last known state is no longer known: everything has to be listed again.
    #[error("the API server no longer knows what has happened since ({0}): listing again")]
    Expired(String),
    /// Nothing came, not even the end that was agreed on.
    #[error("nothing came for {0:?}: the connection is taken for dead")]
    Silent(Duration),
    /// There was no answer to the request.
    #[error("the API server did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The answer has no resourceVersion to go on from.
    #[error("the API server's answer has no resourceVersion: this kind cannot be watched")]
    NoVersion,
    /// The API server said something else, or could not be reached.
    #[error("{0}")]
    Other(String),
}

impl WatchFailure {
    /// Returns why a request failed.
    pub(super) fn of(error: &kube::Error) -> Self {
        match error {
            error if is_unserved(error) => Self::Unserved,
            kube::Error::Api(status) => Self::said(status),
            error => Self::Other(explain(error)),
        }
    }

    /// Returns what the API server said, in an answer or within a watch.
    pub(super) fn said(status: &Status) -> Self {
        let message = status.message.clone();
        match status.code {
            410 => Self::Expired(message),
            403 => Self::Forbidden(message),
            _ => Self::Other(explain(&kube::Error::Api(Box::new(status.clone())))),
        }
    }

    /// Returns whether the objects cannot be seen, whatever connection is used: the watch does without them.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Unserved | Self::Forbidden(_))
    }
}
