//! An attempt: policies or step, and the saves of what they changed.

use std::sync::Arc;

use xos_model::intent::is_handled;
use xos_model::record;
use xos_model::save::{Changes, changes, difference};
use xos_model::{Finished, Intent, Object, Operation, Outcome, QuietSave, intent};
use xos_steps::StepContext;
use xos_steps::call::{self, outcome};

use super::{Subject, Worker};
use crate::writer::{SpecSave, WriteError, in_status};

impl Worker<'_> {
    /// Policies or step on an object, what they changed in spec saved, the rest kept. Also tells whether anything was changed.
    pub(super) async fn attempt(
        &self,
        subject: Subject,
        operation: Operation,
    ) -> Result<Option<(Subject, Finished, bool)>, WriteError> {
        let context = self.step_context(&subject.object, operation);
        let mut after = subject.object.clone();
        let (intent, generation) = (subject.object.intent.clone(), subject.object.meta.generation);
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
        subject.object = self.recorded(&context, subject.object, &finished, (intent, generation));
        Ok(Some((subject, finished, changed)))
    }

    /// What the attempt leaves. It was made of the object as it was at its start: what an operator changed since then is still to be handled,
    /// though a save of the step has brought it along.
    fn recorded(
        &self,
        context: &StepContext,
        object: Object,
        finished: &Finished,
        (intent, generation): (Intent, i64),
    ) -> Object {
        let mut own = intent.clone();
        if object.intent.touch.as_ref().is_some_and(|touch| context.session().has_asked_for(touch)) {
            own.touch.clone_from(&object.intent.touch);
        }
        // A policy of another object may have saved this one meanwhile: that is news for the step.
        if is_handled(&own, &object.intent, &object.quiet_saves, finished.operation.pass()) {
            return record::after(&object, finished, &self.context());
        }
        let now = (object.intent.clone(), object.meta.generation);
        let mut then = Object { intent, ..object };
        then.meta.generation = generation;
        let mut new = record::after(&then, finished, &self.context());
        (new.intent, new.meta.generation) = now;
        new
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
                finished.outcome = outcome(&call::run(step.saved(context, object), limit).await);
            }
            return;
        }
        for policy in &self.entry.policies {
            let context = context.in_the_name_of(policy.name());
            finished.outcome = outcome(&call::run(policy.saved(&context, object), limit).await);
            if finished.outcome != Outcome::Succeeded {
                return;
            }
        }
    }
}
