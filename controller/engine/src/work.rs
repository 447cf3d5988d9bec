//! One object's turn: finalizers, policies, step, saves, status. Runs in a worker; talks to the API server by the [`Writer`] only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use xos_model::dirty::Switch;
use xos_model::record::{self, Context};
use xos_model::save::{Changes, changes, difference};
use xos_model::{Backoff, Finished, Object, ObjectKey, Operation, Outcome, QuietSave, intent};
use xos_steps::{ContextParts, Saver, StepContext};

use crate::act::act;
use crate::clock::Clock;
use crate::registry::{Entry, Registry};
use crate::writer::{SpecSave, WriteError, Writer, in_status};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Template of every step's context.
    pub(crate) parts: ContextParts,
    pub(crate) backoff: Backoff,
    pub(crate) step_timeout: Duration,
}

/// An object in a worker's hands: as the API server has it, and as it is with what is not written yet.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) stored: Arc<Object>,
    pub(crate) object: Object,
}

impl Subject {
    pub(crate) fn new(stored: Arc<Object>) -> Self {
        Self { object: (*stored).clone(), stored }
    }
}

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Job {
    /// Run policies, or the step, or both with another look in between.
    Handle { policy: Option<Operation>, sync: bool },
    /// Run the step of a clean object: nothing is written where nothing changed.
    Resync,
    /// Run what is due on deletion, and let the object go.
    Delete { policy: bool, sync: bool },
    /// Ask for the deletion of the objects that cascade.
    Cascade(Vec<Arc<Object>>),
    /// Set the finalizers.
    Hold,
    /// Let status speak of the present generation.
    Acknowledge,
    /// Let status speak of a switch.
    Show(Switch),
    /// Let status say what the object waits for.
    Waiting(String),
    /// Write what is not written yet.
    Write,
}

impl Job {
    /// For logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Handle { policy: Some(_), .. } => "policy",
            Self::Handle { policy: None, .. } => "sync",
            Self::Resync => "resync",
            Self::Delete { .. } => "delete",
            Self::Cascade(_) => "cascade",
            Self::Hold => "hold",
            Self::Acknowledge | Self::Show(_) | Self::Waiting(_) | Self::Write => "status",
        }
    }
}

impl Job {
    /// What of the author's it runs: some of it may be slow.
    pub(crate) fn runs(&self, entry: &Entry) -> Option<String> {
        match self {
            Self::Handle { policy: Some(_), .. } | Self::Delete { policy: true, .. } => {
                Some(format!("policies of {}", entry.model.name))
            }
            Self::Handle { policy: None, .. } | Self::Resync | Self::Delete { policy: false, sync: true } => {
                entry.step.as_ref().map(|step| step.name().to_owned())
            }
            _ => None,
        }
    }
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) enum Turn {
    /// All is written; the object as it is now.
    Recorded(Arc<Object>),
    /// The same, but the step asked to be run again later.
    Deferred(Arc<Object>),
    /// Policies are applied and what they changed in spec is saved; status is not written, since the step may follow.
    Half(Box<Subject>),
    /// The objects that cascade, as they are now, and those that are gone.
    Cascaded(Vec<Object>, Vec<Arc<Object>>),
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

/// Does a job.
pub(crate) async fn carry_out(shared: &Shared, entry: &Entry, subject: Subject, job: Job) -> Turn {
    let worker = Worker { shared, entry };
    let synchronizer = &shared.registry.synchronizer;
    let (object, now) = (&subject.object, shared.clock.now());
    let result = match job {
        Job::Handle { policy, sync } => worker.handle(subject, policy, sync).await,
        Job::Resync => worker.resync(subject).await,
        Job::Delete { policy, sync } => worker.delete(subject, policy, sync).await,
        Job::Cascade(others) => worker.cascade(others).await,
        Job::Hold => worker.hold(subject).await.map(|subject| Turn::Recorded(subject.stored)),
        Job::Acknowledge => worker.write(&subject.stored, &record::acknowledge(object, synchronizer, now)).await,
        Job::Show(switch) => worker.write(&subject.stored, &record::held(object, synchronizer, switch, now)).await,
        Job::Waiting(text) => worker.write(&subject.stored, &record::waiting(object, synchronizer, &text, now)).await,
        Job::Write => worker.write(&subject.stored, object).await,
    };
    result.unwrap_or_else(|error| match error {
        WriteError::Gone => Turn::Gone,
        WriteError::Conflict => Turn::Conflict,
        error => Turn::Unwritten(error),
    })
}

struct Worker<'a> {
    shared: &'a Shared,
    entry: &'a Entry,
}

