//! The tracker, with examples and with random histories.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { high: 4, low: 2, high_bytes: 1000 };

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: number }
}

fn event(offset: i64, key: Option<&str>) -> BusEvent {
    let event = BusEvent { offset, ..BusEvent::new("t", "v") };
    key.map_or(event.clone(), |key| event.with_key(key))
}

fn hash(key: &str) -> u64 {
    key.bytes().map(u64::from).sum()
}

fn accept(tracker: &mut PartitionTracker, offset: i64, key: Option<&str>) -> bool {
    receive(tracker, event(offset, key), key.map(hash))
}

fn receive(tracker: &mut PartitionTracker, event: BusEvent, order_key: OrderKey) -> bool {
    let assignment = tracker.assignment(&partition(0)).unwrap();
    tracker
        .accept(Received { from: partition(0), assignment, order_key, event: Arc::new(event), park_reason: None })
        .is_ok()
}

fn take(tracker: &mut PartitionTracker) -> Option<Task> {
    tracker.take(Instant::now(), 1).pop()
}

fn again(task: &Task) -> Task {
    Task::new(task.assignment, task.order_key, (Arc::clone(&task.event), None))
}

fn tracker() -> PartitionTracker {
    let mut tracker = PartitionTracker::new(LIMITS);
    tracker.assign(&partition(0));
    tracker
}

