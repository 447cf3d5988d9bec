//! Calls of the author's code, and what they leave behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{Instrument as _, Span, field};
use xos_model::gate::{Ending, News, Outage};
use xos_model::intent::is_handled;
use xos_model::message::cut;
use xos_model::record::{self, Context};
use xos_model::secret::{SecretKey, Secrets, secret_keys};
use xos_model::{Fields, Finished, Intent, Object, ObjectKey, Operation, Outcome, Pass};
use xos_steps::call;
use xos_steps::{Call, Event, StepContext, StepError};

use super::Worker;

/// The span of a call.
macro_rules! span {
    ($what:literal, $name:expr) => {
        tracing::info_span!($what, name = $name, outcome = field::Empty, otel.status_code = field::Empty)
    };
}

/// An attempt that was really made: only [`Worker::call_author`] makes one, and only from one something is recorded in
/// status.
#[derive(Debug)]
pub(super) struct Attempted {
    finished: Finished,
    /// Since when the target is away, if the attempt showed that.
    away_since: Option<Timestamp>,
}

/// The object that a call is for.
struct Target {
    key: ObjectKey,
    /// What must not be told of it, whatever the author's code says.
    secrets: Secrets,
}

impl Target {
    fn of(model: &xos_xproto::Model, object: &Object) -> Self {
        Self { key: object.key(), secrets: Secrets::of(model, &object.fields) }
    }

    /// Returns the outcome of a call, without secrets.
    fn outcome(&self, result: &Result<(), StepError>) -> Outcome {
        call::outcome(result).map_message(|message| self.secrets.hide(&message).into_owned())
    }
}

/// How a call ended.
struct Called {
    outcome: Outcome,
    /// Since when the target is away, if the call showed that.
    away_since: Option<Timestamp>,
}

impl Attempted {
    pub(super) fn operation(&self) -> Operation {
        self.finished.operation
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.finished.outcome
    }

    /// Returns the name of the step, or of the policy that ran last.
    pub(super) fn name(&self) -> &str {
        &self.finished.step
    }

    /// Returns when it ended.
    pub(super) fn at(&self) -> jiff::Timestamp {
        self.finished.at
    }

    /// Makes it a failure, as what it changed cannot be saved. What the step says of itself stays.
    pub(super) fn fail(&mut self, message: String) {
        let own = self.finished.outcome.message().map(|own| format!("{own}; {message}"));
        self.finished.outcome = Outcome::Failed(own.unwrap_or(message));
        self.away_since = None;
    }

    /// Returns the object as the attempt leaves it.
    pub(super) fn leave(&self, object: &Object, worker: &Worker<'_>) -> Object {
        let synchronizer = &worker.shared.registry.synchronizer;
        if self.is_known(object, synchronizer) {
            return object.clone();
        }
        let context = Context { synchronizer, backoff: worker.shared.backoff, unit: rand::random() };
        record::after(object, &self.finished, &context)
    }

    /// Returns whether status says already that the target is away.
    fn is_known(&self, object: &Object, synchronizer: &str) -> bool {
        let pass = self.finished.operation.pass();
        self.away_since.is_some_and(|since| record::knows_away(object, synchronizer, pass, since))
    }

