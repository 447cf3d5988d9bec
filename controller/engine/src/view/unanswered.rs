//! Objects that steps make, as long as it is not known whether the API server has made them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xos_model::{Object, ObjectKey};

/// The create requests that have no answer yet, and those whose answer was lost. Such an object may be there although
/// the view does not have it: what it leads to must not go without it. Clones are the same ones.
#[derive(Clone, Default)]
pub(crate) struct Unanswered(Arc<Mutex<BTreeMap<ObjectKey, Sent>>>);

struct Sent {
    object: Object,
    /// How many requests wait for their answer.
    in_flight: usize,
}

/// A create request under way. If it is dropped without an answer, the object is looked for when that matters.
pub(crate) struct InFlight {
    all: Unanswered,
    key: ObjectKey,
    is_answered: bool,
}

impl InFlight {
    /// Notes that the API server has told what has become of it.
    pub(crate) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        let Some(sent) = all.get_mut(&self.key) else { return };
        sent.in_flight = sent.in_flight.saturating_sub(1);
        if self.is_answered && sent.in_flight == 0 {
            all.remove(&self.key);
        }
    }
}

impl Unanswered {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a request to make an object is sent now.
    pub(crate) fn sending(&self, object: &Object) -> InFlight {
        let key = object.key();
        let mut all = self.lock();
        let sent = all.entry(key.clone()).or_insert_with(|| Sent { object: object.clone(), in_flight: 0 });
        sent.in_flight += 1;
        InFlight { all: self.clone(), key, is_answered: false }
    }

    /// Notes that it is known what there is of this name.
    pub(crate) fn known(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// Returns the keys of those objects, and whether a request for them is under way.
    pub(super) fn of(&self, is_wanted: impl Fn(&Object) -> bool) -> Vec<(ObjectKey, bool)> {
        let all = self.lock();
        let wanted = all.iter().filter(|(_, sent)| is_wanted(&sent.object));
        wanted.map(|(key, sent)| (key.clone(), sent.in_flight > 0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::object;

    #[test]
    fn what_has_no_answer_stays_until_it_is_known() {
        let all = Unanswered::default();
        let of = || all.of(|_| true);
        let a = object("a");
        all.sending(&a).answered();
        assert_eq!(of(), []);
        let first = all.sending(&a);
        let second = all.sending(&a);
        assert_eq!(of(), [(a.key(), true)]);
        drop(first);
        assert_eq!(of(), [(a.key(), true)]);
        drop(second);
        assert_eq!(of(), [(a.key(), false)]);
        assert_eq!(all.of(|o| o.meta.name == "b"), []);
        all.known(&a.key());
        assert_eq!(of(), []);
    }
}
