use super::*;

use proptest::prelude::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("M", "n", name)
}
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
fn take(queue: &mut Queue, second: i64) -> Option<String> {
    queue.take(at(second)).map(|taken| taken.key.name.to_string())
}

#[test]
fn changes_go_before_retries() {
    let mut q = Queue::default();
    q.add(&key("retry"), Priority::Retry, at(0));
    q.add(&key("both"), Priority::Retry, at(0));
    q.add(&key("change"), Priority::Change, at(0));
    q.add(&key("both"), Priority::Change, at(0));
    let order: Vec<_> = std::iter::from_fn(|| take(&mut q, 0)).collect();
    assert_eq!(order, ["change", "both", "retry"]);
}

#[test]
fn never_twice_at_once_and_never_lost() {
    let mut q = Queue::default();
    q.add(&key("a"), Priority::Change, at(0));
    assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
    q.add(&key("a"), Priority::Change, at(0));
    assert_eq!(take(&mut q, 0), None);
    q.finish(&key("a"), at(0));
    assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
    q.finish(&key("a"), at(0));
    assert_eq!(take(&mut q, 0), None);
}

#[test]
fn timers_ring_once_and_are_replaced() {
    let mut q = Queue::default();
    q.add_at(&key("a"), at(10), Priority::Retry);
    q.add_at(&key("a"), at(20), Priority::Retry);
    assert_eq!(q.next_timer(), Some(at(20)));
    assert_eq!(take(&mut q, 19), None);
    assert_eq!(take(&mut q, 20).as_deref(), Some("a"));
    q.finish(&key("a"), at(0));
    assert_eq!((take(&mut q, 99), q.next_timer()), (None, None));
}

#[test]
fn a_change_clears_the_timer() {
    let mut q = Queue::default();
    q.add_at(&key("a"), at(10), Priority::Retry);
    q.add(&key("a"), Priority::Change, at(0));
    assert_eq!(take(&mut q, 0).as_deref(), Some("a"));
    assert_eq!(q.next_timer(), None);
}

#[test]
fn depth_and_waiting_time_are_known() {
    let mut q = Queue::default();
    q.add(&key("a"), Priority::Retry, at(10));
    q.add(&key("b"), Priority::Resync, at(10));
    q.add_at(&key("c"), at(12), Priority::Retry);
    assert_eq!(q.depth(), [0, 1, 1]);
    q.add(&key("a"), Priority::Change, at(11));
    assert_eq!(q.depth(), [1, 0, 1]);
    let waited: Vec<_> = std::iter::from_fn(|| q.take(at(15))).map(|taken| taken.waited.as_secs()).collect();
    assert_eq!(waited, [5, 3, 5], "since they were due, whatever their priority was then");
    assert_eq!(q.depth(), [0; 3]);
}

proptest! {
    /// Whatever is added is given out, and never to two at once.
    #[test]
    fn nothing_is_lost(steps in proptest::collection::vec((0u8..4, 0u8..5), 0..200)) {
        let mut q = Queue::default();
        let mut running = std::collections::HashSet::new();
        let mut owed = std::collections::HashSet::new();
        for (step, name) in steps {
            let k = key(&name.to_string());
            match step {
                0 => { q.add(&k, Priority::Change, at(0)); owed.insert(k); }
                1 => { q.add(&k, Priority::Retry, at(0)); owed.insert(k); }
                2 => if let Some(taken) = q.take(at(0)) {
                    owed.remove(&taken.key);
                    prop_assert!(running.insert(taken.key));
                },
                _ => if running.remove(&k) { q.finish(&k, at(0)); },
            }
        }
        for k in running { q.finish(&k, at(0)); }
        while let Some(taken) = q.take(at(0)) { owed.remove(&taken.key); }
        prop_assert_eq!(q.depth(), [0; 3]);
        prop_assert!(owed.is_empty());
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_make_anybody_wait_longer() {
    let mut queue = Queue::default();
    queue.add_at(&key("a"), at(7205), Priority::Retry);
    queue.add(&key("b"), Priority::Change, at(7200));
    queue.clock_went_back(SignedDuration::from_hours(2));
    assert_eq!(queue.next_timer(), Some(at(5)));
    let b = queue.take(at(1)).unwrap();
    assert_eq!((b.key, b.waited), (key("b"), SignedDuration::from_secs(1)));
    assert_eq!(queue.take(at(4)), None);
    assert_eq!(queue.take(at(5)).unwrap().key, key("a"));
}

/// Three hundred edits a second for five minutes, of which 290 a second are handled: a retry and a resync that are due
/// do not wait for the end of it.
#[test]
fn edits_that_keep_coming_starve_neither_retries_nor_resyncs() {
    let mut q = Queue::default();
    let tenth = |n: i64| Timestamp::from_millisecond(n * 100).unwrap();
    let retries = (0..100).map(|n| key(&format!("retry{n}"))).collect::<Vec<_>>();
    retries.iter().for_each(|k| q.add_at(k, at(10), Priority::Retry));
    q.add_at(&key("resync"), at(10), Priority::Resync);
    let mut waits = HashMap::new();
    for n in 0..3000 {
        for edit in 0..30 {
            q.add(&key(&format!("edit{n}-{edit}")), Priority::Change, tenth(n));
        }
        for _ in 0..29 {
            let Some(taken) = q.take(tenth(n)) else { break };
            q.finish(&taken.key, tenth(n));
            waits.insert(taken.key.name.to_string(), taken.waited.as_secs());
        }
    }
    for name in retries.iter().map(|k| &*k.name).chain(["resync"]) {
        assert!(waits.get(name).is_some_and(|waited| *waited <= 30), "{name}: {:?}", waits.get(name));
    }
    assert!(q.depth()[0] >= 1000, "the edits were more than could be handled");
}

#[test]
fn a_crowd_of_one_namespace_or_writer_does_not_delay_another() {
    let mut q = Queue::default();
    let by = |writer: &str| Some(Arc::from(writer));
    for n in 0..5000 {
        q.add_of(&key(&format!("crowd{n}")), by("kubectl"), Priority::Change, at(0));
    }
    take(&mut q, 0);
    q.add_of(&ObjectKey::new("M", "other", "one"), by("kubectl"), Priority::Change, at(1));
    q.add_of(&key("two"), by("argocd"), Priority::Change, at(1));
    let next: Vec<_> = std::iter::from_fn(|| take(&mut q, 1)).take(4).collect();
    assert!(next.iter().any(|name| name == "one") && next.iter().any(|name| name == "two"), "{next:?}");
    let rest: Vec<_> = std::iter::from_fn(|| take(&mut q, 1)).collect();
    assert_eq!(next.len() + rest.len(), 5001);
    assert_eq!(rest.last().map(String::as_str), Some("crowd4999"), "in order of arrival");
}
