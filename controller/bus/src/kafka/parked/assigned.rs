//! The log of an assigned partition.

use std::sync::Arc;

use crate::kafka::shared::Assignment;
use crate::kafka::topic_partition::TopicPartition;
use crate::parked::log::Log;

/// The log of an assigned partition. Those who handle its events are told whether they have to look into it.
pub(super) struct AssignedLog {
    pub(super) from: TopicPartition,
    pub(super) parked_in: Arc<str>,
    assignment: Arc<Assignment>,
    /// None until it was read.
    log: Option<Log>,
    /// Whether there is a partition to follow.
    pub(super) is_there: bool,
}

impl AssignedLog {
    /// Returns one that was not read yet.
    pub(super) fn new(from: TopicPartition, parked_in: Arc<str>, assignment: Arc<Assignment>) -> Self {
        Self { from, parked_in, assignment, log: None, is_there: false }
    }

    /// Returns the log; none until it was read.
    pub(super) fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    /// Takes the log as it was read.
    pub(super) fn put(&mut self, log: Log, is_there: bool) {
        self.log = Some(log);
        self.is_there = is_there;
        self.tell();
    }

    /// Changes the log, if it was read.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Log) -> T) -> Option<T> {
        let changed = self.log.as_mut().map(change);
        self.tell();
        changed
    }

    fn tell(&self) {
        self.assignment.set_nothing_parked(self.log.as_ref().is_some_and(Log::knows_nothing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parked::Origin;
    use crate::parked::record::What;

    #[test]
    fn events_look_into_the_log_while_it_is_not_read_and_while_something_is_parked() {
        let from = TopicPartition { topic: "t".into(), partition: 0 };
        let assignment = Arc::<Assignment>::default();
        let mut one = AssignedLog::new(from, "parked".into(), Arc::clone(&assignment));
        let origin = Origin { partition: 0, offset: 7, timestamp: None };
        let parked = || What::Parked { first: None, order_key: Some(b"a".to_vec()) };
        assert!(!assignment.has_nothing_parked(), "it was not read");
        assert_eq!(one.change(|log| log.stored(0, origin, parked())), None);
        assert!(!assignment.has_nothing_parked());
        one.put(Log::from_offset(0), true);
        assert!(assignment.has_nothing_parked());
        one.change(|log| log.stored(0, origin, parked()));
        assert!(!assignment.has_nothing_parked());
        one.change(|log| log.read(0, origin, &parked()));
        assert!(!assignment.has_nothing_parked());
        one.change(|log| log.stored(1, origin, What::Ended));
        assert!(!assignment.has_nothing_parked(), "its end was not read yet");
        one.change(|log| log.read(1, origin, &What::Ended));
        assert!(assignment.has_nothing_parked());
    }
}
