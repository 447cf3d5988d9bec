//! An attempt: policies or step, and the saves of what they changed.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use xos_model::intent::is_handled;
use xos_model::record;
use xos_model::save::{Changes, changes, difference};
use xos_model::secret::Secrets;
use xos_model::{Fields, Intent, Object, Operation, Outcome, Pass, QuietSave, intent};
use xos_steps::StepContext;

use super::run::Attempted;
use super::{Subject, Worker};
use crate::view::is_newer;
use crate::writer::{SpecSave, WriteError, in_status, is_kept, kept};

/// How long an attempt may take before status says that a touched object is not Ready.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(100);

/// An attempt that was made, and what it comes to.
pub(super) struct Made {
    /// The object, with what is to be written to status.
    pub(super) subject: Subject,
    pub(super) attempted: Attempted,
    /// Whether it changed anything.
    pub(super) has_changes: bool,
    context: StepContext,
    /// The intent and the generation that it was made of.
    of: (Intent, i64),
}

/// Makes an attempt a failure, as the API server refuses to save what it changed. Its words may quote a secret.
fn refuse(attempted: &mut Attempted, what: &str, words: &str, secrets: &Secrets) {
    let words = secrets.hide(words);
    let refusal =
        format!("what {} changed in {what} is not saved, as the API server refuses it: {words}", attempted.name());
    let own = attempted.outcome().message();
    attempted.fail(own.map_or_else(|| refusal.clone(), |own| format!("{own}; {refusal}")));
}

/// Sets what an attempt changed in status.
fn set_status(mut subject: Subject, status: Fields, attempted: &Attempted) -> Subject {
    if status.keys().any(|name| record::is_news(name)) {
        record::mark_changed(&mut subject.object, attempted.operation().pass(), attempted.at());
    }
    for (field, value) in status {
        subject.object.set(&field, value);
    }
    subject
}

