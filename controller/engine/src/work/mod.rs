//! What a worker does with an object: finalizers, policies, step, saves, status. Talks to the API server by the
//! [`Writer`] only.

mod attempt;
mod deletion;
mod job;
mod run;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch::Receiver;
use xos_model::record::{self, Wait};
use xos_model::secret::Secrets;
use xos_model::{Backoff, Object, Operation, Outcome, Pass, Reference, condition};
use xos_steps::{Event, Services};

use crate::awaited::AwaitedObjects;
use crate::clock::Clock;
use crate::computing::{Knowledge, ViewObjects, computed};
use crate::gate::Gates;
use crate::installation::Installations;
use crate::registry::{Entry, Registry};
use crate::stats::{Resynced, Stats};
use crate::view::SharedView;
use crate::writer::{WriteError, Writer};

use attempt::Made;
use run::Attempted;

pub(crate) use job::Job;

/// In whose name an owner is set: the last part of the field manager.
const OWNER: &str = "owner";

/// What all workers share. A worker keeps what it was started with: a turn ends under the registry that it began with.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) services: Arc<Services>,
    pub(crate) stats: Stats,
    pub(crate) gates: Gates,
    pub(crate) awaited: AwaitedObjects,
    pub(crate) view: SharedView,
    pub(crate) known: Knowledge,
    /// Which synchronizers are installed, once somebody tells.
    pub(crate) installed: OnceLock<Receiver<Option<Arc<Installations>>>>,
    pub(crate) silent: Silent,
    pub(crate) backoff: Backoff,
    pub(crate) step_timeout: Duration,
}

impl Shared {
    /// Returns whether the properties of an object are this synchronizer's to write. Where it is not known who is
    /// installed, another one that wrote them is.
    pub(crate) fn writes_properties(&self, object: &Object) -> bool {
        let installed = self.installed.get().and_then(|known| known.borrow().clone());
        let is_there =
            |who: &str| installed.as_ref().is_none_or(|all| all.0.iter().any(|one| one.spec.synchronizer == who));
        record::writes_properties(object, &self.registry.synchronizer, is_there)
    }

    /// Sets the values of an object's properties, as it is with what is not written yet.
    fn set_properties(&self, object: &mut Object) {
        let Registry { properties, synchronizer, .. } = &*self.registry;
        let is_any = properties.has(&object.model) || object.status.properties_of.as_deref() == Some(synchronizer);
        if !is_any || object.meta.deleting.is_some() || !self.writes_properties(object) {
            return;
        }
        let now = self.clock.now();
        if let Some(known) = self.known.of(object) {
            return record::set_properties(object, Some(known.computed()), synchronizer, now);
        }
        let objects = ViewObjects::of(self.view.clone(), Arc::clone(&self.registry));
        let computed = computed(properties, object, objects);
        self.stats.computed(1);
        record::set_properties(object, Some(&computed), synchronizer, now);
    }
}

/// The models whose objects may not be told that nobody has anything to do with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silent(Arc<Mutex<HashSet<String>>>);

impl Silent {
    fn add(&self, model: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(model.to_owned());
    }

    pub(crate) fn has(&self, model: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(model)
    }
}

/// The object that a worker has: as the API server has it, and as it is with what is not written yet.
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

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Report {
    /// All is written; the object as it is now.
    Done(Arc<Object>),
    /// The same, but the step or the policies, of this operation, asked to be run again later.
    Deferred(Arc<Object>, Operation),
    /// The target of its step or policies is away, and whether status has what the attempt leaves.
    Away(Arc<Object>, Recorded),
    /// Policies are applied and what they changed in spec is saved; status is not written, since the step may follow.
    PoliciesApplied(Box<Subject>),
    /// The objects that cascade, as they are now, and those that are gone.
    Cascaded(Vec<Object>, Vec<Arc<Object>>),
    /// Whether the object is known as the API server has it.
    Confirmed(bool),
    /// The object is gone.
    Gone,
    /// The object has changed meanwhile: look at it again.
    Conflict,
    /// Stopped at shutdown, or because the process leads no more: nothing is recorded.
    Cancelled,
    /// The API server does not take the write. The object as the worker knows it.
    WriteFailed(WriteError, Arc<Object>),
}

impl Report {
    /// Returns the name for traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Deferred(..) => "deferred",
            Self::Away(..) => "unavailable",
            Self::PoliciesApplied(_) => "policies applied",
            Self::Cascaded(..) => "cascaded",
            Self::Confirmed(_) => "confirmed",
            Self::Gone => "gone",
            Self::Conflict => "conflict",
            Self::Cancelled => "cancelled",
            Self::WriteFailed(..) => "write failed",
        }
    }
}

/// Whether status has what an attempt leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It has.
    Yes,
    /// It has not, as it said before that the target is away.
    No,
    /// There is nothing to record: the object is clean, and was only looked after.
    Resync,
}

