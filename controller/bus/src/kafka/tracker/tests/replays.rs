//! Replayed events go before those that came after them for the first time.

use super::*;

fn replay(tracker: &mut PartitionTracker, offset: i64, replayed: i64) {
    let assignment = tracker.assignment(&partition(0)).unwrap();
    let event = Arc::new(event(offset, Some("a")));
    let order_key = Some(hash("a"));
    let replayed = Some(replayed);
    let received = Received { assignment, order_key, event, park_reason: None, replayed };
    tracker.accept(received).unwrap();
}

fn taken(tracker: &mut PartitionTracker, now: Instant) -> Vec<i64> {
    tracker.take(now, 10).iter().map(|task| task.event.offset).collect()
}

#[test]
fn a_replayed_event_takes_its_old_place() {
    let mut tracker = tracker();
    accept(&mut tracker, 20, Some("a"));
    accept(&mut tracker, 21, Some("a"));
    for (offset, replayed) in [(22, 5), (23, 3), (24, 5), (25, 30)] {
        replay(&mut tracker, offset, replayed);
    }
    let mut order = vec![];
    while let Some(task) = take(&mut tracker) {
        assert!(take(&mut tracker).is_none(), "one at a time");
        order.push(task.event.offset);
        tracker.complete(&task, true);
    }
    assert_eq!(order, [20, 23, 22, 24, 21, 25], "the first one was begun");
    assert_eq!(tracker.done_up_to(&partition(0)), Some(26));
}

#[test]
fn an_event_that_waits_for_replayed_ones_goes_on_after_them() {
    let mut tracker = tracker();
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    accept(&mut tracker, 20, Some("a"));
    accept(&mut tracker, 21, Some("b"));
    let first = take(&mut tracker).unwrap();
    tracker.wait_for_replays(first, later);
    assert_eq!(taken(&mut tracker, now), [21], "other keys go on");
    assert_eq!(taken(&mut tracker, now), [] as [i64; 0]);

    replay(&mut tracker, 22, 3);
    let replayed = take(&mut tracker).unwrap();
    assert_eq!(replayed.event.offset, 22, "it does not wait for the time of the other one");
    replay(&mut tracker, 23, 4);
    assert_eq!(taken(&mut tracker, later), [] as [i64; 0], "one at a time");
    tracker.complete(&replayed, true);
    let replayed = take(&mut tracker).unwrap();
    assert_eq!(replayed.event.offset, 23);
    tracker.complete(&replayed, true);

    let first = take(&mut tracker).unwrap();
    assert_eq!(first.event.offset, 20);
    replay(&mut tracker, 24, 5);
    tracker.wait_for_replays(first, later);
    let replayed = take(&mut tracker).unwrap();
    assert_eq!(replayed.event.offset, 24, "it had come already");
    tracker.complete(&replayed, true);
    let first = take(&mut tracker).unwrap();
    tracker.wait_for_replays(first, later);
    assert_eq!(taken(&mut tracker, now), [] as [i64; 0]);
    assert_eq!(tracker.next_retry(), Some(later));
    assert_eq!(taken(&mut tracker, later), [20], "it looks again");
}

#[test]
fn what_waits_for_replayed_events_is_counted_apart_and_not_too_much_of_it_waits() {
    let mut tracker = tracker();
    let assignment = tracker.assignment(&partition(0)).unwrap();
    accept(&mut tracker, 20, Some("a"));
    let first = take(&mut tracker).unwrap();
    tracker.wait_for_replays(first, Instant::now() + Duration::from_secs(1));
    (21..25).for_each(|offset| assert!(accept(&mut tracker, offset, Some("a"))));
    assert!(!tracker.is_full(&partition(0)) && !tracker.is_crowded(assignment));
    replay(&mut tracker, 25, 3);
    assert!(!tracker.is_full(&partition(0)) && tracker.is_crowded(assignment), "six of ten");
    let replayed = take(&mut tracker).unwrap();
    tracker.complete(&replayed, true);
    assert!(!tracker.is_full(&partition(0)), "more replayed events may have to come");
    while let Some(task) = take(&mut tracker) {
        tracker.complete(&task, true);
    }
    assert!(tracker.has_room(&partition(0)) && !tracker.is_crowded(assignment));
    assert_eq!(tracker.counts().held, 0);
}

#[test]
fn what_waits_for_replayed_events_is_dropped_with_its_partition() {
    let mut tracker = tracker();
    let now = Instant::now();
    accept(&mut tracker, 20, Some("a"));
    accept(&mut tracker, 21, Some("a"));
    let first = take(&mut tracker).unwrap();
    tracker.wait_for_replays(first, now);
    tracker.drain(&partition(0));
    replay(&mut tracker, 22, 3);
    assert_eq!(taken(&mut tracker, now + Duration::from_hours(1)), [] as [i64; 0]);
    assert_eq!(tracker.assign(&partition(0)), 2);
    accept(&mut tracker, 20, Some("a"));
    replay(&mut tracker, 22, 3);
    assert_eq!(taken(&mut tracker, now), [20], "it was begun before the replayed one came");
}