impl Worker<'_> {
    /// Calls policies or step on an object, and saves what they changed in spec; nothing if stopped at shutdown.
    pub(super) async fn attempt(&self, subject: Subject, operation: Operation) -> Result<Option<Made>, WriteError> {
        let context = self.step_context(&subject.object, operation);
        let mut after = subject.object.clone();
        let intent = subject.object.intent.clone();
        let generation = subject.object.meta.generation;
        let call = self.call_author(operation, &context, &mut after);
        let (attempted, announced) = self.announcing(&subject, call).await;
        let Some(mut attempted) = attempted else { return Ok(None) };
        let mut subject = subject;
        let saved = context.session().saved(&subject.object.meta.uid);
        // What was written meanwhile: the newer one has what the other has.
        let written = match (saved, announced) {
            (Some(saved), Some(announced)) if is_newer(&announced, &saved) => Some(announced),
            (saved, announced) => saved.or(announced),
        };
        if let Some(written) = written {
            self.answered(&written);
            (subject, after) = self.on_top_of(written, &subject, &after);
        }
        let mut has_changes = false;
        let changes = changes(&self.entry.model, &subject.object.fields, &after.fields).unwrap_or_else(|error| {
            attempted.fail(error.to_string());
            Changes::default()
        });
        if *attempted.outcome() == Outcome::Succeeded {
            has_changes = changes != Changes::default();
            subject = self.save(subject, changes, &mut attempted).await?;
        } else {
            subject = self.save_unfinished(subject, changes, &mut attempted).await?;
        }
        if *attempted.outcome() == Outcome::Succeeded {
            self.call_hooks(&context, &subject.object, &mut attempted).await;
        }
        let of = (intent, generation);
        subject.object = self.leave(&context, subject.object, &attempted, of.clone());
        Ok(Some(Made { subject, attempted, has_changes, context, of }))
    }

    /// Waits for a call of the author's code. An object that was touched still says that it is Ready, for that is no
    /// other generation: if the call takes longer than a moment, status says that it is not. Returns the object as it
    /// is then.
    async fn announcing<T>(&self, subject: &Subject, call: impl Future<Output = T>) -> (T, Option<Arc<Object>>) {
        if !record::is_overstated(&subject.stored) {
            return (call.await, None);
        }
        let mut call = pin!(call);
        tokio::select! {
            biased;
            ended = &mut call => return (ended, None),
            () = tokio::time::sleep(ANNOUNCED_AFTER) => {}
        }
        // With what policies have left, if it is the step that takes long.
        let announce = self.write_status(&subject.stored, &subject.object);
        let (ended, announced) = tokio::join!(call, announce);
        let announced =
            announced.inspect_err(|error| tracing::debug!(%error, "status does not say yet that it is due"));
        (ended, announced.ok())
    }

    /// Returns what an attempt comes to, if the API server refuses the status that it leaves: a failure. Nothing of what
    /// it changed in status is kept.
    pub(super) fn refused(&self, made: Made, words: &str) -> (Subject, Attempted) {
        let Made { subject, mut attempted, context, of, .. } = made;
        refuse(&mut attempted, "status", words, &Secrets::of(&self.entry.model, &subject.object.fields));
        let object = self.leave(&context, (*subject.stored).clone(), &attempted, of);
        (Subject { object, ..subject }, attempted)
    }

    /// Returns the object as the attempt leaves it. The attempt was made of the object as it was at its start: what an
    /// operator has changed since then is still to be handled, though a save of the step has brought it along.
    fn leave(
        &self,
        context: &StepContext,
        object: Object,
        attempted: &Attempted,
        (intent, generation): (Intent, i64),
    ) -> Object {
        let mut own = intent.clone();
        if object.intent.touch.as_ref().is_some_and(|touch| context.session().has_asked_for(touch)) {
            own.touch.clone_from(&object.intent.touch);
        }
        // The annotation remembers the last few saves only; a step may have made more.
        let mut saves = context.session().saves_of(&object.meta.uid);
        saves.extend(object.quiet_saves.iter().cloned());
        // A policy of another object may have saved this one meanwhile: that is news for the step.
        if is_handled(&own, &object.intent, &saves, attempted.operation().pass()) {
            let remembered = object.quiet_saves.clone();
            let new = attempted.leave(&Object { quiet_saves: saves, ..object }, self);
            return Object { quiet_saves: remembered, ..new };
        }
        let now = (object.intent.clone(), object.meta.generation);
        let mut then = Object { intent, ..object };
        then.meta.generation = generation;
        let mut new = attempted.leave(&then, self);
        (new.intent, new.meta.generation) = now;
        new
    }

    /// Returns the object as the step saved it by itself, without and with what the step changed beside that.
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
    /// If the API server refuses it, the attempt has failed.
    async fn save(&self, subject: Subject, changes: Changes, attempted: &mut Attempted) -> Result<Subject, WriteError> {
        let Subject { mut stored, mut object } = subject;
        let mut is_news = false;
        let kept = kept(&object, &changes.status);
        if !changes.spec.is_empty() || !is_kept(&stored, kept.as_deref()) {
            let by = (attempted.operation().pass(), attempted.name());
            match self.save_quietly(&stored, &changes.spec, kept, by).await {
                Ok(saved) => {
                    let in_memory = |name: &str| !changes.spec.contains_key(name);
                    let synchronizer = &self.shared.registry.synchronizer;
                    object = record::rebase(&stored, &object, &saved, synchronizer, in_memory);
                    stored = Arc::new(saved);
                    self.answered(&stored);
                    is_news = changes.spec.keys().any(|name| record::is_news(name));
                }
                Err(WriteError::Refused(words)) => {
                    let mut secrets = Secrets::of(&self.entry.model, &object.fields);
                    secrets.add(&self.entry.model, &changes.spec);
                    refuse(attempted, "spec", &words, &secrets);
                }
                Err(error) => return Err(error),
            }
        }
        if is_news {
            record::mark_changed(&mut object, attempted.operation().pass(), attempted.at());
        }
        Ok(set_status(Subject { stored, object }, changes.status, attempted))
    }

    /// Saves what an attempt without success changed, as progress. If somebody has changed the object meanwhile, what
    /// the attempt changed in spec is left out: that it did not succeed has to be recorded, and the next attempt changes
    /// it again.
    async fn save_unfinished(
        &self,
        subject: Subject,
        changes: Changes,
        attempted: &mut Attempted,
    ) -> Result<Subject, WriteError> {
        match self.save(subject.clone(), changes.clone(), attempted).await {
            Err(WriteError::Conflict) => Ok(set_status(subject, changes.status, attempted)),
            saved => saved,
        }
    }

    /// Saves fields of spec, with a record in the same request that this was no operator's change.
    pub(super) async fn save_quietly(
        &self,
        object: &Object,
        spec: &Fields,
        kept: Option<String>,
        (by, who): (Pass, &str),
    ) -> Result<Object, WriteError> {
        let mut new = object.clone();
        for (field, value) in spec {
            new.set(field, value.clone());
        }
        let save = QuietSave { from: object.intent.spec, to: xos_crds::spec_hash(&self.entry.model, &new.fields), by };
        let saves = intent::remember(&object.quiet_saves, save);
        let save = SpecSave { spec: spec.clone(), saves, touch: None, kept };
        self.shared.writer.save_spec(self.entry, object, &save, who).await
    }
}