/// Does a job on an object.
pub(crate) async fn do_job(shared: &Shared, entry: &Entry, subject: Subject, job: Job) -> Report {
    let worker = Worker { shared, entry, latest: Mutex::new(Arc::clone(&subject.stored)) };
    let synchronizer = &shared.registry.synchronizer;
    let object = &subject.object;
    let now = shared.clock.now();
    let pass = job.told_in(entry.duties(object));
    if let Some(event) = job.event() {
        shared.services.events.publish(object, event);
    }
    let result = match job {
        Job::Confirm => worker.confirm(&subject.stored).await,
        Job::Reconcile { policy, sync } => worker.reconcile(subject, policy, sync).await,
        Job::Resync => worker.resync(subject).await,
        Job::Delete { policy, sync } => worker.delete(subject, policy, sync).await,
        Job::Cascade(others) => worker.cascade(others).await,
        Job::EnsureFinalizers => worker.ensure_finalizers(subject).await.map(|subject| Report::Done(subject.stored)),
        Job::SetOwner(link, owner) => worker.set_owner(&subject, &link, &owner).await,
        Job::Acknowledge => worker.write(&subject.stored, &record::acknowledge(object, synchronizer, now)).await,
        Job::NoteLeavesOthers => worker.write(&subject.stored, &record::leaving_others(object, synchronizer)).await,
        Job::ReportSwitch(switch) => {
            worker.write(&subject.stored, &record::held(object, synchronizer, switch, now)).await
        }
        Job::ReportIdle => worker.report_idle(&subject).await,
        Job::ReportWait(wait) => {
            worker.write(&subject.stored, &record::waiting(object, synchronizer, Pass::Sync, &wait, now)).await
        }
        Job::ReportAway(pass, message) => {
            worker.write(&subject.stored, &record::away(object, synchronizer, pass, &message, now)).await
        }
        Job::ReportRefusal(pass, refusal, leaves) => {
            let refused = record::refused(object, synchronizer, pass, &refusal, now);
            let refused = if leaves { record::tried_before(&refused, synchronizer) } else { refused };
            worker.write(&subject.stored, &refused).await
        }
        Job::ReportAbandoned(message) => {
            let reported = record::abandoned(object, synchronizer, message.as_deref(), now);
            worker.write(&subject.stored, &reported).await
        }
        Job::Withdraw { policy, sync, refusal } => worker.withdraw(subject, (policy, sync), refusal).await,
        Job::ReportAccepted(pass) => {
            worker.write(&subject.stored, &record::accepted(object, synchronizer, pass, now)).await
        }
        Job::Reopen => worker.write(&subject.stored, &record::reopened(object, synchronizer)).await,
        Job::WriteStatus => worker.write(&subject.stored, object).await,
    };
    match result {
        Ok(report) => report,
        Err(WriteError::Gone) => Report::Gone,
        Err(WriteError::Conflict) => Report::Conflict,
        Err(error) => {
            let latest = worker.latest();
            let told = match &error {
                WriteError::Refused(words) => worker.tell_refused(&latest, pass, words).await,
                _ => None,
            };
            Report::WriteFailed(error, told.unwrap_or(latest))
        }
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    entry: &'a Entry,
    /// The object as the API server last answered: what the watch then shows of it is nobody else's change.
    latest: Mutex<Arc<Object>>,
}

impl Worker<'_> {
    fn latest(&self) -> Arc<Object> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answered(&self, object: &Arc<Object>) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(object);
    }

    async fn confirm(&self, known: &Object) -> Result<Report, WriteError> {
        let read = self.shared.writer.read(self.entry, &known.key()).await?;
        let read = read.filter(|read| read.meta.uid == known.meta.uid).ok_or(WriteError::Gone)?;
        Ok(Report::Confirmed(read.meta.resource_version == known.meta.resource_version))
    }

    async fn reconcile(&self, subject: Subject, policy: Option<Operation>, sync: bool) -> Result<Report, WriteError> {
        let subject = self.ensure_finalizers(subject).await?;
        if subject.object.meta.deleting.is_some() {
            return Ok(Report::Conflict);
        }
        let operation = policy.unwrap_or(Operation::Sync);
        let Some(made) = self.attempt(subject, operation).await? else { return Ok(Report::Cancelled) };
        if policy.is_some() && sync && *made.attempted.outcome() == Outcome::Succeeded {
            return Ok(Report::PoliciesApplied(Box::new(made.subject)));
        }
        self.record_made(made).await
    }

    async fn resync(&self, subject: Subject) -> Result<Report, WriteError> {
        let stored = Arc::clone(&subject.stored);
        let Some(made) = self.attempt(subject, Operation::Sync).await? else { return Ok(Report::Cancelled) };
        let is_unsaved = Arc::ptr_eq(&stored, &made.subject.stored);
        let resynced = match made.attempted.outcome() {
            Outcome::Succeeded if !made.has_changes && is_unsaved => Resynced::Unchanged,
            Outcome::Succeeded => Resynced::Changed,
            _ => Resynced::Unsuccessful,
        };
        self.shared.stats.resynced(made.attempted.name(), resynced);
        match made.attempted.outcome() {
            Outcome::Succeeded if !made.has_changes && is_unsaved => return Ok(Report::Done(stored)),
            Outcome::Unavailable(_) if !made.has_changes => {
                return Ok(Report::Away(made.subject.stored, Recorded::Resync));
            }
            _ => {}
        }
        self.record_made(made).await
    }

    /// Writes what an attempt leaves in status; if the API server refuses that, that it failed for this reason.
    async fn record_made(&self, made: Made) -> Result<Report, WriteError> {
        match self.record(&made.subject, &made.attempted).await {
            Err(WriteError::Refused(words)) => {
                let (subject, attempted) = self.refused(made, &words);
                self.record(&subject, &attempted).await
            }
            result => result,
        }
    }

    /// Sets the finalizers before the first attempt, so that whatever is done is undone on deletion.
    async fn ensure_finalizers(&self, subject: Subject) -> Result<Subject, WriteError> {
        let missing: Vec<_> =
            self.entry.finalizers.all().filter(|ours| !subject.object.has_finalizer(ours)).cloned().collect();
        if missing.is_empty() || subject.object.meta.deleting.is_some() {
            return Ok(subject);
        }
        let finalizers: Vec<_> = subject.object.meta.finalizers.iter().cloned().chain(missing).collect();
        let written = self.shared.writer.set_finalizers(self.entry, &subject.stored, &finalizers).await?;
        let written = Arc::new(written);
        self.answered(&written);
        Ok(Subject::new(written))
    }

    /// Sets the owner that the operator left out, quietly: it is nobody's change.
    async fn set_owner(&self, subject: &Subject, link: &str, owner: &Reference) -> Result<Report, WriteError> {
        let spec = [(link, serde_json::to_value(owner)?)].into();
        let kept = crate::writer::kept(&subject.stored, &spec);
        let saved = self.save_quietly(&subject.stored, &spec, kept, (Pass::Pull, OWNER)).await?;
        Ok(Report::Done(Arc::new(saved)))
    }

    /// Writes what an attempt leaves in status: one write, and none where nothing changed.
    async fn record(&self, subject: &Subject, attempted: &Attempted) -> Result<Report, WriteError> {
        if let Some(event) = attempted.event(&subject.stored, &self.shared.registry.synchronizer) {
            self.shared.services.events.publish(&subject.object, event);
        }
        let is_recorded = if *subject.stored == subject.object { Recorded::No } else { Recorded::Yes };
        let written = self.write_status(&subject.stored, &subject.object).await?;
        Ok(match attempted.outcome() {
            Outcome::Deferred(_) => Report::Deferred(written, attempted.operation()),
            Outcome::Unavailable(_) => Report::Away(written, is_recorded),
            _ => Report::Done(written),
        })
    }

    /// Lets status and an Event say that the API server refuses a write without which there is no attempt, as that of
    /// finalizers. Returns the object as it is then; the write that matters is tried again in any case.
    async fn tell_refused(&self, stored: &Arc<Object>, pass: Pass, words: &str) -> Option<Arc<Object>> {
        let words = Secrets::of(&self.entry.model, &stored.fields).hide(words).into_owned();
        let message = format!(
            "the API server refuses a write of the controller; give it the missing right (`xos rbac` prints all), or \
             correct what is named here: {words}"
        );
        let wait = Wait { reason: "WriteRefused", message };
        let told = record::waiting(stored, &self.shared.registry.synchronizer, pass, &wait, self.shared.clock.now());
        let event = Event::warning(wait.reason, wait.message).of("Write");
        self.shared.services.events.publish(stored, event);
        let told = self.write_status(stored, &told).await;
        told.inspect_err(|error| tracing::debug!(%error, "status does not say that a write is refused")).ok()
    }

    /// Lets status say that no synchronizer has anything to do with an object. That is worth no right: where it may not be
    /// written, nothing more is tried with objects of the kind.
    async fn report_idle(&self, subject: &Subject) -> Result<Report, WriteError> {
        let idle = record::idle(&subject.object, self.shared.clock.now());
        match self.write(&subject.stored, &idle).await {
            Err(WriteError::Refused(words)) => {
                let model = &self.entry.model.name;
                tracing::info!(
                    model,
                    words,
                    "objects with which nobody has anything to do do not say that they are Ready"
                );
                self.shared.silent.add(model);
                Ok(Report::Done(Arc::clone(&subject.stored)))
            }
            result => result,
        }
    }

    async fn write(&self, stored: &Arc<Object>, object: &Object) -> Result<Report, WriteError> {
        self.write_status(stored, object).await.map(Report::Done)
    }

    /// Writes a status, completed by what all passes together come to.
    async fn write_status(&self, stored: &Arc<Object>, object: &Object) -> Result<Arc<Object>, WriteError> {
        let mut object = object.clone();
        let synchronizer = &self.shared.registry.synchronizer;
        let duties = self.entry.duties(&object);
        record::settle(&mut object, synchronizer, duties, self.shared.clock.now());
        self.shared.set_properties(&mut object);
        record::observe(&mut object);
        condition::keep_times(&stored.status.conditions, &mut object.status.conditions);
        if **stored == object {
            return Ok(Arc::clone(stored));
        }
        self.shared.writer.write_status(self.entry, stored, &object).await.map(Arc::new)
    }
}
