//! Runs pull steps: each on a schedule of its own.

mod steps;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use xos_model::brake::HeldListing;
use xos_model::{Outcome, Pass};
use xos_steps::call::{self, outcome};
use xos_steps::{Call, Done, DynPullStep, Event, Services, StepContext};

use crate::clock::spread;
use crate::leader::Leadership;

pub use steps::{PullExchanges, PullSteps, run};

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
    /// How many objects its listings would delete, and that stay until somebody confirms it.
    pub held: usize,
}

/// How a run of a pull step ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The outcome. A run that did everything but deletions that are held is deferred.
    pub outcome: Outcome,
    /// The listings whose deletions are held.
    pub held: Vec<HeldListing>,
    /// What it changed.
    pub done: Done,
}

/// The states of all pull steps, for monitoring. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct PullStates(Arc<Mutex<Vec<PullState>>>);

impl PullStates {
    /// Returns all states as they are now.
    pub fn all(&self) -> Vec<PullState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the steps that are not among these.
    fn keep(&self, names: &[&str]) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|state| names.contains(&state.step.as_str()));
    }

    /// Takes in the end of a run. Returns the Kubernetes Events of it.
    pub fn ended(&self, step: &str, run: &Run, took: Duration) -> Vec<Event> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = states.iter().position(|state| state.step == step).unwrap_or_else(|| {
            states.push(PullState { step: step.to_owned(), ..PullState::default() });
            states.len() - 1
        });
        let Some(state) = states.get_mut(at) else { return vec![] };
        let error = run.error().map(str::to_owned);
        log(state, error.as_deref(), run);
        let events = event(state, error.as_deref(), run.done).into_iter().chain(events_of_holds(state, run)).collect();
        state.runs += 1;
        state.failures = if error.is_some() { state.failures + 1 } else { 0 };
        state.error = error;
        state.took = took;
        state.held = run.held();
        events
    }
}

impl Run {
    /// Returns why the step did not succeed. What a brake holds is no error.
    fn error(&self) -> Option<&str> {
        let is_only_held = matches!(self.outcome, Outcome::Deferred(_)) && !self.held.is_empty();
        self.outcome.message().filter(|_| !is_only_held)
    }

    /// Returns how many objects stay that would be deleted.
    fn held(&self) -> usize {
        self.held.iter().map(|held| held.tally.objects()).sum()
    }
}

/// Returns the Kubernetes Event of a run: of an error that is not the one of the run before, and of the first success
/// after one.
fn event(before: &PullState, error: Option<&str>, done: Done) -> Option<Event> {
    let step = &before.step;
    let event = match (before.error.as_deref(), error) {
        (None, None) => return None,
        (Some(before), Some(error)) if before == error => return None,
        (_, Some(error)) => Event::warning("PullFailed", format!("{step}: {error}; {done}")),
        (Some(_), None) => Event::normal("PullSucceeded", format!("{step} succeeds again")),
    };
    Some(event.of("Pull"))
}

/// Returns the Kubernetes Events of what is held, and of its end. The sink does not send the same one again soon.
fn events_of_holds(before: &PullState, run: &Run) -> Vec<Event> {
    let step = &before.step;
    if before.held > 0 && run.held.is_empty() {
        let note = format!("{step}: no deletion is held any more; {}", run.done);
        return vec![Event::normal("PullReleased", note).of("Pull")];
    }
    let held = run.held.iter().map(|held| Event::warning("PullHeld", held.told()).of("Pull"));
    held.collect()
}

/// Logs a run: a backend that is away once, and its return.
fn log(before: &PullState, error: Option<&str>, run: &Run) {
    let done = run.done;
    match (before.error.as_deref(), error) {
        (None, Some(error)) if done == Done::default() => {
            tracing::warn!(error, "pull step failed: nothing was changed");
        }
        (None, Some(error)) => tracing::warn!(error, %done, "pull step failed in part"),
        (Some(before), Some(error)) if before == error => tracing::debug!(error, %done, "pull step failed again"),
        (Some(_), Some(error)) => tracing::warn!(error, %done, "pull step failed, for another reason"),
        (Some(_), None) => tracing::info!(failures = before.failures, "pull step succeeds again"),
        (None, None) => tracing::debug!(%done, "pull step succeeded"),
    }
    if before.held != run.held() {
        for held in &run.held {
            tracing::warn!(
                held = held.what(),
                "deletions of a pull step are held: confirm them with `xos pull confirm`"
            );
        }
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

/// Runs a step at once, then once in each period, until `end`. A run that takes longer delays the next one; one that has
/// begun has its time, and the grace period after `shutdown`, which is an end, too.
async fn schedule(
    step: Arc<dyn DynPullStep>,
    services: Arc<Services>,
    options: PullOptions,
    states: PullStates,
    leadership: Leadership,
    (end, shutdown): (CancellationToken, CancellationToken),
) {
    let mut confirmations = services.holds.confirmations();
    loop {
        let term = tokio::select! {
            term = leadership.ready() => term.number,
            () = end.cancelled() => return,
        };
        let started = Instant::now();
        confirmations.mark_unchanged();
        let run = leadership.guard_in(term, once(step.as_ref(), &services, &options));
        let mut run = std::pin::pin!(run);
        let run = tokio::select! {
            run = &mut run => run,
            () = shutdown.cancelled() => {
                // The step listens to the cancellation of its context.
                if tokio::time::timeout(options.shutdown_grace, run).await.is_err() {
                    tracing::warn!("the grace period is over: the pull step is dropped");
                }
                return;
            }
        };
        let Ok(run) = run else {
            tracing::warn!("the pull step is dropped, as this process leads no more");
            continue;
        };
        for event in states.ended(step.name(), &run, started.elapsed()) {
            services.events.publish_in_namespace(&options.namespace, event);
        }
        tokio::select! {
            () = sleep_until(started + spread(step.period())) => {}
            Ok(()) = confirmations.changed(), if !run.held.is_empty() => {}
            // Another process runs it then; this one at once when it leads again.
            () = leadership.over(term) => {}
            () = end.cancelled() => return,
        }
    }
}

/// Runs a pull step once.
pub async fn once(step: &dyn DynPullStep, services: &Arc<Services>, options: &PullOptions) -> Run {
    let context = StepContext::new(services, Call::new(step.name(), Pass::Pull, &options.namespace));
    let limit = step.time_limit().unwrap_or(options.time_limit);
    services.holds.begin(step.name());
    let outcome = outcome(&call::run(step.pull(&context), limit).await);
    services.holds.end(step.name(), outcome == Outcome::Succeeded);
    let held = services.holds.held(step.name());
    let outcome = match (outcome, held.as_slice()) {
        (Outcome::Succeeded, [first, ..]) => Outcome::Deferred(first.told()),
        (outcome, _) => outcome,
    };
    Run { outcome, held, done: context.session().done() }
}

#[cfg(test)]
mod tests;
