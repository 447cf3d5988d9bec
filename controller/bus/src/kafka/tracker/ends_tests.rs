//! What ends the process is found: with examples, and with random histories of processes that end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use xos_steps::BusEvent;

use super::tests::{LIMITS, PROBES, partition};
use super::*;
use crate::kafka::commit::{Commit, Committed};

/// Returns the tracker of process 2.
fn tracker(committed: Option<i64>, metadata: &str, now: Instant) -> PartitionTracker {
    tracker_of(2, committed, metadata, now)
}

fn tracker_of(process: u32, committed: Option<i64>, metadata: &str, now: Instant) -> PartitionTracker {
    let mut tracker = PartitionTracker::new(LIMITS, PROBES);
    tracker.process = process;
    tracker.assign(&partition(0));
    tracker.set_committed(&partition(0), &Committed { offset: committed, metadata: metadata.to_owned() }, now);
    tracker
}

/// Accepts events, each of a key of its own.
fn accept(tracker: &mut PartitionTracker, offsets: impl IntoIterator<Item = i64>) {
    let assignment = tracker.assignment(&partition(0)).unwrap();
    for offset in offsets {
        let event = Arc::new(BusEvent { offset, ..BusEvent::new("t", "v") });
        let order_key = u64::try_from(offset).ok();
        tracker.accept(Received { assignment, order_key, event, park_reason: None, replayed: None }).unwrap();
    }
}

fn offsets(tasks: &[Task]) -> Vec<i64> {
    tasks.iter().map(|task| task.event.offset).collect()
}

/// The only commit.
fn only(commits: Vec<Commit>) -> (i64, String) {
    let [Commit { offset, metadata, .. }] = commits.try_into().unwrap();
    (offset, metadata)
}

#[test]
fn the_first_events_are_announced_and_later_ones_come_with_the_commits() {
    let now = Instant::now();
    let mut tracker = tracker(None, "", now);
    accept(&mut tracker, 7..10);
    let tasks = tracker.take(now, 2);
    let announcement = tracker.announcement(&tasks, now);
    tracker.announced(&announcement);
    assert_eq!(only(announcement.commits), (7, "xos:1:2 7 1".to_owned()));
    let third = tracker.take(now, 9);
    assert_eq!(tracker.announcement(&third, now).commits, []);
    assert_eq!(only(tracker.take_offsets_to_commit()), (7, "xos:1:2 7 1 1".to_owned()));
    assert_eq!(tracker.take_offsets_to_commit(), [], "nothing new");
    for task in tasks.iter().chain(&third) {
        tracker.complete(task, true);
    }
    assert_eq!(only(tracker.take_offsets_to_commit()), (10, "xos:1:2".to_owned()));
    assert_eq!(only(tracker.take_last_offsets(&[partition(0)])), (10, String::new()), "it ends cleanly");
    assert_eq!(tracker.take_offsets_to_commit(), [], "and stays so");
}

#[test]
fn what_was_in_hand_is_handled_one_at_a_time_and_before_the_others() {
    let now = Instant::now();
    let mut tracker = tracker(Some(3), "xos:1:1 5 1*2", now);
    accept(&mut tracker, 3..8);
    let first = tracker.take(now, 9);
    assert_eq!(offsets(&first), [5]);
    assert!(tracker.take(now, 9).is_empty() && !tracker.has_ready(), "nothing beside it");
    assert_eq!(tracker.take_offsets_to_commit(), [], "it was not started yet");
    assert_eq!(only(tracker.announcement(&first, now).commits), (3, "xos:1:2 5*2 1*2".to_owned()));
    tracker.complete(&first[0], true);
    let second = tracker.take(now, 9);
    assert_eq!(offsets(&second), [6]);
    let later = now + attempts::ALONE;
    assert_eq!(tracker.next_retry(), Some(later));
    let others = tracker.take(later, 9);
    assert_eq!(offsets(&others), [3, 4, 7], "one that takes long holds them up for a while only");
    let announcement = tracker.announcement(&others, later);
    tracker.announced(&announcement);
    assert_eq!(only(announcement.commits), (3, "xos:1:2 3 1 2*2 1".to_owned()), "the next seconds are announced");
    assert_eq!(tracker.announcement(&others, now + Duration::from_secs(31)).commits, []);
}

