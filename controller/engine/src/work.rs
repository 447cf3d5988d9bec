//! One object's turn: finalizers, policies, step, saves, status. Runs in a worker; talks to the API server by the [`Writer`] only.

mod attempt;
mod deletion;
mod running;

use std::sync::Arc;
use std::time::Duration;

use xos_model::accept::Refusal;
use xos_model::dirty::Switch;
use xos_model::record::{self, Context, Wait};
use xos_model::{Backoff, Finished, Object, ObjectKey, Operation, Outcome, Pass};
use xos_steps::{Event, Services};

use crate::clock::Clock;
use crate::registry::{Entry, Registry};
use crate::writer::{WriteError, Writer};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) services: Arc<Services>,
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
    Waiting(Wait),
    /// Let status say why the object is not accepted, so that this pass does not run.
    Refuse(Pass, Refusal),
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
            Self::Acknowledge | Self::Show(_) | Self::Waiting(_) | Self::Refuse(..) | Self::Write => "status",
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
    if let Some(event) = told_by(&job) {
        shared.services.events.publish(object, event);
    }
    let result = match job {
        Job::Handle { policy, sync } => worker.handle(subject, policy, sync).await,
        Job::Resync => worker.resync(subject).await,
        Job::Delete { policy, sync } => worker.delete(subject, policy, sync).await,
        Job::Cascade(others) => worker.cascade(others).await,
        Job::Hold => worker.hold(subject).await.map(|subject| Turn::Recorded(subject.stored)),
        Job::Acknowledge => worker.write(&subject.stored, &record::acknowledge(object, synchronizer, now)).await,
        Job::Show(switch) => worker.write(&subject.stored, &record::held(object, synchronizer, switch, now)).await,
        Job::Waiting(wait) => worker.write(&subject.stored, &record::waiting(object, synchronizer, &wait, now)).await,
        Job::Refuse(pass, refusal) => {
            worker.write(&subject.stored, &record::refused(object, synchronizer, pass, &refusal, now)).await
        }
        Job::Write => worker.write(&subject.stored, object).await,
    };
    result.unwrap_or_else(|error| match error {
        WriteError::Gone => Turn::Gone,
        WriteError::Conflict => Turn::Conflict,
        error => Turn::Unwritten(error),
    })
}

/// What people hear of an object that waits or is not accepted.
fn told_by(job: &Job) -> Option<Event> {
    match job {
        Job::Waiting(wait) => Some(Event::normal(wait.reason, wait.message.as_str()).of("Wait")),
        Job::Refuse(_, refusal) => Some(Event::warning(refusal.reason, refusal.message.as_str()).of("Accept")),
        _ => None,
    }
}

/// What people hear of an attempt: that it did not succeed, or does again.
fn told_of(before: &Object, finished: &Finished, synchronizer: &str) -> Option<Event> {
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

    fn context(&self) -> Context<'_> {
        Context { synchronizer: &self.shared.registry.synchronizer, backoff: self.shared.backoff, unit: rand::random() }
    }

    /// The one status write. Nothing is written where nothing changed.
    async fn record(&self, subject: Subject, finished: &Finished) -> Result<Turn, WriteError> {
        if let Some(event) = told_of(&subject.stored, finished, self.shared.registry.synchronizer.as_str()) {
            self.shared.services.events.publish(&subject.object, event);
        }
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
