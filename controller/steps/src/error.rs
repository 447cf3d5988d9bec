//! Why a step did not succeed.

use std::error::Error;
use std::fmt;

use crate::bus_event::EventError;

/// Why a step did not succeed.
///
/// Any error converts into [`StepError::Failed`], so steps can use `?`. XOS's `DeferredException` and
/// `InnocuousException` are [`StepError::deferred`] and [`StepError::innocuous`].
///
/// | | `backend_code` | next attempt |
/// |---|---|---|
/// | `Failed` | 2 | after 1 s, 2 s, 4 s … up to 5 min (configurable) |
/// | `Deferred` | 0 | when the object changes, else every few seconds |
/// | `Innocuous` | 1 | as after a failure |
///
/// It does not implement [`std::error::Error`] itself; otherwise not every error could convert into it.
#[derive(Debug)]
pub enum StepError {
    /// The step failed.
    Failed(Box<dyn Error + Send + Sync>),
    /// Not done yet: something that the step needs is not there.
    Deferred(String),
    /// Not done, but no harm.
    Innocuous(String),
}

impl StepError {
    /// Makes a failure with this message.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into().into())
    }

    /// Makes a deferral; `reason` says what is missing.
    pub fn deferred(reason: impl Into<String>) -> Self {
        Self::Deferred(reason.into())
    }

    /// Whether it says that an event cannot be read, so that another attempt would not help.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is::<EventError>())
    }

    /// Makes an innocuous error: the step did nothing, but there is no harm.
    pub fn innocuous(reason: impl Into<String>) -> Self {
        Self::Innocuous(reason.into())
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write_chain(f, error.as_ref()),
            Self::Deferred(reason) | Self::Innocuous(reason) => f.write_str(reason),
        }
    }
}

/// Writes the error and its causes, `a: b: c`. A cause that the text already contains is left out.
fn write_chain(f: &mut fmt::Formatter<'_>, error: &(dyn Error + 'static)) -> fmt::Result {
    let mut text = words(error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = words(inner);
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    f.write_str(&text)
}

/// Returns an error's text. kube shows the API server's answer as a Rust struct; its message says all.
fn words(error: &(dyn Error + 'static)) -> String {
    let answer = error.downcast_ref::<kube::core::Status>();
    match (answer, error.downcast_ref::<kube::Error>()) {
        (Some(status), _) => status.message.clone(),
        (_, Some(kube::Error::Api(status))) => format!("the API server: {}", status.message),
        _ => error.to_string(),
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not save")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_failure_shows_its_causes() {
        let error: StepError = Outer(std::io::Error::other("disk full")).into();
        assert_eq!(error.to_string(), "could not save: disk full");
        assert_eq!(StepError::failed("x").to_string(), "x");
        let status = kube::core::Status::failure("teams is forbidden: no", "Forbidden").with_code(403);
        let error: StepError = kube::Error::Api(status.boxed()).into();
        assert_eq!(error.to_string(), "the API server: teams is forbidden: no");
    }
}