    /// Returns the Kubernetes Event of an attempt that did not succeed, or does again.
    pub(super) fn event(&self, before: &Object, synchronizer: &str) -> Option<Event> {
        let finished = &self.finished;
        let reason = record::reason(finished);
        let event = match &finished.outcome {
            Outcome::Failed(message) => Event::warning(reason, message.as_str()),
            Outcome::Unavailable(_) if self.is_known(before, synchronizer) => return None,
            Outcome::Unavailable(message) => Event::warning(reason, message.as_str()),
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
        if let Err(message) = self.give_secrets(operation, context, object).await {
            return Some(self.waits_for_secret(operation, message));
        }
        let called = match operation.pass() {
            Pass::Policy => Some(self.call_policies(operation, context, object).await),
            _ => self.call_step(operation, context, object).await,
        };
        // They are kept no longer than the call needs them, and never saved.
        context.session().take_given().iter().for_each(|field| drop(object.fields.remove(field)));
        let (name, Called { outcome, away_since }) = called?;
        if is_cancelled(context, &outcome) {
            return None;
        }
        let at = self.shared.clock.now();
        let duration = started.elapsed();
        let finished = Finished { step: name.to_owned(), operation, outcome, at, duration };
        Some(Attempted { finished, away_since })
    }

    /// Sets the fields of an object that come from Secrets. Fails with what has to be waited for.
    async fn give_secrets(
        &self,
        operation: Operation,
        context: &StepContext,
        object: &mut Object,
    ) -> Result<(), String> {
        let mut given = Fields::new();
        for SecretKey { field, name, key } in secret_keys(&self.entry.model, &object.fields) {
            let of = (object.meta.namespace.clone(), name);
            let read = self.shared.writer.read_secret(&of).await;
            let data = read.map_err(|error| format!("cannot read Secret {}/{}: {error}", of.0, of.1))?;
            let value = data.and_then(|mut data| data.remove(&key)).map(String::from_utf8);
            match value {
                Some(Ok(text)) => drop(given.insert(field, text.into())),
                // It is deleted with what is left: its Secret may have gone before it.
                _ if operation.is_delete() => {}
                Some(Err(_)) => return Err(format!("key {key} of Secret {}/{} is no text", of.0, of.1)),
                None => return Err(format!("Secret {}/{} has no key {key}, from which {field} comes", of.0, of.1)),
            }
        }
        if !given.is_empty() {
            object.fields.extend(given.clone());
            context.session().give(object, given);
        }
        Ok(())
    }

    /// Returns the attempt that could not be made without a Secret.
    fn waits_for_secret(&self, operation: Operation, message: String) -> Attempted {
        let step = match operation.pass() {
            Pass::Policy => self.entry.policies.first().map(|policy| policy.name()),
            _ => self.entry.step.as_ref().map(|step| step.name()),
        };
        let step = step.unwrap_or_default().to_owned();
        let (at, duration) = (self.shared.clock.now(), Duration::ZERO);
        let finished = Finished { step, operation, outcome: Outcome::Deferred(message), at, duration };
        Attempted { finished, away_since: None }
    }

    async fn call_step(
        &self,
        operation: Operation,
        context: &StepContext,
        object: &mut Object,
    ) -> Option<(&str, Called)> {
        let step = self.entry.step.as_ref()?;
        let target = Target::of(&self.entry.model, object);
        let call = match operation {
            Operation::Delete => step.delete(context, object),
            _ => step.sync(context, object),
        };
        let span = span!("step", step.name());
        let called = self.call((step.name(), operation.pass(), &target), context, call).instrument(span).await;
        Some((step.name(), called))
    }

    /// Calls all policies in order, up to the first that does not succeed. Returns the name of the last that ran.
    async fn call_policies(&self, operation: Operation, context: &StepContext, object: &mut Object) -> (&str, Called) {
        let mut last = ("", Called { outcome: Outcome::Succeeded, away_since: None });
        for policy in &self.entry.policies {
            let target = Target::of(&self.entry.model, object);
            let context = context.in_the_name_of(policy.name());
            let span = span!("policy", policy.name());
            let call = policy.handle(operation, &context, object);
            let call = self.call((policy.name(), Pass::Policy, &target), &context, call);
            last = (policy.name(), call.instrument(span).await);
            if last.1.outcome != Outcome::Succeeded {
                break;
            }
        }
        last
    }

    /// Calls a step or policy of this name: with its time limit, and counted.
    async fn call(
        &self,
        (name, pass, target): (&str, Pass, &Target),
        context: &StepContext,
        call: impl Future<Output = Result<(), StepError>>,
    ) -> Called {
        let key = &target.key;
        let started = Instant::now();
        let began = self.shared.clock.now();
        let result = call::run(call, self.shared.step_timeout).await;
        let outcome = target.outcome(&result);
        if is_cancelled(context, &outcome) {
            tracing::info!(error = outcome.message(), "stopped by shutdown: nothing is recorded");
            return Called { outcome, away_since: None };
        }
        self.shared.awaited.ended(&self.shared.services, (key, pass), &result);
        let called = self.judge((name, pass, key), (result, outcome), began);
        self.shared.stats.called(name, &called.outcome, started.elapsed());
        log_outcome(&called.outcome);
        trace_outcome(&called.outcome);
        called
    }

    /// Returns what a call means, which may show that the target is away, or is there again.
    fn judge(
        &self,
        (name, pass, key): (&str, Pass, &ObjectKey),
        (result, outcome): (Result<(), StepError>, Outcome),
        began: Timestamp,
    ) -> Called {
        let lane = if pass == Pass::Policy { &self.entry.policy_lane } else { &self.entry.step_lane };
        let Some(lane) = lane else { return Called { outcome, away_since: None } };
        let text = outcome.message().unwrap_or_default();
        let ending = match result {
            Err(StepError::Unavailable(_)) => Ending::Away(text),
            Err(error) if error.is_unreached() => Ending::Unreached(text),
            _ => Ending::Returned,
        };
        let outage = match self.shared.gates.ended(lane, (name, key), ending, (began, self.shared.clock.now())) {
            News::None => return Called { outcome, away_since: None },
            News::Opened(Outage { since, .. }) => {
                tracing::info!(step = name, %since, "the target of the step is there again");
                return Called { outcome, away_since: None };
            }
            News::Closed(outage) => {
                let reason = text;
                tracing::warn!(
                    step = name,
                    reason,
                    "the target of the step is away: its objects wait, and one at a time tries"
                );
                outage
            }
            News::StillAway(outage) => outage,
        };
        Called { outcome: Outcome::Unavailable(outage.message.to_string()), away_since: Some(outage.since) }
    }

    /// Calls the hooks after a save: `after_sync_save` or `after_policy_save`. A hook that fails makes the attempt
    /// fail.
    pub(super) async fn call_hooks(&self, context: &StepContext, object: &Object, attempted: &mut Attempted) {
        context.session().saw(&Arc::new(object.clone()));
        let target = Target::of(&self.entry.model, object);
        if attempted.operation() == Operation::Sync {
            if let Some(step) = &self.entry.step {
                let hook = (step.name(), Pass::Sync, &target);
                self.call_hook(hook, step.saved(context, object), attempted).await;
            }
            return;
        }
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            let hook = (policy.name(), Pass::Policy, &target);
            self.call_hook(hook, policy.saved(&context, object), attempted).await;
            if *attempted.outcome() != Outcome::Succeeded {
                return;
            }
        }
    }