impl Worker<'_> {
    async fn handle(&self, subject: Subject, policy: Option<Operation>, sync: bool) -> Result<Turn, WriteError> {
        let subject = self.hold(subject).await?;
        if subject.object.meta.deleting.is_some() {
            return Ok(Turn::Conflict);
        }
        let operation = policy.unwrap_or(Operation::Sync);
        let Some((subject, finished, _)) = self.attempt(subject, operation).await? else { return Ok(Turn::Abandoned) };
        let goes_on = policy.is_some() && sync && finished.outcome == Outcome::Succeeded;
        if goes_on { Ok(Turn::Half(Box::new(subject))) } else { self.record(subject, &finished).await }
    }

    async fn resync(&self, subject: Subject) -> Result<Turn, WriteError> {
        let stored = Arc::clone(&subject.stored);
        let Some((subject, finished, changed)) = self.attempt(subject, Operation::Sync).await? else {
            return Ok(Turn::Abandoned);
        };
        let nothing = finished.outcome == Outcome::Succeeded && !changed;
        if nothing { Ok(Turn::Recorded(stored)) } else { self.record(subject, &finished).await }
    }

    /// Policies or step on an object, what they changed in spec saved, the rest kept. Also tells whether anything was changed.
    async fn attempt(
        &self,
        subject: Subject,
        operation: Operation,
    ) -> Result<Option<(Subject, Finished, bool)>, WriteError> {
        let context = self.step_context(&subject.object, operation);
        let mut after = subject.object.clone();
        let Some(mut finished) = self.run(operation, &context, &mut after).await else { return Ok(None) };
        let mut subject = subject;
        if let Some(saved) = context.session().saved(&subject.object.meta.uid) {
            (subject, after) = self.on_top_of(saved, &subject, &after);
        }
        let mut changed = false;
        if finished.outcome == Outcome::Succeeded {
            match changes(&self.entry.model, &subject.object.fields, &after.fields) {
                Err(error) => finished.outcome = Outcome::Failed(error.to_string()),
                Ok(changes) => {
                    changed = changes != Changes::default();
                    subject = self.save(subject, changes, &finished).await?;
                    self.saved(&context, &subject.object, &mut finished).await;
                }
            }
        }
        subject.object = record::after(&subject.object, &finished, &self.context());
        Ok(Some((subject, finished, changed)))
    }

    /// The step saved its object by itself: what it changed beside that, on top of what was saved.
    fn on_top_of(&self, saved: Arc<Object>, subject: &Subject, after: &Object) -> (Subject, Object) {
        let changed = difference(&subject.object.fields, &after.fields);
        let synchronizer = &self.shared.registry.synchronizer;
        let in_memory = |name: &str| in_status(&self.entry.model, name);
        let object = record::rebase(&subject.stored, &subject.object, &saved, synchronizer, in_memory);
        let mut after = object.clone();
        for (field, value) in changed {
            after.set(&field, value);
        }
        (Subject { stored: saved, object }, after)
    }

    /// Saves what an attempt changed in spec, quietly; what it changed in status waits for the one write.
    async fn save(&self, subject: Subject, changes: Changes, finished: &Finished) -> Result<Subject, WriteError> {
        let Subject { mut stored, mut object } = subject;
        let mut names = changes.spec.keys().chain(changes.status.keys());
        if names.any(|name| record::is_news(name)) {
            record::mark_changed(&mut object, finished.operation.pass(), finished.at);
        }
        if !changes.spec.is_empty() {
            let saved = self.save_quietly(&stored, &changes.spec, finished).await?;
            let in_memory = |name: &str| !changes.spec.contains_key(name);
            let synchronizer = &self.shared.registry.synchronizer;
            object = record::rebase(&stored, &object, &saved, synchronizer, in_memory);
            stored = Arc::new(saved);
        }
        for (field, value) in changes.status {
            object.set(&field, value);
        }
        Ok(Subject { stored, object })
    }

    /// So that neither it nor the operator's next edit is mistaken.
    async fn save_quietly(
        &self,
        object: &Object,
        spec: &xos_model::Fields,
        finished: &Finished,
    ) -> Result<Object, WriteError> {
        let mut new = object.clone();
        for (field, value) in spec {
            new.set(field, value.clone());
        }
        let save = QuietSave {
            from: object.intent.spec.clone(),
            to: xos_crds::spec_hash(&self.entry.model, &new.fields),
            by: finished.operation.pass(),
        };
        let saves = intent::remember(&object.quiet_saves, save);
        let save = SpecSave { spec: spec.clone(), saves, touch: None };
        self.shared.writer.save_spec(self.entry, object, &save, &finished.step).await
    }

    /// The hooks after a save.
    async fn saved(&self, context: &StepContext, object: &Object, finished: &mut Finished) {
        context.session().saw(&Arc::new(object.clone()));
        let limit = self.shared.step_timeout;
        if finished.operation == Operation::Sync {
            if let Some(step) = &self.entry.step {
                finished.outcome = act(step.saved(context, object), limit).await;
            }
            return;
        }
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            finished.outcome = act(policy.saved(&context, object), limit).await;
            if finished.outcome != Outcome::Succeeded {
                return;
            }
        }
    }

    async fn delete(&self, subject: Subject, policy: bool, sync: bool) -> Result<Turn, WriteError> {
        let finalizers = &self.entry.finalizers;
        let duties =
            [(policy, Operation::PolicyDelete, &finalizers.policy), (sync, Operation::Delete, &finalizers.sync)];
        let mut let_go: Vec<&String> = finalizers.links.iter().collect();
        let mut subject = subject;
        let mut failed = None;
        for (is_due, operation, finalizer) in duties {
            if is_due {
                let context = self.step_context(&subject.object, operation);
                let Some(finished) = self.run(operation, &context, &mut subject.object.clone()).await else {
                    return Ok(Turn::Abandoned);
                };
                if finished.outcome != Outcome::Succeeded {
                    subject.object = record::after(&subject.object, &finished, &self.context());
                    failed = Some(finished);
                    continue;
                }
            }
            let waits = !is_due
                && subject
                    .object
                    .status
                    .of(&self.shared.registry.synchronizer)
                    .is_some_and(|own| own.state(operation).is_some_and(xos_model::PassState::is_unfinished));
            if !waits {
                let_go.extend(finalizer);
            }
        }
        let left: Vec<_> = subject.object.meta.finalizers.iter().filter(|f| !let_go.contains(f)).cloned().collect();
        if left.len() < subject.object.meta.finalizers.len() {
            let released = self.shared.writer.set_finalizers(self.entry, &subject.stored, &left).await?;
            // With the last finalizer the object goes, and the answer still has the resourceVersion of before.
            if left.is_empty() {
                return Ok(Turn::Gone);
            }
            let synchronizer = &self.shared.registry.synchronizer;
            subject.object = record::rebase(&subject.stored, &subject.object, &released, synchronizer, |_| true);
            subject.stored = Arc::new(released);
        }
        match failed {
            Some(finished) => self.record(subject, &finished).await,
            None => Ok(Turn::Recorded(subject.stored)),
        }
    }

    async fn cascade(&self, others: Vec<Arc<Object>>) -> Result<Turn, WriteError> {
        let (mut left, mut gone) = (vec![], vec![]);
        for other in others {
            let Some(entry) = self.shared.registry.get(&other.model) else { continue };
            tracing::info!(object = %other.key(), "deleted together with what it leads to");
            match self.shared.writer.delete(entry, &other).await {
                Ok(object) => left.push(object),
                Err(WriteError::Gone | WriteError::Conflict) => gone.push(other),
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Cascaded(left, gone))
    }

    /// Sets the finalizers before the first attempt, so that whatever is done is undone on deletion.
    async fn hold(&self, subject: Subject) -> Result<Subject, WriteError> {
        let missing: Vec<_> =
            self.entry.finalizers.all().filter(|ours| !subject.object.has_finalizer(ours)).cloned().collect();
        if missing.is_empty() || subject.object.meta.deleting.is_some() {
            return Ok(subject);
        }
        let finalizers: Vec<_> = subject.object.meta.finalizers.iter().cloned().chain(missing).collect();
        let held = self.shared.writer.set_finalizers(self.entry, &subject.stored, &finalizers).await?;
        Ok(Subject::new(Arc::new(held)))
    }

    /// Runs the step or the policies; `None` if stopped at shutdown.
    async fn run(&self, operation: Operation, context: &StepContext, object: &mut Object) -> Option<Finished> {
        let (started, limit) = (Instant::now(), self.shared.step_timeout);
        let (name, outcome) = if operation.pass() == xos_model::Pass::Policy {
            self.run_policies(operation, context, object).await
        } else {
            let step = self.entry.step.as_ref()?;
            let call = match operation {
                Operation::Delete => step.delete(context, object),
                _ => step.sync(context, object),
            };
            (step.name(), act(call, limit).await)
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
            let outcome = act(policy.handle(operation, &context, object), self.shared.step_timeout).await;
            last = (policy.name(), outcome);
            if last.1 != Outcome::Succeeded {
                break;
            }
        }
        last
    }

    fn step_context(&self, object: &Object, operation: Operation) -> StepContext {
        let own = object.status.of(&self.shared.registry.synchronizer);
        let failures = own.and_then(|own| own.state(operation)).map_or(0, |state| state.failures);
        let touch = object.intent.touch.as_ref().map_or_else(String::new, |touch| format!("/{touch}"));
        let (uid, name) = (&object.meta.uid, operation.as_str().to_lowercase());
        let idempotency_key = if operation.is_delete() {
            format!("{uid}/{name}")
        } else {
            format!("{uid}/{name}/{}{touch}", object.intent.spec.as_str())
        };
        let step = self.entry.step.as_ref().map_or("", |step| step.name()).to_owned();
        let saver = Saver { step, pass: operation.pass() };
        let namespace = object.meta.namespace.clone();
        let parts = ContextParts { idempotency_key, failures, saver, namespace, ..self.shared.parts.clone() };
        let context = StepContext::new(parts);
        context.session().saw(&Arc::new(object.clone()));
        context
    }

    fn context(&self) -> Context<'_> {
        Context { synchronizer: &self.shared.registry.synchronizer, backoff: self.shared.backoff, unit: rand::random() }
    }

    /// The one status write. Nothing is written where nothing changed.
    async fn record(&self, subject: Subject, finished: &Finished) -> Result<Turn, WriteError> {
        let written = if *subject.stored == subject.object {
            subject.stored
        } else {
            Arc::new(self.shared.writer.write_status(self.entry, &subject.stored, &subject.object).await?)
        };
        Ok(match finished.outcome {
            Outcome::Deferred(_) => Turn::Deferred(written),
            _ => Turn::Recorded(written),
        })
    }

    async fn write(&self, stored: &Arc<Object>, object: &Object) -> Result<Turn, WriteError> {
        if **stored == *object {
            return Ok(Turn::Recorded(Arc::clone(stored)));
        }
        let written = self.shared.writer.write_status(self.entry, stored, object).await?;
        Ok(Turn::Recorded(Arc::new(written)))
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
