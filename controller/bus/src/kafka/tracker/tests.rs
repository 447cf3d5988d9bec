//! The tracker, with examples; `histories` are random ones.

mod histories;
mod replays;

use std::time::Duration;

use xos_model::gate::News;
use xos_steps::ErrorKind;

use super::*;

pub(super) const LIMITS: Limits = Limits { high: 4, low: 2, high_bytes: 1000, stuck: 10, stuck_bytes: 10_000 };
pub(super) const PROBES: Backoff =
    Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.0 };

pub(super) fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: number }
}

fn offsets(commits: Vec<Commit>) -> Vec<i64> {
    commits.into_iter().map(|commit| commit.offset).collect()
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
        .accept(Received { assignment, order_key, event: Arc::new(event), park_reason: None, replayed: None })
        .is_ok()
}

fn take(tracker: &mut PartitionTracker) -> Option<Task> {
    tracker.take(Instant::now(), 1).pop()
}

fn again(task: &Task) -> Task {
    Task::new(task.assignment, task.order_key, Waiting { park_reason: None, ..task.as_waiting() })
}

fn tracker() -> PartitionTracker {
    let mut tracker = PartitionTracker::new(LIMITS, PROBES);
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
    tracker.complete(&first.remove(1), true);
    assert_eq!(tracker.take_offsets_to_commit(), [], "the first is not done");
    tracker.complete(&first.remove(0), true);
    assert_eq!(offsets(tracker.take_offsets_to_commit()), [1]);
    let next = take(&mut tracker).unwrap();
    assert_eq!((next.event.offset, take(&mut tracker).is_none()), (1, true));
    tracker.complete(&next, true);
    assert_eq!(offsets(tracker.take_offsets_to_commit()), [3], "the second of b was done before");
    tracker.commit_again();
    assert_eq!(offsets(tracker.take_offsets_to_commit()), [3]);
    let last = tracker.take_last_offsets(&[partition(0), partition(1)]);
    assert_eq!(offsets(last), [3], "also where it has not advanced");
    assert_eq!(tracker.take_offsets_to_commit(), [], "it was the last");
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
    tracker.complete(&other, true);
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
    tracker.complete(&task, true);
    assert!(!tracker.is_busy(&[partition(0)]) && take(&mut tracker).is_none());
    assert_eq!(offsets(tracker.take_offsets_to_commit()), [1]);
    tracker.remove(&partition(0));
    tracker.assign(&partition(0));
    tracker.complete(&twice, true);
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
        tracker.complete(&task, true);
    }
    assert_eq!(
        (tracker.take_resumable(), tracker.counts()),
        (vec![partition(0)], Counts { partitions: 1, paused: 0, held: 2, waiting: 0, waiting_since: None })
    );
}

#[test]
fn what_was_received_under_an_earlier_assignment_is_not_taken_in() {
    let mut tracker = tracker();
    let assignment = tracker.assignment(&partition(0)).unwrap();
    tracker.remove(&partition(0));
    tracker.assign(&partition(0));
    let late =
        Received { assignment, order_key: None, event: Arc::new(event(60, None)), park_reason: None, replayed: None };
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
    tracker.put_back(taken.remove(1), Instant::now());
    let next = take(&mut tracker).unwrap();
    assert_eq!((next.event.offset, next.attempts), (1, 0));
    tracker.drain(&partition(0));
    tracker.put_back(next, Instant::now());
    assert!(take(&mut tracker).is_none(), "its partition goes");
}

#[test]
fn an_offset_that_goes_back_is_refused() {
    let mut tracker = tracker();
    assert!(accept(&mut tracker, 7, None));
    assert!(!accept(&mut tracker, 0, None));
    let task = take(&mut tracker).unwrap();
    tracker.complete(&task, true);
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
    tracker.accept(Received { assignment, order_key, event, park_reason, replayed: None }).unwrap();
    accept(&mut tracker, 2, Some("a"));
    for reason in [None, Some("no key"), None] {
        let task = take(&mut tracker).unwrap();
        assert_eq!(task.park_reason.as_deref(), reason);
        tracker.complete(&task, true);
    }
}