#[test]
fn keys_are_in_order_and_beside_each_other() {
    let mut tracker = tracker();
    for (offset, key) in [(0, Some("a")), (1, Some("a")), (2, Some("b")), (3, None), (4, None)] {
        assert!(accept(&mut tracker, offset, key));
    }
    let mut first: Vec<_> = std::iter::from_fn(|| take(&mut tracker)).collect();
    assert_eq!(first.iter().map(|task| task.event.offset).collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(tracker.take_offsets_to_commit(), []);
    tracker.complete(first.remove(1));
    assert_eq!(tracker.take_offsets_to_commit(), [], "the first is not done");
    tracker.complete(first.remove(0));
    assert_eq!(tracker.take_offsets_to_commit(), [(partition(0), 1)]);
    let next = take(&mut tracker).unwrap();
    assert_eq!((next.event.offset, take(&mut tracker).is_none()), (1, true));
    tracker.complete(next);
    assert_eq!(tracker.take_offsets_to_commit(), [(partition(0), 3)], "the second of b was done before");
    tracker.commit_again();
    assert_eq!(tracker.take_offsets_to_commit(), [(partition(0), 3)]);
}

#[test]
fn a_failed_event_holds_its_queue_only_until_its_time() {
    let mut tracker = tracker();
    for (offset, key) in [(0, "a"), (1, "a"), (2, "b")] {
        accept(&mut tracker, offset, Some(key));
    }
    let now = Instant::now();
    let failed = take(&mut tracker).unwrap();
    tracker.retry(failed, now + Duration::from_secs(9));
    let other = take(&mut tracker).unwrap();
    assert_eq!(other.event.offset, 2);
    tracker.complete(other);
    assert!(tracker.take(now, 9).is_empty() && tracker.next_retry() == Some(now + Duration::from_secs(9)));
    let again = tracker.take(now + Duration::from_secs(10), 9);
    assert_eq!(again.iter().map(|task| task.event.offset).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_revoked_partition_drops_what_waits_and_keeps_what_was_done() {
    let mut tracker = tracker();
    for offset in 0..3 {
        accept(&mut tracker, offset, Some("a"));
    }
    let task = take(&mut tracker).unwrap();
    tracker.drain(&partition(0));
    assert!(tracker.is_busy(&[partition(0)]) && accept(&mut tracker, 3, Some("b")));
    let twice = again(&task);
    tracker.complete(task);
    assert!(!tracker.is_busy(&[partition(0)]) && take(&mut tracker).is_none());
    assert_eq!(tracker.take_offsets_to_commit(), [(partition(0), 1)]);
    tracker.remove(&partition(0));
    tracker.assign(&partition(0));
    tracker.complete(twice);
    assert_eq!(tracker.take_offsets_to_commit(), [], "of an assignment that is over");
}

#[test]
fn a_partition_is_paused_when_full_and_taken_up_again() {
    let mut tracker = tracker();
    for offset in 0..4 {
        assert!(!tracker.is_full(&partition(0)));
        accept(&mut tracker, offset, Some("a"));
    }
    assert!(tracker.is_full(&partition(0)));
    tracker.mark_paused(&partition(0));
    for _ in 0..2 {
        assert_eq!(tracker.take_resumable(), []);
        let task = take(&mut tracker).unwrap();
        tracker.complete(task);
    }
    assert_eq!(
        (tracker.take_resumable(), tracker.counts()),
        (vec![partition(0)], Counts { partitions: 1, paused: 0, held: 2 })
    );
}

#[test]
fn what_was_received_under_an_earlier_assignment_is_not_taken_in() {
    let mut tracker = tracker();
    let assignment = tracker.assignment(&partition(0)).unwrap();
    tracker.remove(&partition(0));
    tracker.assign(&partition(0));
    let late = Received {
        from: partition(0),
        assignment,
        order_key: None,
        event: Arc::new(event(60, None)),
        park_reason: None,
    };
    assert!(tracker.accept(late).is_ok() && take(&mut tracker).is_none());
    assert!(accept(&mut tracker, 50, None), "the new assignment begins where the old one was committed");
}

#[test]
fn a_task_that_was_put_back_is_the_next() {
    let mut tracker = tracker();
    for (offset, key) in [(0, "a"), (1, "b"), (2, "c")] {
        accept(&mut tracker, offset, Some(key));
    }
    let mut taken = tracker.take(Instant::now(), 2);
    assert!(taken.len() == 2 && tracker.has_ready());
    tracker.put_back(taken.remove(1));
    let next = take(&mut tracker).unwrap();
    assert_eq!((next.event.offset, next.attempts), (1, 0));
    tracker.drain(&partition(0));
    tracker.put_back(next);
    assert!(take(&mut tracker).is_none(), "its partition goes");
}

#[test]
fn an_offset_that_goes_back_is_refused() {
    let mut tracker = tracker();
    assert!(accept(&mut tracker, 7, None));
    assert!(!accept(&mut tracker, 0, None));
    let task = take(&mut tracker).unwrap();
    tracker.complete(task);
    assert!(!accept(&mut tracker, 3, None) && accept(&mut tracker, 8, None));
}

#[test]
fn the_reason_for_parking_stays_with_its_event() {
    let mut tracker = tracker();
    accept(&mut tracker, 0, Some("a"));
    let assignment = tracker.assignment(&partition(0)).unwrap();
    let order_key = Some(hash("a"));
    let park_reason = Some("no key".to_owned());
    let event = Arc::new(event(1, Some("a")));
    tracker.accept(Received { from: partition(0), assignment, order_key, event, park_reason }).unwrap();
    accept(&mut tracker, 2, Some("a"));
    for reason in [None, Some("no key"), None] {
        let task = take(&mut tracker).unwrap();
        assert_eq!(task.park_reason.as_deref(), reason);
        tracker.complete(task);
    }
}

proptest! {
    #[test]
    fn nothing_is_committed_before_all_before_it_is_done(
        keys in prop::collection::vec(0_u8..4, 1..40),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..200),
    ) {
        let mut tracker = tracker();
        let mut done = vec![false; keys.len()];
        let mut order: HashMap<u8, Vec<i64>> = HashMap::new();
        for (offset, key) in (0..).zip(&keys) {
            let key = (*key > 0).then(|| u64::from(*key));
            receive(&mut tracker, event(offset, None), key);
        }
        let mut in_flight: Vec<Task> = vec![];
        for (pick, takes) in picks {
            if takes || in_flight.is_empty() {
                in_flight.extend(take(&mut tracker));
            } else {
                let task = in_flight.remove(pick.index(in_flight.len()));
                let offset = task.event.offset;
                tracker.complete(task);
                done[usize::try_from(offset).unwrap()] = true;
                order.entry(keys[usize::try_from(offset).unwrap()]).or_default().push(offset);
            }
            for (_, offset) in tracker.take_offsets_to_commit() {
                let before = done.iter().take_while(|done| **done).count();
                prop_assert_eq!(offset, i64::try_from(before).unwrap());
            }
        }
        for offsets in order.values() {
            prop_assert!(offsets.is_sorted());
        }
    }
}
