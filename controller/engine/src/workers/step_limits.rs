//! How many objects each step may have at once: [`SyncStep::concurrency`](xos_steps::SyncStep::concurrency).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use xos_model::ObjectKey;

use crate::registry::Entry;

/// The slots of all steps, and the objects that wait for one.
#[derive(Debug, Default)]
pub(super) struct StepLimits {
    steps: HashMap<Arc<str>, Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    taken: usize,
    waiting: VecDeque<ObjectKey>,
}

/// A slot that is free for an object. The object takes it when it is reconciled, or hands it on with
/// [`StepLimits::decline`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) step: Arc<str>,
    pub(crate) to: ObjectKey,
}

impl StepLimits {
    /// Returns whether the step of a model has a free slot, or needs none.
    pub(super) fn has_slot(&self, entry: &Entry) -> bool {
        let Some(step) = &entry.step else { return true };
        let taken = self.steps.get(step.name()).map_or(0, |slots| slots.taken);
        step.concurrency().is_none_or(|limit| taken < limit.max(1))
    }

    /// Takes a slot of a model's step.
    pub(super) fn take(&mut self, entry: &Entry) -> Option<Arc<str>> {
        let step: Arc<str> = entry.step.as_ref()?.name().into();
        self.steps.entry(Arc::clone(&step)).or_default().taken += 1;
        Some(step)
    }

    /// Lets an object wait until a slot is offered to it.
    pub(super) fn wait(&mut self, entry: &Entry, key: &ObjectKey) {
        if let Some(step) = &entry.step {
            self.steps.entry(step.name().into()).or_default().waiting.push_back(key.clone());
        }
    }

    /// Gives a slot back. Returns the object that has waited longest for it.
    pub(super) fn give_back(&mut self, step: &str) -> Option<Offer> {
        let slots = self.steps.get_mut(step)?;
        slots.taken = slots.taken.saturating_sub(1);
        self.decline(step)
    }

    /// Returns the next object to offer a slot to, as the last one had no use for it.
    pub(super) fn decline(&mut self, step: &str) -> Option<Offer> {
        let (step, slots) =
            self.steps.get_key_value(step).map(|(step, _)| Arc::clone(step)).zip(self.steps.get_mut(step))?;
        slots.waiting.pop_front().map(|to| Offer { step, to })
    }
}