/// Ends an attempt that did not reach the target. Returns the event if it is to blame.
fn unreached(tracker: &mut PartitionTracker, task: Task, kind: ErrorKind, now: Instant) -> (Option<Task>, News) {
    tracker.unreached(task, Absence { step: "S", kind, why: "no route", unit: 0.5 }, now)
}

fn handle(tracker: &mut PartitionTracker, task: &Task, now: Instant) -> News {
    let news = tracker.answered(task, now);
    tracker.complete(task, true);
    news
}

#[test]
fn a_key_that_fails_leaves_the_memory_of_its_partition_to_the_others() {
    let mut tracker = tracker();
    let now = Instant::now();
    accept(&mut tracker, 0, Some("a"));
    let failing = take(&mut tracker).unwrap();
    tracker.retry(failing, now);
    for offset in 1..9 {
        accept(&mut tracker, offset, Some("a"));
        assert!(!tracker.is_full(&partition(0)), "{offset}");
    }
    for offset in 9..13 {
        assert!(!tracker.is_full(&partition(0)), "{offset}");
        accept(&mut tracker, offset, Some("b"));
    }
    assert!(tracker.is_full(&partition(0)), "by those of b");
    for _ in 0..2 {
        let task = tracker.take(now, 9).into_iter().find(|task| task.event.offset >= 9);
        tracker.complete(&task.unwrap(), true);
    }
    assert!(!tracker.is_full(&partition(0)) && tracker.has_room(&partition(0)));
    accept(&mut tracker, 13, Some("a"));
    assert!(tracker.is_full(&partition(0)), "there is a limit for them, too");
}

#[test]
fn the_events_behind_one_that_failed_count_again_when_it_is_handled() {
    let mut tracker = tracker();
    for offset in 0..3 {
        accept(&mut tracker, offset, Some("a"));
    }
    let now = Instant::now();
    let failing = take(&mut tracker).unwrap();
    tracker.retry(failing, now);
    for offset in 3..7 {
        accept(&mut tracker, offset, Some("a"));
    }
    let failing = tracker.take(now, 1).remove(0);
    tracker.complete(&failing, false);
    assert!(!tracker.is_full(&partition(0)), "it was parked, and the next may fail as well");
    let next = take(&mut tracker).unwrap();
    tracker.complete(&next, true);
    assert!(tracker.is_full(&partition(0)), "five that may be handled at once");
}

#[test]
fn millions_of_done_events_behind_one_that_waits_take_no_memory() {
    let mut tracker = tracker();
    let now = Instant::now();
    accept(&mut tracker, 0, Some("a"));
    let waiting = take(&mut tracker).unwrap();
    tracker.wait(waiting, now + Duration::from_secs(9), now);
    for offset in 1..20_000 {
        accept(&mut tracker, offset, Some("b"));
        let task = take(&mut tracker).unwrap();
        tracker.complete(&task, true);
    }
    let assignment = tracker.assignment(&partition(0)).unwrap();
    assert!(tracker.partitions[&assignment].remembered() < 3_000);
    assert_eq!(tracker.take_offsets_to_commit(), []);
    let waiting = tracker.take(now + Duration::from_secs(9), 1).remove(0);
    assert_eq!(waiting.event.offset, 0);
    tracker.complete(&waiting, true);
    assert_eq!(offsets(tracker.take_offsets_to_commit()), [20_000]);
}

#[test]
fn while_the_target_is_away_one_event_at_a_time_tries_and_another_one_each_time() {
    let mut tracker = tracker();
    let start = Instant::now();
    for (offset, key) in [(0, "a"), (1, "b"), (2, "c"), (3, "a")] {
        accept(&mut tracker, offset, Some(key));
    }
    let first = take(&mut tracker).unwrap();
    let (to_blame, news) = unreached(&mut tracker, first, ErrorKind::Away, start);
    assert!(to_blame.is_none() && matches!(news, News::Closed(_)), "{news:?}");
    assert!(!tracker.has_ready() && tracker.take(start, 9).is_empty());
    let mut tried = vec![];
    let mut at = start;
    for _ in 0..6 {
        let next = tracker.next_retry().unwrap();
        assert!(next > at);
        at = next;
        let mut probes = tracker.take(at, 9);
        assert!(probes.len() == 1 && tracker.take(at, 9).is_empty(), "one at a time");
        tried.push(probes[0].event.offset);
        let (to_blame, _) = unreached(&mut tracker, probes.remove(0), ErrorKind::Unreached, at);
        assert!(to_blame.is_none());
    }
    assert_eq!(tried, [1, 2, 0, 1, 2, 0]);
    assert_eq!((at - start).as_secs(), 1 + 2 + 4 + 8 + 16 + 30);
    at = tracker.next_retry().unwrap();
    let probe = tracker.take(at, 9).remove(0);
    assert_eq!(probe.attempts, 0);
    assert!(matches!(handle(&mut tracker, &probe, at), News::Opened(_)));
    assert_eq!(tracker.take(at, 9).len(), 2, "all of them at once");
}

