//! When clean objects are looked after again.
//!
//! Pure: it is given the time. All objects are in it, most of them for hours; so an object costs little more than its
//! key here, where a timer of the queue would cost three times as much.

use std::collections::BTreeMap;

use jiff::Timestamp;
use xos_model::ObjectKey;

/// The objects to be looked after, by the second in which they are due.
#[derive(Debug, Default)]
pub(crate) struct Resyncs {
    due: BTreeMap<i64, Vec<ObjectKey>>,
}

impl Resyncs {
    /// Adds an object, to be looked after at a time or within a second after it.
    pub(crate) fn add(&mut self, key: &ObjectKey, at: Timestamp) {
        self.due.entry(second(at)).or_default().push(key.clone());
    }

    /// Takes the objects whose time has come. Some of them may be gone, or have another time by now.
    pub(crate) fn take(&mut self, now: Timestamp) -> impl Iterator<Item = ObjectKey> + use<> {
        let later = self.due.split_off(&now.as_second().saturating_add(1));
        std::mem::replace(&mut self.due, later).into_values().flatten()
    }

    /// Returns when the next object is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let (second, _) = self.due.first_key_value()?;
        Some(Timestamp::from_second(*second).unwrap_or(Timestamp::MAX))
    }
}

/// Returns the first whole second that is not before a time.
fn second(at: Timestamp) -> i64 {
    let whole = at.as_second();
    let is_whole = Timestamp::from_second(whole).is_ok_and(|second| second >= at);
    if is_whole { whole } else { whole.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::object;

    #[test]
    fn objects_are_taken_when_their_time_has_come_and_not_before() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let mut resyncs = Resyncs::default();
        assert_eq!(resyncs.next(), None);
        for (name, millis) in [("b", 2001), ("a", 2000), ("c", 9000)] {
            resyncs.add(&object(name).key(), at(millis));
        }
        let mut names = |now| resyncs.take(at(now)).map(|key| key.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(1999), [""; 0]);
        assert_eq!(names(2000), ["a"]);
        assert_eq!(names(2999), [""; 0], "not before its time");
        assert_eq!(names(8999), ["b"]);
        assert_eq!(resyncs.next(), Some(at(9000)));
    }
}
