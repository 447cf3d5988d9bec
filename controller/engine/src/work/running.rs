//! Running the author's code.

use std::sync::Arc;
use std::time::Instant;

use xos_model::intent::is_handled;
use xos_model::{Finished, Intent, Object, Operation, Outcome};
use xos_steps::call::{self, outcome};
use xos_steps::{Call, StepContext};

use super::Worker;
impl Worker<'_> {
    /// Runs the step or the policies; `None` if stopped at shutdown.
    pub(super) async fn run(
        &self,
        operation: Operation,
        context: &StepContext,
        object: &mut Object,
    ) -> Option<Finished> {
        let (started, limit) = (Instant::now(), self.shared.step_timeout);
        let (name, outcome) = if operation.pass() == xos_model::Pass::Policy {
            self.run_policies(operation, context, object).await
        } else {
            let step = self.entry.step.as_ref()?;
            let call = match operation {
                Operation::Delete => step.delete(context, object),
                _ => step.sync(context, object),
            };
            (step.name(), outcome(&call::run(call, limit).await))
        };
        if context.cancellation().is_cancelled() && outcome != Outcome::Succeeded {
            tracing::info!(error = outcome.message(), "step ended by shutdown");
            return None;
        }
        log_outcome(&outcome);
        let (at, duration) = (self.shared.clock.now(), started.elapsed());
        Some(Finished { step: name.to_owned(), operation, outcome, at, duration })
    }

    /// All policies in order, up to the first that does not succeed; the name is that of the last that ran.
    async fn run_policies(&self, operation: Operation, context: &StepContext, object: &mut Object) -> (&str, Outcome) {
        let mut last = ("", Outcome::Succeeded);
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            let handled = call::run(policy.handle(operation, &context, object), self.shared.step_timeout).await;
            last = (policy.name(), outcome(&handled));
            if last.1 != Outcome::Succeeded {
                break;
            }
        }
        last
    }

    pub(super) fn step_context(&self, object: &Object, operation: Operation) -> StepContext {
        let own = object.status.of(&self.shared.registry.synchronizer);
        let is_same = |then: &Intent| is_handled(then, &object.intent, &object.quiet_saves, operation.pass());
        let tried = own.and_then(|own| own.state(operation)).filter(|own| own.attempted.as_ref().is_some_and(is_same));
        let failures = tried.map_or(0, |state| state.failures);
        let touch = object.intent.touch.as_ref().map_or_else(String::new, |touch| format!("/{touch}"));
        let (uid, name) = (&object.meta.uid, operation.as_str().to_lowercase());
        let idempotency_key = if operation.is_delete() {
            format!("{uid}/{name}")
        } else {
            format!("{uid}/{name}/{}{touch}", object.intent.spec.as_str())
        };
        let step = self.entry.step.as_ref().map_or("", |step| step.name());
        let call = Call::new(step, operation.pass(), &object.meta.namespace);
        let call = call.with_idempotency_key(idempotency_key).after_failures(failures);
        let context = StepContext::new(&self.shared.services, call);
        context.session().saw(&Arc::new(object.clone()));
        context
    }
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Succeeded => tracing::info!("step succeeded"),
        Outcome::Failed(error) => tracing::warn!(error, "step failed"),
        Outcome::Deferred(reason) => tracing::info!(reason, "step deferred"),
        Outcome::Innocuous(reason) => tracing::info!(reason, "step not done, no harm"),
    }
}
