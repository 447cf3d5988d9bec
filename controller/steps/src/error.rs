//! How a step says that it did not succeed.

use std::error::Error;
use std::fmt;

use crate::bus_event::EventError;

/// How a step says that it did not succeed.
///
/// Any error converts into [`StepError::Failed`], so `?` does what one expects. XOS's `DeferredException` and `InnocuousException` are
/// [`StepError::deferred`] and [`StepError::innocuous`].
///
/// | | `backend_code` | tried again |
/// |---|---|---|
/// | `Failed` | 2 | after 1 s, 2 s, 4 s … up to 5 min (configurable) |
/// | `Deferred` | 0 | on a change of the object, else every few seconds |
/// | `Innocuous` | 1 | as after a failure |
///
/// It is not a [`std::error::Error`] itself: that is what lets every error convert into it.
#[derive(Debug)]
pub enum StepError {
    /// An error.
    Failed(Box<dyn Error + Send + Sync>),
    /// Not yet: something that this step needs is not there.
    Deferred(String),
    /// Not done, and no harm.
    Innocuous(String),
}

impl StepError {
    /// An error with a text of its own.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into().into())
    }

    /// Not yet: `reason` says what is missing.
    pub fn deferred(reason: impl Into<String>) -> Self {
        Self::Deferred(reason.into())
    }

    /// Whether it says that an event cannot be read: to try again is in vain.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is::<EventError>())
    }

    /// Not done, and no harm.
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

/// The error and its causes, `a: b: c`; a cause that the text before it already ends with is left out.
fn write_chain(f: &mut fmt::Formatter<'_>, error: &dyn Error) -> fmt::Result {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    f.write_str(&text)
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
    }
}
