//! What an answer of a server means for the object.

use std::collections::HashMap;
use std::error::Error as _;
use std::io;
use std::time::Duration;

use tonic::{Code, Status};
use xos_steps::{BusEvent, StepError};

use crate::convert::{TextError, value};
use crate::v1;

/// A call that ended without a result that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// There was no result in time.
    #[error("{server} did not end the call within {limit:?} (`grpc.timeout`)")]
    Late {
        server: String,
        limit: Duration,
        /// By it the engine knows that there was no answer in time.
        #[source]
        source: io::Error,
    },
    /// The connection broke.
    #[error("{server} broke off the call: {words}")]
    Broken {
        server: String,
        words: String,
        /// By it the engine knows that the connection broke.
        #[source]
        source: io::Error,
    },
    /// The answer is an error of gRPC's.
    #[error("{server} answered {code:?}: {words}")]
    Status { server: String, code: Code, words: String },
    /// The stream ended too early.
    #[error("{0} ended the call without a result")]
    NoResult(String),
    /// The result cannot be read.
    #[error("the result of {server} cannot be read: {source}")]
    Result {
        server: String,
        #[source]
        source: TextError,
    },
}

impl CallError {
    pub(crate) fn late(server: String, limit: Duration) -> Self {
        Self::Late { server, limit, source: io::ErrorKind::TimedOut.into() }
    }
}

/// Whether an error is of the connection, and not an answer of the server's.
pub(crate) fn is_broken(status: &Status) -> bool {
    status.source().is_some() && !is_late(status)
}

/// Whether the time of the call is over: by the clock here or by the server's.
fn is_late(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    status.code() == Code::DeadlineExceeded
}

/// Returns what an error of gRPC's means, in a call that may take so long.
pub(crate) fn of_status(server: &str, status: &Status, limit: Duration) -> StepError {
    let server = server.to_owned();
    if is_late(status) {
        return CallError::late(server, limit).into();
    }
    let words = status.message().to_owned();
    if is_broken(status) && status.code() != Code::Unavailable {
        return CallError::Broken { server, words, source: io::ErrorKind::ConnectionReset.into() }.into();
    }
    let code = status.code();
    match code {
        Code::Unavailable => StepError::unavailable(format!("{server} is away: {words}")),
        // Credentials are for the whole server.
        Code::Unauthenticated => StepError::unavailable(format!("{server} does not take our credentials: {words}")),
        // A message that is too long is told by the same code, and will always be too long.
        Code::ResourceExhausted if !is_too_long(&words) => {
            StepError::deferred(format!("{server} has too much to do: {words}"))
        }
        Code::Cancelled => CallError::Broken { server, words, source: io::ErrorKind::TimedOut.into() }.into(),
        _ => CallError::Status { server, code, words }.into(),
    }
}

/// The words of gRPC's libraries (C and Python, Go; Java) for a message that is longer than the server reads.
fn is_too_long(words: &str) -> bool {
    words.contains("larger than max") || words.contains("exceeds maximum size")
}

/// Returns what a result means. `errors` are those of the requests of the call.
pub(crate) fn of_result(
    server: &str,
    result: &v1::Result,
    errors: &mut HashMap<u64, StepError>,
) -> Result<(), StepError> {
    let message = || match result.message.as_str() {
        "" => format!("{server} gave no reason"),
        message => message.to_owned(),
    };
    let error = match result.outcome() {
        v1::Outcome::Succeeded => return Ok(()),
        v1::Outcome::Unspecified => StepError::failed(format!("{server} did not say how the call ended")),
        v1::Outcome::Failed => {
            let cause = errors.remove(&result.failed_request).filter(|_| result.failed_request > 0);
            cause.unwrap_or_else(|| StepError::failed(message()))
        }
        v1::Outcome::Deferred => StepError::deferred(message()),
        v1::Outcome::Innocuous => StepError::innocuous(message()),
        v1::Outcome::Unavailable => StepError::unavailable(message()),
        v1::Outcome::WaitsFor => waits_for(server, result.waits_for.as_ref()),
        v1::Outcome::Unusable => BusEvent::unusable(message()),
    };
    Err(error)
}

fn waits_for(server: &str, awaited: Option<&v1::Awaited>) -> StepError {
    let Some(v1::Awaited { model, field, value: text }) = awaited else {
        return StepError::failed(format!("{server} did not say what it waits for"));
    };
    match value("waits_for.value", text) {
        Ok(value) if !field.is_empty() => StepError::waits_for(model, (field.as_str(), value)),
        Ok(serde_json::Value::String(key)) => StepError::waits_for(model, key),
        Ok(key) => StepError::waits_for(model, key.to_string()),
        Err(source) => CallError::Result { server: server.to_owned(), source }.into(),
    }
}

