//! One object's turn: finalizer, step, saves, status. Runs in a worker; talks to the API server by the [`Writer`] only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use xos_model::record::{self, Context};
use xos_model::save::changes;
use xos_model::{Backoff, Finished, Object, ObjectKey, Operation, Outcome, QuietSave, intent};
use xos_steps::{ContextParts, DynSyncStep, StepContext};

use crate::act::act;
use crate::clock::Clock;
use crate::decide::Plan;
use crate::registry::{Entry, Registry};
use crate::writer::{WriteError, Writer};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Template of every step's context.
    pub(crate) parts: ContextParts,
    pub(crate) backoff: Backoff,
    pub(crate) step_timeout: Duration,
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) enum Turn {
    /// All is written; the object as it is now.
    Recorded(Arc<Object>),
    /// The same, but the step asked to be run again later.
    Deferred(Arc<Object>),
    /// The object is gone.
    Gone,
    /// The object changed under our hands: look at it again.
    Conflict,
    /// Stopped at shutdown: nothing is recorded.
    Abandoned,
    /// The API server does not take the write.
    Unwritten(WriteError),
}

/// A worker's report.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) key: ObjectKey,
    /// Of the object that the worker had.
    pub(crate) uid: String,
    pub(crate) turn: Turn,
}

/// Carries out a plan.
pub(crate) async fn carry_out(
    shared: &Shared,
    entry: &Entry,
    step: &dyn DynSyncStep,
    object: Arc<Object>,
    plan: Plan,
) -> Turn {
    let result = match plan {
        Plan::Nothing | Plan::WaitUntil(_) => return Turn::Recorded(object),
        Plan::Sync { needs_finalizer } => sync(shared, entry, step, &object, needs_finalizer).await,
        Plan::Acknowledge => write(shared, entry, &record::acknowledge(&object)).await.map(Turn::Recorded),
        Plan::Delete => delete(shared, entry, step, &object).await,
    };
    result.unwrap_or_else(|error| match error {
        WriteError::Gone => Turn::Gone,
        WriteError::Conflict => Turn::Conflict,
        error => Turn::Unwritten(error),
    })
}

async fn sync(
    shared: &Shared,
    entry: &Entry,
    step: &dyn DynSyncStep,
    object: &Object,
    needs_finalizer: bool,
) -> Result<Turn, WriteError> {
    let held = if needs_finalizer { hold(shared, entry, object).await? } else { object.clone() };
    if held.meta.deleting.is_some() {
        return Ok(Turn::Conflict);
    }
    let mut after = held.clone();
    let Some(mut finished) = run(shared, step, Operation::Sync, &mut after).await else { return Ok(Turn::Abandoned) };
    let mut saved = held;
    if finished.outcome == Outcome::Succeeded {
        match changes(&entry.model, &saved.fields, &after.fields) {
            Err(error) => finished.outcome = Outcome::Failed(error.to_string()),
            Ok(changes) => {
                if !changes.spec.is_empty() {
                    saved = save_quietly(shared, entry, &saved, &changes.spec).await?;
                }
                for (field, value) in changes.status {
                    saved.set(&field, value);
                }
            }
        }
    }
    record(shared, entry, &saved, &finished).await
}

async fn delete(shared: &Shared, entry: &Entry, step: &dyn DynSyncStep, object: &Object) -> Result<Turn, WriteError> {
    let mut scratch = object.clone();
    let Some(finished) = run(shared, step, Operation::Delete, &mut scratch).await else { return Ok(Turn::Abandoned) };
    if finished.outcome != Outcome::Succeeded {
        return record(shared, entry, object, &finished).await;
    }
    let ours = &shared.registry.finalizer;
    let others: Vec<_> = object.meta.finalizers.iter().filter(|f| *f != ours).cloned().collect();
    let released = shared.writer.set_finalizers(entry, object, &others).await?;
    // With the last finalizer the object goes, and the answer still has the resourceVersion of before.
    Ok(if others.is_empty() { Turn::Gone } else { Turn::Recorded(Arc::new(released)) })
}

/// Sets the finalizer before the first attempt, so that whatever the step does is undone on deletion.
async fn hold(shared: &Shared, entry: &Entry, object: &Object) -> Result<Object, WriteError> {
    let ours = [shared.registry.finalizer.clone()];
    let finalizers: Vec<_> = object.meta.finalizers.iter().cloned().chain(ours).collect();
    shared.writer.set_finalizers(entry, object, &finalizers).await
}

/// Saves what the step changed in spec so that neither it nor the operator's next edit is mistaken.
async fn save_quietly(
    shared: &Shared,
    entry: &Entry,
    object: &Object,
    spec: &xos_model::Fields,
) -> Result<Object, WriteError> {
    let mut new = object.clone();
    for (field, value) in spec {
        new.set(field, value.clone());
    }
    let save = QuietSave {
        from: object.intent.spec.clone(),
        to: xos_crds::spec_hash(&entry.model, &new.fields),
        by: intent::Pass::Sync,
    };
    let saves = intent::remember(&object.quiet_saves, save);
    shared.writer.save_spec(entry, object, spec, &saves).await
}

/// Runs the step; `None` if it was stopped at shutdown.
async fn run(shared: &Shared, step: &dyn DynSyncStep, operation: Operation, object: &mut Object) -> Option<Finished> {
    let context = step_context(shared, object, operation);
    let started = Instant::now();
    let outcome = act(step, operation, &context, object, shared.step_timeout).await;
    let stopped = context.cancellation().is_cancelled() && outcome != Outcome::Succeeded;
    if stopped {
        tracing::info!(error = outcome.message(), "step ended by shutdown");
        return None;
    }
    log_outcome(&outcome);
    Some(Finished {
        step: step.name().to_owned(),
        operation,
        outcome,
        at: shared.clock.now(),
        duration: started.elapsed(),
    })
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Succeeded => tracing::info!("step succeeded"),
        Outcome::Failed(error) => tracing::warn!(error, "step failed"),
        Outcome::Deferred(reason) => tracing::info!(reason, "step deferred"),
        Outcome::Innocuous(reason) => tracing::info!(reason, "step not done, no harm"),
    }
}

fn step_context(shared: &Shared, object: &Object, operation: Operation) -> StepContext {
    let own = object.status.of(&shared.registry.synchronizer);
    let failures = own.and_then(|own| own.state(operation)).map_or(0, |state| state.failures);
    let touch = object.intent.touch.as_ref().map_or_else(String::new, |touch| format!("/{touch}"));
    let (uid, name) = (&object.meta.uid, operation.as_str().to_lowercase());
    let idempotency_key = if operation.is_delete() {
        format!("{uid}/{name}")
    } else {
        format!("{uid}/{name}/{}{touch}", object.intent.spec.as_str())
    };
    StepContext::new(ContextParts { idempotency_key, failures, ..shared.parts.clone() })
}

async fn write(shared: &Shared, entry: &Entry, object: &Object) -> Result<Arc<Object>, WriteError> {
    Ok(Arc::new(shared.writer.write_status(entry, object).await?))
}

/// The one status write. Nothing is written where nothing changed.
async fn record(shared: &Shared, entry: &Entry, object: &Object, finished: &Finished) -> Result<Turn, WriteError> {
    let context =
        Context { synchronizer: &shared.registry.synchronizer, backoff: shared.backoff, unit: rand::random() };
    let new = record::after(object, finished, &context);
    let written = if &new == object { Arc::new(new) } else { write(shared, entry, &new).await? };
    Ok(match finished.outcome {
        Outcome::Deferred(_) => Turn::Deferred(written),
        _ => Turn::Recorded(written),
    })
}
