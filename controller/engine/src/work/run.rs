//! Calls of the author's code, and what they leave behind.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument as _;
use xos_model::intent::is_handled;
use xos_model::message::cut;
use xos_model::record::{self, Context};
use xos_model::{Finished, Intent, Object, Operation, Outcome, Pass};
use xos_steps::call::{self, outcome};
use xos_steps::{Call, Event, StepContext, StepError};

use super::Worker;

/// An attempt that was really made: only [`Worker::call_author`] makes one, and only from one something is recorded in
/// status.
#[derive(Debug)]
pub(super) struct Attempted(Finished);

impl Attempted {
    pub(super) fn operation(&self) -> Operation {
        self.0.operation
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.0.outcome
    }

    /// Returns the name of the step, or of the policy that ran last.
    pub(super) fn name(&self) -> &str {
        &self.0.step
    }

    /// Returns when it ended.
    pub(super) fn at(&self) -> jiff::Timestamp {
        self.0.at
    }

    /// Makes it a failure, as what it changed cannot be saved. What the step says of itself stays.
    pub(super) fn fail(&mut self, message: String) {
        let own = self.0.outcome.message().map(|own| format!("{own}; {message}"));
        self.0.outcome = Outcome::Failed(own.unwrap_or(message));
    }

    /// Returns the object as the attempt leaves it.
    pub(super) fn leave(&self, object: &Object, worker: &Worker<'_>) -> Object {
        let synchronizer = &worker.shared.registry.synchronizer;
        let context = Context { synchronizer, backoff: worker.shared.backoff, unit: rand::random() };
        record::after(object, &self.0, &context)
    }

    /// Returns the Kubernetes Event of an attempt that did not succeed, or does again.
    pub(super) fn event(&self, before: &Object, synchronizer: &str) -> Option<Event> {
        let finished = &self.0;
        let reason = record::reason(finished);
        let event = match &finished.outcome {
            Outcome::Failed(message) => Event::warning(reason, message.as_str()),
            Outcome::Deferred(message) | Outcome::Innocuous(message) => Event::normal(reason, message.as_str()),
            Outcome::Succeeded => {
                let state = before.status.of(synchronizer)?.state(finished.operation)?;
                let times = Some(state.failures).filter(|times| *times > 0)?;
                Event::normal(reason, format!("{} succeeded after {times} attempts without success", finished.step))
            }
        };
        Some(event.of(finished.operation.as_str()))
    }
}

impl Worker<'_> {
    /// Calls the step or the policies; `None` if stopped at shutdown.
    pub(super) async fn call_author(
        &self,
        operation: Operation,
        context: &StepContext,
        object: &mut Object,
    ) -> Option<Attempted> {
        let started = Instant::now();
        let (name, outcome) = match operation.pass() {
            Pass::Policy => self.call_policies(operation, context, object).await,
            _ => self.call_step(operation, context, object).await?,
        };
        if is_cancelled(context, &outcome) {
            return None;
        }
        let at = self.shared.clock.now();
        let duration = started.elapsed();
        Some(Attempted(Finished { step: name.to_owned(), operation, outcome, at, duration }))
    }

    async fn call_step(
        &self,
        operation: Operation,
        context: &StepContext,
        object: &mut Object,
    ) -> Option<(&str, Outcome)> {
        let step = self.entry.step.as_ref()?;
        let call = match operation {
            Operation::Delete => step.delete(context, object),
            _ => step.sync(context, object),
        };
        let span = tracing::info_span!("step", name = step.name());
        Some((step.name(), self.call(step.name(), context, call).instrument(span).await))
    }

    /// Calls all policies in order, up to the first that does not succeed. Returns the name of the last that ran.
    async fn call_policies(&self, operation: Operation, context: &StepContext, object: &mut Object) -> (&str, Outcome) {
        let mut last = ("", Outcome::Succeeded);
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            let span = tracing::info_span!("policy", name = policy.name());
            let call = policy.handle(operation, &context, object);
            let call = self.call(policy.name(), &context, call);
            last = (policy.name(), call.instrument(span).await);
            if last.1 != Outcome::Succeeded {
                break;
            }
        }
        last
    }

    /// Calls a step or policy of this name: with its time limit, and counted.
    async fn call(
        &self,
        name: &str,
        context: &StepContext,
        call: impl Future<Output = Result<(), StepError>>,
    ) -> Outcome {
        let started = Instant::now();
        let outcome = outcome(&call::run(call, self.shared.step_timeout).await);
        if is_cancelled(context, &outcome) {
            tracing::info!(error = outcome.message(), "stopped by shutdown: nothing is recorded");
        } else {
            self.shared.stats.called(name, &outcome, started.elapsed());
            log_outcome(&outcome);
        }
        outcome
    }

    /// Calls the hooks after a save: `after_sync_save` or `after_policy_save`. A hook that fails makes the attempt
    /// fail.
    pub(super) async fn call_hooks(&self, context: &StepContext, object: &Object, attempted: &mut Attempted) {
        context.session().saw(&Arc::new(object.clone()));
        let limit = self.shared.step_timeout;
        if attempted.operation() == Operation::Sync {
            if let Some(step) = &self.entry.step {
                attempted.0.outcome = outcome(&call::run(step.saved(context, object), limit).await);
            }
            return;
        }
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            attempted.0.outcome = outcome(&call::run(policy.saved(&context, object), limit).await);
            if attempted.0.outcome != Outcome::Succeeded {
                return;
            }
        }
    }

    pub(super) fn step_context(&self, object: &Object, operation: Operation) -> StepContext {
        let own = object.status.of(&self.shared.registry.synchronizer);
        let is_same = |then: &Intent| is_handled(then, &object.intent, &object.quiet_saves, operation.pass());
        let tried = own.and_then(|own| own.state(operation)).filter(|own| own.attempted.as_ref().is_some_and(is_same));
        let failures = tried.map_or(0, |state| state.failures);
        let step = self.entry.step.as_ref().map_or("", |step| step.name());
        let call = Call::new(step, operation.pass(), &object.meta.namespace);
        let call = call.with_idempotency_key(idempotency_key(object, operation)).after_failures(failures);
        let context = StepContext::new(&self.shared.services, call);
        context.session().saw(&Arc::new(object.clone()));
        context
    }
}

fn idempotency_key(object: &Object, operation: Operation) -> String {
    let uid = &object.meta.uid;
    let name = operation.as_str().to_lowercase();
    // What is taken out of the backend while the object stays may come back, and be deleted again.
    if operation.is_delete() && object.meta.deleting.is_some() {
        return format!("{uid}/{name}");
    }
    let touch = object.intent.touch.as_ref().map_or_else(String::new, |touch| format!("/{touch}"));
    format!("{uid}/{name}/{}{touch}", object.intent.spec.as_str())
}

/// Returns whether a call was cut short by shutdown.
fn is_cancelled(context: &StepContext, outcome: &Outcome) -> bool {
    context.cancellation().is_cancelled() && *outcome != Outcome::Succeeded
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        // One line for each of 100,000 objects is no news.
        Outcome::Succeeded => tracing::debug!("call succeeded"),
        Outcome::Failed(error) => tracing::warn!(error = cut(error), "call failed"),
        Outcome::Deferred(reason) => tracing::info!(reason = cut(reason), "call deferred"),
        Outcome::Innocuous(reason) => tracing::info!(reason = cut(reason), "call not done, no harm"),
    }
}