#[cfg(test)]
mod tests {
    use xos_steps::{ErrorKind, StoreError};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    #[test]
    fn what_the_codes_of_grpc_mean() {
        use Code::{
            Aborted, Cancelled, DeadlineExceeded, FailedPrecondition, Internal, InvalidArgument, NotFound,
            PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable, Unimplemented, Unknown,
        };
        let table = [
            (Unavailable, "down", ErrorKind::Away, true),
            (Unauthenticated, "no token", ErrorKind::Away, true),
            (ResourceExhausted, "Concurrent RPC limit exceeded!", ErrorKind::NotYet, false),
            (ResourceExhausted, "Received message larger than max (9 vs. 4)", ErrorKind::Failed, false),
            (ResourceExhausted, "gRPC message exceeds maximum size 4: 9", ErrorKind::Failed, false),
            (DeadlineExceeded, "did not end the call within 3s", ErrorKind::Unanswered, true),
            (Cancelled, "the server stops", ErrorKind::Unanswered, true),
            (Unknown, "Exception calling application: 'name'", ErrorKind::Failed, false),
            (Internal, "oops", ErrorKind::Failed, false),
            (Aborted, "oops", ErrorKind::Failed, false),
            (FailedPrecondition, "oops", ErrorKind::Failed, false),
            (InvalidArgument, "oops", ErrorKind::Failed, false),
            (NotFound, "oops", ErrorKind::Failed, false),
            (PermissionDenied, "oops", ErrorKind::Failed, false),
            (Unimplemented, "oops", ErrorKind::Failed, false),
        ];
        for (code, words, kind, is_unreached) in table {
            let error = of_status("the step server at x:1", &Status::new(code, words), LIMIT);
            assert_eq!((error.kind(), error.is_unreached()), (kind, is_unreached), "{code:?}: {error}");
            let text = error.to_string();
            assert!(text.starts_with("the step server at x:1 ") && text.contains(words), "{text}");
        }
        let broken = Status::from_error(Box::new(io::Error::from(io::ErrorKind::BrokenPipe)));
        assert_eq!(of_status("s", &broken, LIMIT).kind(), ErrorKind::Unanswered);
        let late = StepError::from(CallError::late("s".to_owned(), LIMIT));
        assert_eq!((late.kind(), late.is_unreached()), (ErrorKind::Unanswered, true));
        assert!(late.to_string().starts_with("s did not end the call within 3s (`grpc.timeout`)"), "{late}");
    }

    #[test]
    fn what_the_outcomes_of_a_server_mean() {
        use v1::Outcome;
        let table = [
            (Outcome::Unspecified, ErrorKind::Failed, "s did not say how the call ended"),
            (Outcome::Failed, ErrorKind::Failed, "why"),
            (Outcome::Deferred, ErrorKind::NotYet, "why"),
            (Outcome::Innocuous, ErrorKind::Innocuous, "why"),
            (Outcome::Unavailable, ErrorKind::Away, "why"),
            (Outcome::WaitsFor, ErrorKind::NotYet, "waits for Olt olt-1"),
            (Outcome::Unusable, ErrorKind::Unreadable, "why"),
        ];
        for (outcome, kind, text) in table {
            let waits_for =
                Some(v1::Awaited { model: "Olt".to_owned(), field: String::new(), value: "\"olt-1\"".to_owned() });
            let message = "why".to_owned();
            let result = v1::Result { outcome: outcome.into(), message, waits_for, ..v1::Result::default() };
            let error = of_result("s", &result, &mut HashMap::new()).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, text), "{}", outcome.as_str_name());
        }
        let done = v1::Result { outcome: Outcome::Succeeded.into(), ..v1::Result::default() };
        assert!(of_result("s", &done, &mut HashMap::new()).is_ok());
        let silent = v1::Result { outcome: Outcome::Deferred.into(), ..v1::Result::default() };
        assert_eq!(of_result("s", &silent, &mut HashMap::new()).unwrap_err().to_string(), "s gave no reason");
    }

    #[test]
    fn the_api_servers_trouble_stays_its_own() {
        let away =
            StoreError::Unavailable { what: "Person default/a cannot be saved".to_owned(), source: "etcd".into() };
        let mut errors = HashMap::from([(3, StepError::from(away))]);
        let outcome = v1::Outcome::Failed.into();
        let result = v1::Result { outcome, failed_request: 3, message: "x".to_owned(), ..v1::Result::default() };
        let error = of_result("s", &result, &mut errors).unwrap_err();
        assert_eq!((error.kind(), error.is_unreached()), (ErrorKind::Away, false));
        let error = of_result("s", &result, &mut errors).unwrap_err();
        assert_eq!(error.to_string(), "x", "a request that did not fail");
    }
}
