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

use super::repeats::Repeats;

/// An error that was not repeated for this long may be over: librdkafka repeats one that lasts every 30 s.
const OUTDATED_AFTER: Duration = Duration::from_mins(2);

/// The facilities of librdkafka's lines that say what its error callback reports.
const REPORTED: [&str; 2] = ["FAIL", "ERROR"];

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

/// What an error is about: what has to work again for it to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// A connection to a broker.
    Connection,
    /// The membership in the group.
    Group,
    /// Topics and their partitions.
    Topics,
}

/// What works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// A broker is connected.
    pub(crate) connection: bool,
    /// The group has this member.
    pub(crate) group: bool,
    /// All topics are there and can be read.
    pub(crate) topics: bool,
}

/// An error of the event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) text: String,
    detail: Detail,
    scope: Scope,
    at: Instant,
}

impl Problem {
    /// Returns an error with librdkafka's reason for it.
    pub(crate) fn new(error: &KafkaError, reason: &str, at: Instant) -> Self {
        let code = error.rdkafka_error_code();
        Self { text: format!("{error}: {reason}"), detail: detail(code), scope: scope(code), at }
    }

    /// Returns an error that comes without a reason.
    pub(crate) fn without_reason(error: &KafkaError, at: Instant) -> Self {
        Self { text: error.to_string(), detail: Detail::NoReason, scope: scope(error.rdkafka_error_code()), at }
    }

    /// Returns an error that we have found ourselves in a topic.
    pub(crate) fn of_topic(text: String, at: Instant) -> Self {
        Self { text, detail: Detail::Specific, scope: Scope::Topics, at }
    }

    fn is_over(&self, evidence: Evidence) -> bool {
        match self.scope {
            Scope::Connection => evidence.connection,
            Scope::Group => evidence.group,
            Scope::Topics => evidence.topics,
        }
    }
}

fn scope(code: Option<RDKafkaErrorCode>) -> Scope {
    use RDKafkaErrorCode as Code;
    match code {
        Some(Code::GroupAuthorizationFailed) => Scope::Group,
        Some(
            Code::TopicAuthorizationFailed
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition,
        ) => Scope::Topics,
        _ => Scope::Connection,
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

/// The most helpful error that is not over.
#[derive(Debug, Default)]
pub(crate) struct LastProblem {
    last: Mutex<Last>,
    log: Mutex<Repeats>,
}

#[derive(Debug, Default)]
struct Last {
    problem: Option<Problem>,
    /// Whether it was reported.
    is_told: bool,
}

impl LastProblem {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an error. Returns the error that is kept, and whether it is to be reported: it says more than the one
    /// before, or that one was never [`told`](Self::told).
    pub(crate) fn add(&self, new: Problem) -> (String, bool) {
        let mut last = self.lock();
        let (problem, is_news) = more_helpful(last.problem.take(), new);
        let text = problem.text.clone();
        last.problem = Some(problem);
        last.is_told &= !is_news;
        (text, !last.is_told)
    }

    /// Takes note that the error was reported.
    pub(crate) fn told(&self) {
        self.lock().is_told = true;
    }

    /// Forgets the error: what was sent has arrived.
    pub(crate) fn clear(&self) {
        *self.lock() = Last::default();
    }

    /// Forgets the error if it is over. Returns whether it was.
    pub(crate) fn clear_if_over(&self, evidence: Evidence) -> bool {
        let mut last = self.lock();
        let is_over = last.problem.as_ref().is_some_and(|problem| problem.is_over(evidence));
        if is_over {
            *last = Last::default();
        }
        is_over
    }

    /// Returns whether the error is about topics: only reading them can show that it is over.
    pub(crate) fn is_about_topics(&self) -> bool {
        self.lock().problem.as_ref().is_some_and(|problem| problem.scope == Scope::Topics)
    }

    /// Returns whether a right is missing.
    pub(crate) fn is_about_rights(&self) -> bool {
        self.lock().problem.as_ref().is_some_and(|problem| problem.detail == Detail::Refused)
    }

    /// Returns the error that is kept.
    pub(crate) fn text(&self) -> Option<String> {
        self.lock().problem.as_ref().map(|problem| problem.text.clone())
    }

    /// Logs a line of librdkafka. Its warnings are warnings, but not one for each attempt. What its error callback
    /// reports too is at level debug.
    pub(crate) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let is_news =
            || self.log.lock().unwrap_or_else(PoisonError::into_inner).is_news(Instant::now(), facility, message);
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning if !REPORTED.contains(&facility) && is_news() => {
                tracing::warn!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::debug!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::trace!(facility, "librdkafka: {message}"),
        }
    }
}

/// The context of a client that only keeps its last problem, to explain why an answer is missing.
#[derive(Debug, Default)]
pub(crate) struct ProblemContext(pub(crate) Arc<LastProblem>);

impl ClientContext for ProblemContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "error of the event bus");
        self.0.add(Problem::new(&error, reason, Instant::now()));
    }
}

impl ConsumerContext for ProblemContext {}

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

    #[test]
    fn an_error_is_over_when_what_it_is_about_works() {
        let now = Instant::now();
        let connected = Evidence { connection: true, ..Evidence::default() };
        let member = Evidence { group: true, ..connected };
        let readable = Evidence { topics: true, ..member };
        for (code, over_with) in [
            (RDKafkaErrorCode::BrokerTransportFailure, [true, true, true]),
            (RDKafkaErrorCode::GroupAuthorizationFailed, [false, true, true]),
            (RDKafkaErrorCode::TopicAuthorizationFailed, [false, false, true]),
            (RDKafkaErrorCode::UnknownTopicOrPartition, [false, false, true]),
        ] {
            for (evidence, is_over) in [connected, member, readable].into_iter().zip(over_with) {
                let last = LastProblem::default();
                last.add(problem(code, "no", now));
                assert_eq!(last.clear_if_over(evidence), is_over, "{code:?} with {evidence:?}");
                assert_eq!(last.text().is_none(), is_over);
            }
        }
        assert!(!LastProblem::default().clear_if_over(readable), "there was none");
    }

    #[test]
    fn an_error_is_told_once_and_again_when_it_comes_back() {
        let now = Instant::now();
        let lost = || problem(RDKafkaErrorCode::GroupAuthorizationFailed, "no right", now);
        let last = LastProblem::default();
        assert!(last.add(lost()).1);
        assert!(last.add(lost()).1, "nobody has told it yet");
        last.told();
        assert!(!last.add(lost()).1);
        assert!(last.clear_if_over(Evidence { connection: true, group: true, topics: false }));
        assert!(last.add(lost()).1);
    }
}