    async fn call_hook(
        &self,
        (name, pass, target): (&str, Pass, &Target),
        call: impl Future<Output = Result<(), StepError>>,
        attempted: &mut Attempted,
    ) {
        let began = self.shared.clock.now();
        let result = call::run(call, self.shared.step_timeout).await;
        let outcome = target.outcome(&result);
        let Called { outcome, away_since } = self.judge((name, pass, &target.key), (result, outcome), began);
        attempted.finished.outcome = outcome;
        attempted.away_since = away_since;
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
    let secrets = object.intent.secrets.map_or_else(String::new, |secrets| format!("/{secrets}"));
    format!("{uid}/{name}/{}{touch}{secrets}", object.intent.spec)
}

/// Returns whether a call was cut short by shutdown.
fn is_cancelled(context: &StepContext, outcome: &Outcome) -> bool {
    context.cancellation().is_cancelled() && *outcome != Outcome::Succeeded
}

/// Notes the outcome in the span of the call.
fn trace_outcome(outcome: &Outcome) {
    let span = Span::current();
    span.record("outcome", outcome.as_str());
    if matches!(outcome, Outcome::Failed(_) | Outcome::Unavailable(_)) {
        span.record("otel.status_code", "ERROR");
    }
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        // One line for each of 100,000 objects is no news.
        Outcome::Succeeded => tracing::debug!("call succeeded"),
        Outcome::Failed(error) => tracing::warn!(error = cut(error), "call failed"),
        Outcome::Deferred(reason) => tracing::info!(reason = cut(reason), "call deferred"),
        Outcome::Innocuous(reason) => tracing::info!(reason = cut(reason), "call not done, no harm"),
        // The log has said once that it is away.
        Outcome::Unavailable(reason) => tracing::debug!(reason = cut(reason), "call not done, the target is away"),
    }
}
