//! One call of a step: what belongs to it alone, and how it is run.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::SignedDuration;
use xos_model::{Outcome, Pass};

use crate::bus_event::BusEvent;
use crate::error::StepError;
use crate::store::Saver;

/// What belongs to one call of a step. A clone costs no allocation unless the idempotency key is a text.
#[derive(Clone, Debug)]
pub struct Call {
    saver: Arc<Saver>,
    namespace: Arc<str>,
    key: Key,
    failures: u32,
}

/// The idempotency key.
#[derive(Clone, Debug)]
enum Key {
    Text(String),
    /// The place of the event, written only when it is asked for: few steps ask.
    Event(Arc<BusEvent>, OnceLock<String>),
}

impl Call {
    /// The first attempt of a call without an idempotency key.
    pub fn new(step: &str, pass: Pass, namespace: &str) -> Self {
        let saver = Arc::new(Saver { step: step.to_owned(), pass });
        Self { saver, namespace: namespace.into(), key: Key::Text(String::new()), failures: 0 }
    }

    /// Sets what all attempts of one operation have in common. See
    /// [`StepContext::idempotency_key`](crate::StepContext::idempotency_key).
    #[must_use]
    pub fn with_idempotency_key(self, key: String) -> Self {
        Self { key: Key::Text(key), ..self }
    }

    /// Sets how many attempts failed before this one.
    #[must_use]
    pub fn after_failures(self, failures: u32) -> Self {
        Self { failures, ..self }
    }

    /// Returns the same call for an event, whose place is the idempotency key.
    #[must_use]
    pub fn for_event(&self, event: &Arc<BusEvent>) -> Self {
        let key = Key::Event(Arc::clone(event), OnceLock::new());
        Self { saver: Arc::clone(&self.saver), namespace: Arc::clone(&self.namespace), key, failures: self.failures }
    }

    /// Returns the same call, in which another step or policy saves.
    #[must_use]
    pub(crate) fn by(&self, step: &str) -> Self {
        let saver = Arc::new(Saver { step: step.to_owned(), pass: self.saver.pass });
        Self { saver, ..self.clone() }
    }

    pub(crate) fn saver(&self) -> &Saver {
        &self.saver
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn idempotency_key(&self) -> &str {
        match &self.key {
            Key::Text(key) => key,
            Key::Event(event, place) => place.get_or_init(|| event.place()),
        }
    }
}

/// A step that did not return.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It panicked; the panic's message.
    #[error("the step panicked: {0}")]
    Panicked(String),
    /// It took longer than it may.
    #[error("the step did not end within its time limit of {limit:#} and was stopped", limit = signed(.0))]
    TimedOut(Duration),
}

/// Runs the code of a step or policy for at most `limit`, and catches its panics.
///
/// # Errors
/// What the step returns; a [`CallError`] in [`StepError::Failed`] if it panicked or took too long.
pub async fn run(call: impl Future<Output = Result<(), StepError>>, limit: Duration) -> Result<(), StepError> {
    let mut call = pin!(AssertUnwindSafe(call).catch_unwind());
    // A step that waits for nothing needs no timer.
    let called = match futures::poll!(&mut call) {
        Poll::Ready(called) => called,
        Poll::Pending => tokio::time::timeout(limit, call).await.map_err(|_| CallError::TimedOut(limit))?,
    };
    called.unwrap_or_else(|panic| Err(CallError::Panicked(panic_text(panic.as_ref()).to_owned()).into()))
}

/// Returns the outcome that is recorded of a call.
pub fn outcome(result: &Result<(), StepError>) -> Outcome {
    let Err(error) = result else { return Outcome::Succeeded };
    let text = error.to_string();
    match error {
        StepError::Failed(_) => Outcome::Failed(text),
        StepError::Deferred(_) | StepError::WaitsFor(_) | StepError::Awaits(_) => Outcome::Deferred(text),
        StepError::Innocuous(_) => Outcome::Innocuous(text),
        StepError::Unavailable(_) => Outcome::Unavailable(text),
    }
}

fn signed(limit: &Duration) -> SignedDuration {
    SignedDuration::try_from(*limit).unwrap_or(SignedDuration::MAX)
}

/// Returns the message of a panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("with no message")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use xos_model::Object;

    use super::*;
    use crate::{EventStep, PullStep, StepContext, erase_event_step, erase_pull_step};

    const LIMIT: Duration = Duration::from_secs(90);

    /// Panics before its future exists.
    struct Eager;

    impl EventStep for Eager {
        fn process_event(
            &self,
            _: &StepContext,
            event: &BusEvent,
        ) -> impl Future<Output = Result<(), StepError>> + Send {
            assert_eq!(&*event.topic, "other");
            ready(Ok(()))
        }
    }

    impl PullStep for Eager {
        type Model = Object;

        fn pull_records(&self, ctx: &StepContext) -> impl Future<Output = Result<(), StepError>> + Send {
            assert_eq!(ctx.namespace(), "other");
            ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_panic_before_there_is_a_future_is_a_failure_too() {
        let context = StepContext::new(&Arc::default(), Call::new("Eager", Pass::Event, "default"));
        let event = BusEvent::new("topic", "");
        let events = erase_event_step(Eager);
        let pulls = erase_pull_step(Eager);
        for result in [run(events.process(&context, &event), LIMIT).await, run(pulls.pull(&context), LIMIT).await] {
            let text = result.unwrap_err().to_string();
            assert!(text.starts_with("the step panicked: assertion"), "{text}");
        }
    }

    #[tokio::test]
    async fn the_result_of_a_step_is_handed_on() {
        assert_eq!(outcome(&run(ready(Ok(())), LIMIT).await), Outcome::Succeeded);
        for (error, expected) in [
            (StepError::failed("a"), Outcome::Failed("a".to_owned())),
            (StepError::deferred("b"), Outcome::Deferred("b".to_owned())),
            (StepError::waits_for("Olt", "a"), Outcome::Deferred("waits for Olt a".to_owned())),
            (StepError::innocuous("c"), Outcome::Innocuous("c".to_owned())),
            (StepError::unavailable("d"), Outcome::Unavailable("d".to_owned())),
        ] {
            assert_eq!(outcome(&run(ready(Err(error)), LIMIT).await), expected);
        }
        let unreadable = run(ready(Err(BusEvent::unusable("no"))), LIMIT).await.unwrap_err();
        assert!(unreadable.is_unreadable());
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_takes_too_long_is_stopped() {
        let started = tokio::time::Instant::now();
        let error = run(pending(), LIMIT).await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), 90);
        assert_eq!(error.to_string(), "the step did not end within its time limit of 1m 30s and was stopped");
        assert!(!error.is_unreadable());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_at_once_and_after_a_wait() {
        let at_once = async { panic!("index {}", 7) };
        let later = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("gone")
        };
        assert_eq!(run(at_once, LIMIT).await.unwrap_err().to_string(), "the step panicked: index 7");
        assert_eq!(run(later, LIMIT).await.unwrap_err().to_string(), "the step panicked: gone");
        let strange = async { std::panic::panic_any(7) };
        assert_eq!(run(strange, LIMIT).await.unwrap_err().to_string(), "the step panicked: with no message");
    }
}