#[test]
fn what_was_in_hand_three_times_is_parked_without_another_call() {
    let now = Instant::now();
    let mut tracker = tracker(Some(5), "xos:1:1 5*3 1", now);
    accept(&mut tracker, 5..8);
    let alone = tracker.take(now, 9);
    assert_eq!(offsets(&alone), [6]);
    tracker.complete(&alone[0], true);
    let tasks = tracker.take(now, 9);
    assert_eq!(offsets(&tasks), [5, 7]);
    assert!(tasks[0].park_reason.as_ref().unwrap().starts_with("the process ended 3 times"));
    assert!(only(tracker.announcement(&tasks, now).commits).1.contains("5*3"), "until it is parked");
}

#[test]
fn a_process_that_lost_its_partition_for_a_while_has_not_ended() {
    let now = Instant::now();
    let mut tracker = tracker(Some(5), "xos:1:2 5*3", now);
    accept(&mut tracker, 5..8);
    let tasks = tracker.take(now, 9);
    assert_eq!(offsets(&tasks), [5, 6, 7]);
    assert_eq!(tasks[0].park_reason, None);
}

#[test]
fn before_one_that_may_end_the_process_is_started_the_broker_knows_that_those_of_other_partitions_have_ended() {
    let now = Instant::now();
    let mut tracker = tracker(Some(5), "xos:1:1 5", now);
    tracker.assign(&partition(1));
    let committed = Committed { offset: Some(0), metadata: "xos:1:1 0".to_owned() };
    tracker.set_committed(&partition(1), &committed, now);
    accept(&mut tracker, 5..7);
    let assignment = tracker.assignment(&partition(1)).unwrap();
    let event = Arc::new(BusEvent { partition: 1, offset: 0, ..BusEvent::new("t", "v") });
    tracker.accept(Received { assignment, order_key: None, event, park_reason: None, replayed: None }).unwrap();
    let first = tracker.take(now, 9);
    let announcement = tracker.announcement(&first, now);
    tracker.announced(&announcement);
    tracker.complete(&first[0], true);
    let second = tracker.take(now, 9);
    let texts = tracker.announcement(&second, now).commits.into_iter().map(|commit| (commit.offset, commit.metadata));
    let both = [(6, "xos:1:2".to_owned()), (0, "xos:1:2 0*2".to_owned())];
    assert_eq!(texts.collect::<Vec<_>>(), both);
}

#[test]
fn what_does_not_come_any_more_is_forgotten() {
    let now = Instant::now();
    let mut tracker = tracker(Some(5), "xos:1:1 5 1 9", now);
    accept(&mut tracker, [8]);
    let tasks = tracker.take(now, 9);
    assert_eq!(only(tracker.announcement(&tasks, now).commits), (5, "xos:1:2 8 7".to_owned()));
}

#[test]
fn an_offset_of_a_topic_that_was_made_anew_is_not_committed_again() {
    let now = Instant::now();
    let mut tracker = tracker(Some(1000), "xos:1:1 1000", now);
    accept(&mut tracker, 0..2);
    let tasks = tracker.take(now, 9);
    assert_eq!(only(tracker.announcement(&tasks, now).commits).0, 0);
}

/// What the broker has, and what became of the events.
#[derive(Default)]
struct World {
    committed: Committed,
    handled: BTreeSet<i64>,
    parked: BTreeMap<i64, String>,
    starts: BTreeMap<i64, u32>,
    announcements: usize,
    processes: u32,
}

