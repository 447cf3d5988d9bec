//! The desk, with examples and with random histories.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { high: 4, low: 2, high_bytes: 1000 };

fn place(partition: i32) -> Place {
    Place { topic: "t".into(), partition }
}

fn event(offset: i64, key: Option<&str>) -> BusEvent {
    let event = BusEvent { offset, ..BusEvent::new("t", "v") };
    key.map_or(event.clone(), |key| event.with_key(key))
}

fn lane(key: &str) -> u64 {
    key.bytes().map(u64::from).sum()
}

fn accept(desk: &mut Desk, offset: i64, key: Option<&str>) -> bool {
    receive(desk, event(offset, key), key.map(lane))
}

fn receive(desk: &mut Desk, event: BusEvent, lane: Option<u64>) -> bool {
    let assignment = desk.assignment(&place(0)).unwrap();
    desk.accept(Received { place: place(0), assignment, lane, event: Arc::new(event) }).is_ok()
}

fn take(desk: &mut Desk) -> Option<Task> {
    desk.take(Instant::now(), 1).pop()
}

fn again(task: &Task) -> Task {
    Task { assignment: task.assignment, lane: task.lane, event: Arc::clone(&task.event), attempts: 0, verdict: None }
}

fn desk() -> Desk {
    let mut desk = Desk::new(LIMITS);
    desk.assign(&place(0));
    desk
}

#[test]
fn keys_are_in_order_and_beside_each_other() {
    let mut desk = desk();
    for (offset, key) in [(0, Some("a")), (1, Some("a")), (2, Some("b")), (3, None), (4, None)] {
        assert!(accept(&mut desk, offset, key));
    }
    let mut first: Vec<_> = std::iter::from_fn(|| take(&mut desk)).collect();
    assert_eq!(first.iter().map(|task| task.event.offset).collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(desk.take_commits(), []);
    desk.done(first.remove(1));
    assert_eq!(desk.take_commits(), [], "the first is not done");
    desk.done(first.remove(0));
    assert_eq!(desk.take_commits(), [(place(0), 1)]);
    let next = take(&mut desk).unwrap();
    assert_eq!((next.event.offset, take(&mut desk).is_none()), (1, true));
    desk.done(next);
    assert_eq!(desk.take_commits(), [(place(0), 3)], "the second of b was done before");
    desk.uncommit();
    assert_eq!(desk.take_commits(), [(place(0), 3)]);
}

#[test]
fn a_failed_event_holds_its_lane_only_until_its_time() {
    let mut desk = desk();
    for (offset, key) in [(0, "a"), (1, "a"), (2, "b")] {
        accept(&mut desk, offset, Some(key));
    }
    let now = Instant::now();
    let failed = take(&mut desk).unwrap();
    desk.later(failed, now + Duration::from_secs(9));
    let other = take(&mut desk).unwrap();
    assert_eq!(other.event.offset, 2);
    desk.done(other);
    assert!(desk.take(now, 9).is_empty() && desk.due_at() == Some(now + Duration::from_secs(9)));
    let again = desk.take(now + Duration::from_secs(10), 9);
    assert_eq!(again.iter().map(|task| task.event.offset).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_revoked_partition_drops_what_waits_and_keeps_what_was_done() {
    let mut desk = desk();
    for offset in 0..3 {
        accept(&mut desk, offset, Some("a"));
    }
    let task = take(&mut desk).unwrap();
    desk.drain(&place(0));
    assert!(desk.is_busy(&[place(0)]) && accept(&mut desk, 3, Some("b")));
    let twice = again(&task);
    desk.done(task);
    assert!(!desk.is_busy(&[place(0)]) && take(&mut desk).is_none());
    assert_eq!(desk.take_commits(), [(place(0), 1)]);
    desk.forget(&place(0));
    desk.assign(&place(0));
    desk.done(twice);
    assert_eq!(desk.take_commits(), [], "of an assignment that is over");
}

#[test]
fn a_partition_is_paused_when_full_and_taken_up_again() {
    let mut desk = desk();
    for offset in 0..4 {
        assert!(!desk.is_full(&place(0)));
        accept(&mut desk, offset, Some("a"));
    }
    assert!(desk.is_full(&place(0)));
    desk.paused(&place(0));
    for _ in 0..2 {
        assert_eq!(desk.take_resumable(), []);
        let task = take(&mut desk).unwrap();
        desk.done(task);
    }
    assert_eq!((desk.take_resumable(), desk.counts()), (vec![place(0)], (1, 0, 2)));
}

#[test]
fn what_was_received_under_an_earlier_assignment_is_not_taken_in() {
    let mut desk = desk();
    let assignment = desk.assignment(&place(0)).unwrap();
    desk.forget(&place(0));
    desk.assign(&place(0));
    let late = Received { place: place(0), assignment, lane: None, event: Arc::new(event(60, None)) };
    assert!(desk.accept(late).is_ok() && take(&mut desk).is_none());
    assert!(accept(&mut desk, 50, None), "the new assignment begins where the old one was committed");
}

#[test]
fn a_task_that_was_put_back_is_the_next() {
    let mut desk = desk();
    for (offset, key) in [(0, "a"), (1, "b"), (2, "c")] {
        accept(&mut desk, offset, Some(key));
    }
    let mut taken = desk.take(Instant::now(), 2);
    assert!(taken.len() == 2 && desk.has_ready());
    desk.put_back(taken.remove(1));
    let next = take(&mut desk).unwrap();
    assert_eq!((next.event.offset, next.attempts), (1, 0));
    desk.drain(&place(0));
    desk.put_back(next);
    assert!(take(&mut desk).is_none(), "its partition goes");
}

#[test]
fn offsets_that_go_back_are_noticed() {
    let mut desk = desk();
    assert!(accept(&mut desk, 7, None));
    assert!(!accept(&mut desk, 0, None));
    let task = take(&mut desk).unwrap();
    desk.done(task);
    assert!(!accept(&mut desk, 3, None) && accept(&mut desk, 8, None));
}

proptest! {
    #[test]
    fn nothing_is_committed_before_all_before_it_is_done(keys in prop::collection::vec(0_u8..4, 1..40), picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..200)) {
        let mut desk = desk();
        let mut done = vec![false; keys.len()];
        let mut order: HashMap<u8, Vec<i64>> = HashMap::new();
        for (offset, key) in (0..).zip(&keys) {
            let key = (*key > 0).then(|| u64::from(*key));
            receive(&mut desk, event(offset, None), key);
        }
        let mut hands: Vec<Task> = vec![];
        for (pick, takes) in picks {
            if takes || hands.is_empty() {
                hands.extend(take(&mut desk));
            } else {
                let task = hands.remove(pick.index(hands.len()));
                let offset = task.event.offset;
                desk.done(task);
                done[usize::try_from(offset).unwrap()] = true;
                order.entry(keys[usize::try_from(offset).unwrap()]).or_default().push(offset);
            }
            for (_, offset) in desk.take_commits() {
                let before = done.iter().take_while(|done| **done).count();
                prop_assert_eq!(offset, i64::try_from(before).unwrap());
            }
        }
        for offsets in order.values() {
            prop_assert!(offsets.is_sorted());
        }
    }
}
