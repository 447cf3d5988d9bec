//! Problems with the event bus: of several errors the most helpful one is kept.
//!
//! librdkafka reports a wrong password every 30 s, and after each attempt that all brokers are down. Only the first of
//! the two helps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// An error that was not repeated for this long may be over: librdkafka repeats one that lasts every 30 s.
const OUTDATED_AFTER: Duration = Duration::from_mins(2);

/// How helpful an error is, the least helpful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// An error without a reason, mostly because it was reported with its reason just before.
    NoReason,
    /// No broker can be reached.
    General,
    /// A certain error.
    Specific,
    /// One side does not accept the other: a wrong password, an unknown certificate, a missing right.
    Refused,
}

/// An error of the event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) text: String,
    detail: Detail,
    at: Instant,
}

impl Problem {
    /// Returns an error with librdkafka's reason for it.
    pub(crate) fn new(error: &KafkaError, reason: &str, at: Instant) -> Self {
        Self { text: format!("{error}: {reason}"), detail: detail(error.rdkafka_error_code()), at }
    }

    /// Returns an error that comes without a reason.
    pub(crate) fn without_reason(error: &KafkaError, at: Instant) -> Self {
        Self { text: error.to_string(), detail: Detail::NoReason, at }
    }
}

fn detail(code: Option<RDKafkaErrorCode>) -> Detail {
    use RDKafkaErrorCode as Code;
    match code {
        None | Some(Code::AllBrokersDown) => Detail::General,
        Some(
            Code::Authentication
            | Code::SSL
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed,
        ) => Detail::Refused,
        Some(_) => Detail::Specific,
    }
}

/// The most helpful error since a broker last answered.
#[derive(Debug, Default)]
pub(crate) struct LastProblem(Mutex<Option<Problem>>);

impl LastProblem {
    fn lock(&self) -> MutexGuard<'_, Option<Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an error. Returns the error that is kept, and whether it is to be reported: it says more than the one
    /// before.
    pub(crate) fn add(&self, new: Problem) -> (String, bool) {
        let mut last = self.lock();
        let (problem, is_news) = more_helpful(last.take(), new);
        let text = problem.text.clone();
        *last = Some(problem);
        (text, is_news)
    }

    /// Forgets the error: a broker has answered.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// Returns the error that is kept.
    pub(crate) fn text(&self) -> Option<String> {
        self.lock().as_ref().map(|problem| problem.text.clone())
    }
}

/// The context of a client that only keeps its last problem, to explain why an answer is missing.
#[derive(Debug)]
pub(crate) struct ProblemContext(pub(crate) Arc<LastProblem>);

impl ClientContext for ProblemContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "error of the event bus");
        self.0.add(Problem::new(&error, reason, Instant::now()));
    }
}

impl ConsumerContext for ProblemContext {}

/// Logs a line of librdkafka. Errors are reported by the error callbacks already, so their lines are at level debug.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::debug!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::trace!(facility, "librdkafka: {message}"),
    }
}

/// Returns the problem in brackets, to follow another error.
pub(crate) fn in_brackets(problem: Option<&String>) -> String {
    problem.map(|problem| format!(" ({problem})")).unwrap_or_default()
}

/// Returns the more helpful of two errors, and whether it says more than the last one.
fn more_helpful(last: Option<Problem>, new: Problem) -> (Problem, bool) {
    match last {
        None => (new, true),
        Some(last) if new.detail > last.detail => (new, true),
        Some(last) if new.detail == last.detail => (new, false),
        // A broker that refused the client, and then went away for good.
        Some(last) if new.detail == Detail::Specific && new.at.duration_since(last.at) > OUTDATED_AFTER => (new, true),
        Some(last) => (last, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: RDKafkaErrorCode, reason: &str, at: Instant) -> Problem {
        Problem::new(&KafkaError::Global(code), reason, at)
    }

    #[test]
    fn a_general_error_does_not_hide_another() {
        let now = Instant::now();
        let down = problem(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down", now);
        let refused = problem(RDKafkaErrorCode::BrokerTransportFailure, "Connection refused", now);
        let password = problem(RDKafkaErrorCode::Authentication, "Invalid username or password", now);
        let certificate = problem(RDKafkaErrorCode::SSL, "certificate verify failed", now);
        let without_reason =
            Problem::without_reason(&KafkaError::MessageConsumption(RDKafkaErrorCode::Authentication), now);

        assert_eq!(more_helpful(None, down.clone()), (down.clone(), true));
        assert_eq!(more_helpful(Some(down.clone()), password.clone()), (password.clone(), true), "it says more");
        for less in [&down, &without_reason, &refused] {
            assert_eq!(more_helpful(Some(password.clone()), less.clone()), (password.clone(), false), "{}", less.text);
        }
        assert_eq!(more_helpful(Some(refused.clone()), down.clone()), (refused, false));
        assert_eq!(more_helpful(Some(down.clone()), without_reason), (down, false));
        assert_eq!(more_helpful(Some(password), certificate.clone()), (certificate, false), "the newest of its kind");
    }

    #[test]
    fn an_outdated_error_gives_way_to_a_new_one() {
        let then = Instant::now();
        let now = then + 2 * OUTDATED_AFTER;
        let password = problem(RDKafkaErrorCode::Authentication, "Invalid username or password", then);
        let refused = problem(RDKafkaErrorCode::BrokerTransportFailure, "Connection refused", now);
        let down = problem(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down", now);
        assert_eq!(more_helpful(Some(password.clone()), refused.clone()), (refused, true));
        assert_eq!(more_helpful(Some(password.clone()), down), (password, false), "it says nothing new");
    }
}
