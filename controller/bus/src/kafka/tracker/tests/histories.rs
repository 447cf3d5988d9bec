//! Random histories of a partition.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum End {
    Handled,
    Parked,
    Failed,
    Waits,
    AfterReplays,
    Unreached(ErrorKind),
    PutBack,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        3 => Just(End::Handled),
        1 => Just(End::Parked),
        1 => Just(End::Failed),
        1 => Just(End::Waits),
        1 => Just(End::AfterReplays),
        1 => Just(End::Unreached(ErrorKind::Away)),
        1 => Just(End::Unreached(ErrorKind::Unreached)),
        1 => Just(End::Unreached(ErrorKind::Unanswered)),
        1 => Just(End::PutBack),
    ]
}

fn end_as(tracker: &mut PartitionTracker, task: Task, end: End, now: Instant) -> bool {
    match end {
        End::Handled => {
            handle(tracker, &task, now);
            return true;
        }
        End::Parked => {
            tracker.said_nothing(&task, now);
            tracker.complete(&task, false);
            return true;
        }
        End::Failed => {
            tracker.answered(&task, now);
            tracker.retry(task, now + Duration::from_secs(1));
        }
        End::Waits => {
            tracker.said_nothing(&task, now);
            tracker.wait(task, now + Duration::from_secs(5), now);
        }
        End::AfterReplays => {
            tracker.said_nothing(&task, now);
            tracker.wait_for_replays(task, now + Duration::from_secs(1));
        }
        End::Unreached(kind) => {
            if let (Some(task), _) = unreached(tracker, task, kind, now) {
                tracker.retry(task, now);
            }
        }
        End::PutBack => tracker.put_back(task, now),
    }
    false
}

proptest! {
    #[test]
    fn however_attempts_end_the_order_of_keys_holds_and_all_is_done_in_the_end(
        keys in prop::collection::vec(0_u8..4, 1..40),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), end()), 1..300),
    ) {
        let mut tracker = tracker();
        let mut now = Instant::now();
        let mut done = vec![false; keys.len()];
        let mut last: HashMap<u8, i64> = HashMap::new();
        for (offset, key) in (0..).zip(&keys) {
            receive(&mut tracker, event(offset, None), (*key > 0).then(|| u64::from(*key)));
        }
        let mut finish = |offset: i64| {
            let at = usize::try_from(offset).unwrap();
            done[at] = true;
            let before = last.insert(keys[at], offset);
            (before.is_none_or(|before| before < offset), done.iter().take_while(|done| **done).count())
        };
        let mut in_flight: Vec<Task> = vec![];
        let mut up_to = 0;
        for (pick, takes, end) in picks {
            now += Duration::from_millis(700);
            if takes || in_flight.is_empty() {
                in_flight.extend(tracker.take(now, 1));
            } else {
                let task = in_flight.remove(pick.index(in_flight.len()));
                let offset = task.event.offset;
                if end_as(&mut tracker, task, end, now) {
                    let (is_in_order, before) = finish(offset);
                    prop_assert!(is_in_order);
                    up_to = before;
                }
            }
            for offset in offsets(tracker.take_offsets_to_commit()) {
                prop_assert_eq!(offset, i64::try_from(up_to).unwrap());
            }
        }
        for task in in_flight {
            tracker.put_back(task, now);
        }
        for _ in 0..10 * keys.len() {
            now += Duration::from_secs(40);
            for task in tracker.take(now, 3) {
                let offset = task.event.offset;
                handle(&mut tracker, &task, now);
                prop_assert!(finish(offset).0);
            }
        }
        prop_assert_eq!(tracker.counts().held, 0);
        prop_assert_eq!(tracker.done_up_to(&partition(0)), Some(i64::try_from(keys.len()).unwrap()));
    }

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
                tracker.complete(&task, true);
                done[usize::try_from(offset).unwrap()] = true;
                order.entry(keys[usize::try_from(offset).unwrap()]).or_default().push(offset);
            }
            for offset in offsets(tracker.take_offsets_to_commit()) {
                let before = done.iter().take_while(|done| **done).count();
                prop_assert_eq!(offset, i64::try_from(before).unwrap());
            }
        }
        for offsets in order.values() {
            prop_assert!(offsets.is_sorted());
        }
    }
}
