//! What a worker does with an object that is being deleted.

use std::sync::Arc;

use xos_model::accept::Refusal;
use xos_model::record;
use xos_model::{Object, Operation, Outcome, Pass};

use super::{Report, Subject, Worker};
use crate::writer::WriteError;

impl Worker<'_> {
    /// Runs what is due, and releases the object from the finalizers of what is done.
    pub(super) async fn delete(&self, subject: Subject, policy: bool, sync: bool) -> Result<Report, WriteError> {
        if !self.knows_what_goes_along(&subject.object).await? {
            return Ok(Report::Conflict);
        }
        let finalizers = &self.entry.finalizers;
        let duties =
            [(policy, Operation::PolicyDelete, &finalizers.policy), (sync, Operation::Delete, &finalizers.sync)];
        let mut let_go: Vec<&String> = finalizers.links.iter().collect();
        let mut subject = subject;
        let mut failed = None;
        for (is_due, operation, finalizer) in duties {
            if is_due {
                let context = self.step_context(&subject.object, operation);
                let Some(attempted) = self.call_author(operation, &context, &mut subject.object.clone()).await else {
                    return Ok(Report::Cancelled);
                };
                if *attempted.outcome() != Outcome::Succeeded {
                    subject.object = attempted.leave(&subject.object, self);
                    failed = Some(attempted);
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
                return Ok(Report::Gone);
            }
            let synchronizer = &self.shared.registry.synchronizer;
            subject.object = record::rebase(&subject.stored, &subject.object, &released, synchronizer, |_| true);
            subject.stored = Arc::new(released);
            self.answered(&subject.stored);
        }
        match failed {
            Some(attempted) => self.record(&subject, &attempted).await,
            None => Ok(Report::Done(subject.stored)),
        }
    }

    /// Looks for objects that steps have made without an answer and that go together with this one. Returns false if
    /// there is one, or may soon be: then it is to be decided anew what goes first.
    async fn knows_what_goes_along(&self, object: &Object) -> Result<bool, WriteError> {
        for (key, is_in_flight) in self.shared.view.unanswered_to(&object.key()) {
            if is_in_flight {
                return Ok(false);
            }
            let found = self.shared.services.store.read(&key).await;
            if found.map_err(|error| WriteError::Other(Box::new(error)))?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs what is due on deletion for an object that is not accepted, and keeps the object: as if it had never been
    /// tried.
    pub(super) async fn withdraw(
        &self,
        subject: Subject,
        (policy, sync): (bool, bool),
        refusal: Refusal,
    ) -> Result<Report, WriteError> {
        let synchronizer = &self.shared.registry.synchronizer;
        let Subject { stored, mut object } = subject;
        let mut refusal = refusal;
        for (is_due, operation) in [(policy, Operation::PolicyDelete), (sync, Operation::Delete)] {
            if !is_due {
                continue;
            }
            let context = self.step_context(&object, operation);
            let Some(attempted) = self.call_author(operation, &context, &mut object.clone()).await else {
                return Ok(Report::Cancelled);
            };
            if *attempted.outcome() == Outcome::Succeeded {
                object = record::taken_out(&object, synchronizer, operation.pass());
                continue;
            }
            object = attempted.leave(&object, self);
            let why = attempted.outcome().message().unwrap_or_default();
            refusal.message =
                format!("{}; what {} has made of it is still there: {why}", refusal.message, attempted.name());
        }
        let pass = if sync { Pass::Sync } else { Pass::Policy };
        let object = record::refused(&object, synchronizer, pass, &refusal, self.shared.clock.now());
        self.write(&stored, &object).await
    }

    /// Asks for the deletion of the objects that go together with an object, each exactly as it was seen.
    pub(super) async fn cascade(&self, others: Vec<Arc<Object>>) -> Result<Report, WriteError> {
        let mut left = vec![];
        let mut gone = vec![];
        let mut changed = false;
        let mut failed = None;
        for other in others {
            let Some(entry) = self.shared.registry.get(&other.model) else { continue };
            tracing::info!(object = %other.key(), "deleted together with what it leads to");
            // It may lead elsewhere by now.
            match self.shared.writer.delete(entry, &other, true).await {
                Ok(object) => left.push(object),
                Err(WriteError::Gone) => gone.push(other),
                Err(WriteError::Conflict) => changed = true,
                // It is tried again; the others need not wait for that.
                Err(error) => failed = Some(error),
            }
        }
        if left.is_empty() && gone.is_empty() {
            let conflict = changed.then_some(WriteError::Conflict);
            if let Some(error) = failed.or(conflict) {
                return Err(error);
            }
        }
        Ok(Report::Cascaded(left, gone))
    }
}
