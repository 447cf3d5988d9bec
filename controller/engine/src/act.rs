//! Runs the author's code: with a time limit, and so that a panic stays with its object.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use xos_model::Outcome;
use xos_steps::StepError;
use xos_steps::erased::Act;

/// Runs what a step or policy does, for at most `limit`.
pub async fn act(call: Act<'_>, limit: Duration) -> Outcome {
    match tokio::time::timeout(limit, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(Ok(()))) => Outcome::Succeeded,
        Ok(Ok(Err(error))) => outcome_of(&error),
        Ok(Err(panic)) => Outcome::Failed(format!("the step panicked: {}", panic_text(panic.as_ref()))),
        Err(_) => {
            let limit = jiff::SignedDuration::try_from(limit).unwrap_or_default();
            Outcome::Failed(format!("the step did not end within its time limit of {limit:#} and was stopped"))
        }
    }
}

fn outcome_of(error: &StepError) -> Outcome {
    let text = error.to_string();
    match error {
        StepError::Failed(_) => Outcome::Failed(text),
        StepError::Deferred(_) => Outcome::Deferred(text),
        StepError::Innocuous(_) => Outcome::Innocuous(text),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("with no text")
}