#[test]
fn a_probe_whose_partition_goes_leaves_its_place_to_another() {
    let mut tracker = tracker();
    tracker.assign(&partition(1));
    let now = Instant::now();
    accept(&mut tracker, 0, Some("a"));
    let other = tracker.assignment(&partition(1)).unwrap();
    let event = Arc::new(BusEvent { partition: 1, ..event(0, Some("b")) });
    tracker
        .accept(Received { assignment: other, order_key: Some(1), event, park_reason: None, replayed: None })
        .unwrap();
    let first = take(&mut tracker).unwrap();
    unreached(&mut tracker, first, ErrorKind::Away, now);
    let later = now + Duration::from_secs(1);
    let probe = tracker.take(later, 1).remove(0);
    assert_eq!(probe.event.partition, 1);
    tracker.remove(&partition(1));
    tracker.abandon(&probe, later);
    assert_eq!(tracker.take(later, 1)[0].event.partition, 0, "at once");
}

#[test]
fn only_what_has_no_answer_while_others_have_one_is_an_attempt() {
    let mut tracker = tracker();
    let now = Instant::now();
    for (offset, key) in [(0, "a"), (1, "b"), (2, "c")] {
        accept(&mut tracker, offset, Some(key));
    }
    let mut taken = tracker.take(now, 3);
    let (hung, other, refused) = (taken.remove(0), taken.remove(0), taken.remove(0));
    let (to_blame, news) = unreached(&mut tracker, refused, ErrorKind::Unreached, now);
    assert!(to_blame.is_none() && news == News::None, "one may have a target of its own");
    handle(&mut tracker, &other, now);
    let (to_blame, news) = unreached(&mut tracker, hung, ErrorKind::Unanswered, now);
    assert_eq!(news, News::None);
    let hung = to_blame.unwrap();
    tracker.retry(hung, now);
    let later = now + Duration::from_secs(1);
    let mut taken = tracker.take(later, 3);
    assert_eq!(taken.iter().map(|task| task.event.offset).collect::<Vec<_>>(), [0, 2]);
    let (refused, hung) = (taken.remove(1), taken.remove(0));
    let (to_blame, _) = unreached(&mut tracker, refused, ErrorKind::Unreached, later);
    assert!(to_blame.is_none(), "a connection that is refused is never the fault of the event");
    let (to_blame, news) = unreached(&mut tracker, hung, ErrorKind::Unanswered, later);
    assert!(to_blame.is_none(), "nobody was answered since");
    assert!(matches!(news, News::Closed(_)), "all that there is was tried");
}

#[test]
fn an_event_that_waits_is_taken_up_when_it_is_woken_and_else_at_its_time() {
    let mut tracker = tracker();
    let now = Instant::now();
    accept(&mut tracker, 0, Some("a"));
    let task = take(&mut tracker).unwrap();
    let id = task.id();
    tracker.wait(task, now + Duration::from_secs(30), now);
    assert!(!tracker.wake(id), "it waits for no object");
    assert_eq!((tracker.counts().waiting, tracker.counts().waiting_since), (1, Some(now)));
    let task = tracker.take(now + Duration::from_secs(30), 1).remove(0);
    assert_eq!(tracker.counts().waiting, 0);
    let again = now + Duration::from_secs(30);
    tracker.wait(task, again + Duration::from_secs(30), again);
    assert_eq!(tracker.counts().waiting_since, Some(now), "it has waited all the time");
}
