//! Why a step did not succeed.

mod kind;

use std::error::Error;
use std::{fmt, io};

use crate::awaited::{Awaited, AwaitedKey};
use crate::bus_event::EventError;
use crate::call::CallError;
use crate::store::StoreError;

pub use kind::ErrorKind;

/// Why a step did not succeed.
///
/// Any error converts into [`StepError::Failed`], so steps can use `?`. XOS's `DeferredException` and
/// `InnocuousException` are [`StepError::deferred`] and [`StepError::innocuous`].
///
/// | | `backend_code` | next attempt |
/// |---|---|---|
/// | `Failed` | 2 | after 1 s, 2 s, 4 s … up to 5 min (configurable) |
/// | `Deferred` | 0 | when the object changes, else every few seconds |
/// | `WaitsFor` | 0 | as after `Deferred`, and when the other object comes or changes |
/// | `Awaits` | 0 | when what it waits for changes, which is watched, or the object; else every minute |
/// | `Innocuous` | 1 | as after a failure |
/// | `Unavailable` | 0 | when the target is there again: one object of the step at a time tries |
///
/// It does not implement [`std::error::Error`] itself; otherwise not every error could convert into it.
#[derive(Debug)]
pub enum StepError {
    /// The step failed.
    Failed(Box<dyn Error + Send + Sync>),
    /// Not done yet: something that the step needs is not there.
    Deferred(String),
    /// Not done yet: another object is not there, or not as the step needs it.
    WaitsFor(Box<Awaited>),
    /// Not done yet: something is not ready that the step watches by itself.
    Awaits(String),
    /// Not done, but no harm.
    Innocuous(String),
    /// Not done: the target of the step is away.
    Unavailable(String),
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

    /// Makes a deferral until another object comes or changes: `StepError::waits_for("Olt", "olt-1")`, by the value of
    /// its natural key, or `StepError::waits_for(Olt::MODEL_NAME, (Olt::DEVICE_ID, "of:1"))`, by another field. `class`
    /// may be a base.
    ///
    /// An event step is called again when such an object comes or changes, in whatever namespace; also every 30 s. Later
    /// events of the same key wait for it, others go on, and it is never parked. A sync step or policy is called again, too,
    /// and else as after `Deferred`.
    pub fn waits_for(class: &str, key: impl Into<AwaitedKey>) -> Self {
        Self::WaitsFor(Box::new(Awaited::new(class, key.into())))
    }

    /// Makes a deferral until something has changed that is no object of a model, and that the step, or a task of its,
    /// watches: that tells the engine by [`Again`](crate::Again). `reason` says what is waited for.
    pub fn awaits(reason: impl Into<String>) -> Self {
        Self::Awaits(reason.into())
    }

    /// Says that the target of the step is away: what it talks to for all of its objects. That is no failure of the
    /// object, and no attempt. Until the target answers, the objects of this step wait, and one of them at a time tries
    /// again, with growing delay (`probe_backoff`). `reason` says what is away and why.
    ///
    /// Do not use it where each object has a target of its own: a device that is away must not stop the others.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into())
    }

    /// Whether the call did not reach its target, or had no answer in time: the target, or what is in front of it, may
    /// be away.
    ///
    /// These are errors of [`reqwest`] (no connection, a time-out, the status 502, 503 or 504), of input and output (a
    /// connection that is refused, reset or cannot be made), a time-out of tokio, and the step's own time limit. An
    /// error of the API server is not one of them.
    pub fn is_unreached(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Deferred(_) | Self::WaitsFor(_) | Self::Awaits(_) | Self::Innocuous(_) => false,
            Self::Failed(error) => {
                let is_api_server =
                    |error: &(dyn Error + 'static)| error.is::<StoreError>() || error.is::<kube::Error>();
                has_cause(error.as_ref(), is_unreached) && !has_cause(error.as_ref(), is_api_server)
            }
        }
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
            Self::WaitsFor(awaited) => write!(f, "waits for {awaited}"),
            Self::Deferred(reason) | Self::Awaits(reason) | Self::Innocuous(reason) | Self::Unavailable(reason) => {
                f.write_str(reason)
            }
        }
    }
}

/// Whether an error, or one of its causes, is such a one.
fn has_cause(error: &(dyn Error + 'static), is: impl Fn(&(dyn Error + 'static)) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if is(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn is_unreached(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable,
        NotConnected, TimedOut,
    };
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        let is_gateway = error.status().is_some_and(|status| matches!(status.as_u16(), 502..=504));
        return error.is_connect() || error.is_timeout() || is_gateway;
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        let kinds = [
            ConnectionAborted,
            ConnectionRefused,
            ConnectionReset,
            HostUnreachable,
            NetworkDown,
            NetworkUnreachable,
            NotConnected,
            TimedOut,
        ];
        return kinds.contains(&error.kind());
    }
    matches!(error.downcast_ref(), Some(CallError::TimedOut(_))) || error.is::<tokio::time::error::Elapsed>()
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
    let boxed = || error.downcast_ref::<Box<kube::core::Status>>().map(AsRef::as_ref);
    let answer = error.downcast_ref::<kube::core::Status>().or_else(boxed);
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

    #[test]
    fn what_did_not_reach_its_target() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let table: [(StepError, bool); 8] = [
            (refused().into(), true),
            (Outer(refused()).into(), true),
            (CallError::TimedOut(std::time::Duration::ZERO).into(), true),
            (StepError::unavailable("x"), true),
            (CallError::Panicked("x".to_owned()).into(), false),
            (io::Error::from(io::ErrorKind::PermissionDenied).into(), false),
            (kube::Error::Service(Box::new(refused())).into(), false),
            (StepError::failed("connection refused"), false),
        ];
        for (error, expected) in table {
            assert_eq!(error.is_unreached(), expected, "{error}");
        }
    }

    #[tokio::test]
    async fn a_refused_connection_of_an_http_client_did_not_reach_its_target() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let client = crate::Services::default().http.get();
        let error: StepError = client.get(format!("http://{address}")).send().await.unwrap_err().into();
        assert!(error.is_unreached(), "{error}");
    }
}
