//! What is wrong with the bus: of several errors the one that tells most.
//!
//! librdkafka tells a refused password once in half a minute, and after each attempt that all brokers are down. Of the two, the first is what
//! helps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::logging::log;

/// What is not told again for so long may be over. librdkafka repeats an error that lasts after 30 s.
const STALE: Duration = Duration::from_mins(2);

/// How much an error tells, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// An error without its reason, mostly because it was told with it just before.
    Bare,
    /// That no broker is there.
    General,
    /// What is wrong.
    Specific,
    /// One side does not accept the other: a password, a certificate, a right.
    Refusal,
}

/// An error of the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) text: String,
    weight: Weight,
    at: Instant,
}

impl Problem {
    /// An error with librdkafka's reason for it.
    pub(crate) fn new(error: &KafkaError, reason: &str, at: Instant) -> Self {
        Self { text: format!("{error}: {reason}"), weight: weight(error.rdkafka_error_code()), at }
    }

    /// An error that comes without a reason.
    pub(crate) fn bare(error: &KafkaError, at: Instant) -> Self {
        Self { text: error.to_string(), weight: Weight::Bare, at }
    }
}

fn weight(code: Option<RDKafkaErrorCode>) -> Weight {
    use RDKafkaErrorCode as Code;
    match code {
        None | Some(Code::AllBrokersDown) => Weight::General,
        Some(
            Code::Authentication
            | Code::SSL
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed,
        ) => Weight::Refusal,
        Some(_) => Weight::Specific,
    }
}

/// What is known to be wrong with the bus.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Option<Problem>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, Option<Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an error in; gives what is known then, and whether that tells more than before.
    pub(crate) fn take_in(&self, new: Problem) -> (String, bool) {
        let mut known = self.lock();
        let (problem, tells_more) = kept(known.take(), new);
        let text = problem.text.clone();
        *known = Some(problem);
        (text, tells_more)
    }

    /// All is well.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.lock().as_ref().map(|problem| problem.text.clone())
    }
}

/// A client that only remembers what is wrong, for whoever waits for an answer of it.
#[derive(Debug)]
pub(crate) struct Remembering(pub(crate) Arc<Known>);

impl ClientContext for Remembering {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the bus");
        self.0.take_in(Problem::new(&error, reason, Instant::now()));
    }
}

impl ConsumerContext for Remembering {}

/// In brackets behind another error.
pub(crate) fn in_brackets(problem: Option<&String>) -> String {
    problem.map(|problem| format!(" ({problem})")).unwrap_or_default()
}

/// Which of the two is kept; and whether it tells more than was known before.
fn kept(known: Option<Problem>, new: Problem) -> (Problem, bool) {
    match known {
        None => (new, true),
        Some(known) if new.weight > known.weight => (new, true),
        Some(known) if new.weight == known.weight => (new, false),
        // A broker that refused us and then went away for good.
        Some(known) if new.weight == Weight::Specific && new.at.duration_since(known.at) > STALE => (new, true),
        Some(known) => (known, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: RDKafkaErrorCode, reason: &str, at: Instant) -> Problem {
        Problem::new(&KafkaError::Global(code), reason, at)
    }

    #[test]
    fn a_general_error_hides_no_other() {
        let now = Instant::now();
        let down = problem(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down", now);
        let refused = problem(RDKafkaErrorCode::BrokerTransportFailure, "Connection refused", now);
        let password = problem(RDKafkaErrorCode::Authentication, "Invalid username or password", now);
        let certificate = problem(RDKafkaErrorCode::SSL, "certificate verify failed", now);
        let bare = Problem::bare(&KafkaError::MessageConsumption(RDKafkaErrorCode::Authentication), now);

        assert_eq!(kept(None, down.clone()), (down.clone(), true));
        assert_eq!(kept(Some(down.clone()), password.clone()), (password.clone(), true), "it tells more");
        for less in [&down, &bare, &refused] {
            assert_eq!(kept(Some(password.clone()), less.clone()), (password.clone(), false), "{}", less.text);
        }
        assert_eq!(kept(Some(refused.clone()), down.clone()), (refused, false));
        assert_eq!(kept(Some(down.clone()), bare), (down, false));
        assert_eq!(kept(Some(password), certificate.clone()), (certificate, false), "the newest of its weight");
    }

    #[test]
    fn what_is_not_told_again_gives_way_to_what_is() {
        let then = Instant::now();
        let now = then + 2 * STALE;
        let password = problem(RDKafkaErrorCode::Authentication, "Invalid username or password", then);
        let refused = problem(RDKafkaErrorCode::BrokerTransportFailure, "Connection refused", now);
        let down = problem(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down", now);
        assert_eq!(kept(Some(password.clone()), refused.clone()), (refused, true));
        assert_eq!(kept(Some(password.clone()), down), (password, false), "that says nothing new");
    }
}