impl World {
    fn commit(&mut self, commits: Vec<Commit>) {
        for Commit { offset, metadata, .. } in commits {
            self.committed = Committed { offset: Some(offset), metadata };
        }
    }

    /// Runs a process until it has nothing left to do, or has ended. Returns whether it has.
    fn run(&mut self, count: i64, poison: &BTreeSet<i64>, kill: Option<usize>, batch: usize, ticks: &[bool]) -> bool {
        let mut now = Instant::now();
        self.processes += 1;
        let mut tracker = tracker_of(self.processes, self.committed.offset, &self.committed.metadata, now);
        accept(&mut tracker, self.committed.offset.unwrap_or(0)..count);
        for step in 0_usize.. {
            now += Duration::from_millis(50);
            let tasks = tracker.take(now, batch);
            if tasks.is_empty() {
                assert_eq!(tracker.counts().held, 0);
                break;
            }
            let announcement = tracker.announcement(&tasks, now);
            self.announcements += usize::from(!announcement.commits.is_empty());
            self.commit(announcement.commits.clone());
            tracker.announced(&announcement);
            if ticks[step % ticks.len()] {
                self.commit(tracker.take_offsets_to_commit());
            }
            if kill == Some(step) {
                return true;
            }
            for task in tasks {
                let offset = task.event.offset;
                if let Some(reason) = task.park_reason.clone() {
                    self.parked.insert(offset, reason);
                } else {
                    *self.starts.entry(offset).or_default() += 1;
                    if poison.contains(&offset) {
                        return true;
                    }
                    self.handled.insert(offset);
                }
                tracker.complete(&task, true);
            }
        }
        let last = tracker.take_last_offsets(&[partition(0)]);
        self.commit(last);
        false
    }
}

#[test]
fn after_a_kill_most_events_do_not_wait_for_the_broker() {
    let mut world = World::default();
    world.run(300, &BTreeSet::new(), Some(3), 1, &[true]);
    world.announcements = 0;
    world.run(300, &BTreeSet::new(), None, 1, &[true]);
    assert_eq!(world.handled.len(), 300);
    assert!(world.announcements < 10, "{}", world.announcements);
}

proptest! {
    #[test]
    fn what_ends_the_process_is_parked_and_nothing_else(
        count in 1_i64..300,
        poison in prop::collection::btree_set(0_i64..300, 0..4),
        batch in 1_usize..40,
        ticks in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let poison: BTreeSet<_> = poison.into_iter().filter(|offset| *offset < count).collect();
        let mut world = World::default();
        let mut starts = 1;
        while world.run(count, &poison, None, batch, &ticks) {
            starts += 1;
            prop_assert!(starts <= 1 + 5 * poison.len(), "{starts} starts, parked {:?}", world.parked);
        }
        prop_assert_eq!(world.parked.keys().copied().collect::<BTreeSet<_>>(), poison.clone());
        prop_assert_eq!(i64::try_from(world.handled.len() + poison.len()).unwrap(), count);
        prop_assert!(poison.iter().all(|offset| world.starts[offset] <= 4), "{:?}", world.starts);
        prop_assert_eq!(world.committed.offset, Some(count));
        prop_assert_eq!(world.committed.metadata.as_str(), "");
    }

    #[test]
    fn a_process_that_is_killed_parks_nothing(
        count in 1_i64..300,
        kills in prop::collection::vec(1_usize..30, 0..6),
        batch in 1_usize..40,
        ticks in prop::collection::vec(any::<bool>(), 1..9),
    ) {
        let mut world = World::default();
        for kill in kills {
            world.run(count, &BTreeSet::new(), Some(kill), batch, &ticks);
        }
        world.run(count, &BTreeSet::new(), None, batch, &ticks);
        prop_assert_eq!(world.parked.len(), 0);
        prop_assert_eq!(i64::try_from(world.handled.len()).unwrap(), count);
    }
}
