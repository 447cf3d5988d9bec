//! Runs pull steps: each on a schedule of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_model::{Outcome, Pass};
use xos_steps::call::{self, outcome};
use xos_steps::{Call, DynPullStep, Event, Services, StepContext};

use crate::clock::spread;

/// The state of a pull step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullState {
    /// The step.
    pub step: String,
    /// How often it ran.
    pub runs: u64,
    /// How many of its last runs failed in a row.
    pub failures: u64,
    /// How the last one failed; none if it did not.
    pub error: Option<String>,
    /// How long the last one took.
    pub took: Duration,
}

/// The states of all pull steps, for monitoring. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct PullStates(Arc<Mutex<Vec<PullState>>>);

impl PullStates {
    /// Returns all states as they are now.
    pub fn all(&self) -> Vec<PullState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in the end of a run. Returns the Kubernetes Event of it, if there is one.
    fn ended(&self, step: &str, outcome: &Outcome, took: Duration) -> Option<Event> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = states.iter().position(|state| state.step == step).unwrap_or_else(|| {
            states.push(PullState { step: step.to_owned(), ..PullState::default() });
            states.len() - 1
        });
        let state = states.get_mut(at)?;
        let error = outcome.message().map(str::to_owned);
        log(state, error.as_deref());
        let event = event(state, error.as_deref());
        state.runs += 1;
        state.failures = if error.is_some() { state.failures + 1 } else { 0 };
        state.error = error;
        state.took = took;
        event
    }
}

/// Returns the Kubernetes Event of a run: of an error that is not the one of the run before, and of the first success
/// after one.
fn event(before: &PullState, error: Option<&str>) -> Option<Event> {
    let step = &before.step;
    let event = match (before.error.as_deref(), error) {
        (None, None) => return None,
        (Some(before), Some(error)) if before == error => return None,
        (_, Some(error)) => Event::warning("PullFailed", format!("{step}: {error}; nothing was changed")),
        (Some(_), None) => Event::normal("PullSucceeded", format!("{step} succeeds again")),
    };
    Some(event.of("Pull"))
}

/// Logs a run: a backend that is away once, and its return.
fn log(before: &PullState, error: Option<&str>) {
    match (before.error.as_deref(), error) {
        (None, Some(error)) => tracing::warn!(error, "pull step failed: nothing was changed"),
        (Some(before), Some(error)) if before == error => tracing::debug!(error, "pull step failed again"),
        (Some(_), Some(error)) => tracing::warn!(error, "pull step failed, for another reason"),
        (Some(_), None) => tracing::info!(failures = before.failures, "pull step succeeds again"),
        (None, None) => tracing::debug!("pull step succeeded"),
    }
}

/// How pull steps run.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// The time limit of steps that have none of their own.
    pub time_limit: Duration,
    /// How long a running step may go on after shutdown began.
    pub shutdown_grace: Duration,
    /// The namespace in which objects are looked for and created.
    pub namespace: String,
}

/// Runs pull steps until `shutdown`, from when `ready` becomes true.
pub async fn run(
    steps: Vec<Arc<dyn DynPullStep>>,
    services: Arc<Services>,
    options: PullOptions,
    states: PullStates,
    mut ready: watch::Receiver<bool>,
    shutdown: CancellationToken,
) {
    tokio::select! {
        () = shutdown.cancelled() => return,
        ready = ready.wait_for(|ready| *ready) => if ready.is_err() { return },
    }
    let mut running = JoinSet::new();
    for step in steps {
        let services = Arc::clone(&services);
        let options = options.clone();
        let states = states.clone();
        let span = tracing::info_span!("pull", step = step.name());
        running.spawn(schedule(step, services, options, states, shutdown.clone()).instrument(span));
    }
    while running.join_next().await.is_some() {}
}

/// Runs a step at once, then once in each period. A run that takes longer delays the next one.
async fn schedule(
    step: Arc<dyn DynPullStep>,
    services: Arc<Services>,
    options: PullOptions,
    states: PullStates,
    shutdown: CancellationToken,
) {
    loop {
        let started = Instant::now();
        let run = once(step.as_ref(), &services, &options);
        let mut run = std::pin::pin!(run);
        let outcome = tokio::select! {
            outcome = &mut run => outcome,
            () = shutdown.cancelled() => {
                // The step listens to the cancellation of its context.
                if tokio::time::timeout(options.shutdown_grace, run).await.is_err() {
                    tracing::warn!("the grace period is over: the pull step is dropped");
                }
                return;
            }
        };
        if let Some(event) = states.ended(step.name(), &outcome, started.elapsed()) {
            services.events.publish_in_namespace(&options.namespace, event);
        }
        tokio::select! {
            () = sleep_until(started + spread(step.period())) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Runs a pull step once.
pub async fn once(step: &dyn DynPullStep, services: &Arc<Services>, options: &PullOptions) -> Outcome {
    let context = StepContext::new(services, Call::new(step.name(), Pass::Pull, &options.namespace));
    let limit = step.time_limit().unwrap_or(options.time_limit);
    outcome(&call::run(step.pull(&context), limit).await)
}

#[cfg(test)]
mod tests;
