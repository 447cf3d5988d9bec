//! An attempt: policies or step, and the saves of what they changed.

use std::sync::Arc;

use xos_model::intent::is_handled;
use xos_model::record;
use xos_model::save::{Changes, changes, difference};
use xos_model::{Fields, Intent, Object, Operation, Outcome, QuietSave, intent};
use xos_steps::StepContext;

use super::run::Attempted;
use super::{Subject, Worker};
use crate::writer::{SpecSave, WriteError, in_status};

impl Worker<'_> {
    /// Calls policies or step on an object, and saves what they changed in spec. Returns the object with what is to be
    /// written to status, and whether anything was changed; nothing if stopped at shutdown.
    pub(super) async fn attempt(
        &self,
        subject: Subject,
        operation: Operation,
    ) -> Result<Option<(Subject, Attempted, bool)>, WriteError> {
        let context = self.step_context(&subject.object, operation);
        let mut after = subject.object.clone();
        let intent = subject.object.intent.clone();
        let generation = subject.object.meta.generation;
        let Some(mut attempted) = self.call_author(operation, &context, &mut after).await else { return Ok(None) };
        let mut subject = subject;
        if let Some(saved) = context.session().saved(&subject.object.meta.uid) {
            (subject, after) = self.on_top_of(saved, &subject, &after);
        }
        let mut has_changes = false;
        let changes = changes(&self.entry.model, &subject.object.fields, &after.fields).unwrap_or_else(|error| {
            attempted.fail(error.to_string());
            Changes::default()
        });
        if *attempted.outcome() == Outcome::Succeeded {
            has_changes = changes != Changes::default();
            subject = self.save(subject, changes, &attempted).await?;
            self.call_hooks(&context, &subject.object, &mut attempted).await;
        } else {
            subject = self.save_unfinished(subject, changes, &attempted).await?;
        }
        subject.object = self.leave(&context, subject.object, &attempted, (intent, generation));
        Ok(Some((subject, attempted, has_changes)))
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
    async fn save(&self, subject: Subject, changes: Changes, attempted: &Attempted) -> Result<Subject, WriteError> {
        let Subject { mut stored, mut object } = subject;
        let mut names = changes.spec.keys().chain(changes.status.keys());
        if names.any(|name| record::is_news(name)) {
            record::mark_changed(&mut object, attempted.operation().pass(), attempted.at());
        }
        if !changes.spec.is_empty() {
            let saved = self.save_quietly(&stored, &changes.spec, attempted).await?;
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

    /// Saves what an attempt without success changed, as progress. If somebody has changed the object meanwhile, what
    /// the attempt changed in spec is left out: that it did not succeed has to be recorded, and the next attempt changes
    /// it again.
    async fn save_unfinished(
        &self,
        subject: Subject,
        changes: Changes,
        attempted: &Attempted,
    ) -> Result<Subject, WriteError> {
        if changes == Changes::default() {
            return Ok(subject);
        }
        match self.save(subject.clone(), changes.clone(), attempted).await {
            Err(WriteError::Conflict) => {
                self.save(subject, Changes { spec: Fields::new(), ..changes }, attempted).await
            }
            saved => saved,
        }
    }

    /// Saves fields of spec, with a record in the same request that this was no operator's change.
    async fn save_quietly(&self, object: &Object, spec: &Fields, attempted: &Attempted) -> Result<Object, WriteError> {
        let mut new = object.clone();
        for (field, value) in spec {
            new.set(field, value.clone());
        }
        let save = QuietSave {
            from: object.intent.spec.clone(),
            to: xos_crds::spec_hash(&self.entry.model, &new.fields),
            by: attempted.operation().pass(),
        };
        let saves = intent::remember(&object.quiet_saves, save);
        let save = SpecSave { spec: spec.clone(), saves, touch: None };
        self.shared.writer.save_spec(self.entry, object, &save, attempted.name()).await
    }
}
