//! What the broker is told of before the step is called, so that it knows what was in hand if that ends the process.

use std::collections::HashSet;
use std::time::Instant;

use super::PartitionTracker;
use super::task::{EventId, Task};
use crate::kafka::commit::Commit;

/// So many ready events are announced beside those that are taken, so that not each of them waits for the broker.
const AHEAD: usize = 100;

/// What is to be committed before the step is called for some events.
#[derive(Debug, Default)]
pub(crate) struct Announcement {
    pub(crate) commits: Vec<Commit>,
    /// Events that are announced ahead of their time.
    ahead: HashSet<EventId>,
}

impl PartitionTracker {
    /// Returns what has to be committed before the step is called for these events. Mostly it is nothing.
    pub(crate) fn announcement(&mut self, tasks: &[Task], now: Instant) -> Announcement {
        let is_careful = self.careful_until.is_some_and(|until| now < until);
        let mut last = None;
        let mut partitions: Vec<u64> = vec![];
        for task in tasks.iter().filter(|task| task.park_reason.is_none()) {
            if last == Some(task.assignment) && !is_careful {
                continue;
            }
            last = Some(task.assignment);
            let Some(partition) = self.partitions.get_mut(&task.assignment) else { continue };
            if task.is_suspect() {
                partition.start(task.event.offset);
            }
            let is_known = partition.is_announced && !task.is_suspect() && (task.is_announced || !is_careful);
            if !is_known && !partitions.contains(&task.assignment) {
                partitions.push(task.assignment);
            }
        }
        if partitions.is_empty() {
            return Announcement::default();
        }
        // What may end the process is announced alone, and that the others have ended: they are not to be suspected with it.
        let is_suspect = tasks.iter().any(|task| task.is_suspect());
        if is_suspect {
            let changed = self.partitions.iter().filter(|(_, one)| one.is_announced && one.is_dirty);
            partitions.extend(changed.map(|(assignment, _)| *assignment));
            partitions.sort_unstable();
            partitions.dedup();
        }
        let has_more = is_careful && !is_suspect;
        let ahead = if has_more { self.ahead(&mut partitions) } else { HashSet::new() };
        let commit = |assignment: &u64| {
            let offsets = ahead.iter().filter(|(of, _)| of == assignment).map(|(_, offset)| *offset);
            self.partitions.get(assignment)?.commit_with(offsets)
        };
        Announcement { commits: partitions.iter().filter_map(commit).collect(), ahead }
    }

    /// Returns the events that are taken next, and adds their partitions.
    fn ahead(&self, partitions: &mut Vec<u64>) -> HashSet<EventId> {
        let next = self.ready.iter().filter(|task| task.ends == 0 && !task.is_announced).take(AHEAD);
        let ahead: HashSet<_> = next.map(|task| task.id()).collect();
        for (assignment, _) in &ahead {
            if !partitions.contains(assignment) {
                partitions.push(*assignment);
            }
        }
        ahead
    }

    /// Takes in that the broker knows what was announced.
    pub(crate) fn announced(&mut self, announcement: &Announcement) {
        for commit in &announcement.commits {
            let number = self.assignment(&commit.partition);
            if let Some(partition) = number.and_then(|number| self.partitions.get_mut(&number)) {
                partition.is_announced = true;
                // A commit that was asked for before may have been made after it.
                partition.committed = None;
            }
        }
        if announcement.ahead.is_empty() {
            return;
        }
        for task in self.ready.iter_mut().filter(|task| announcement.ahead.contains(&task.id())) {
            if let Some(partition) = self.partitions.get_mut(&task.assignment) {
                task.is_announced = true;
                partition.announce(task.event.offset);
            }
        }
    }
}
