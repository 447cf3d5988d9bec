//! The fold of a log of parked events: with examples, and with random logs.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn origin(offset: i64) -> Origin {
    Origin { partition: 0, offset, timestamp: Some(offset) }
}

fn parked(key: &str) -> What {
    What::Parked { first: None, order_key: Some(key.as_bytes().to_vec()) }
}

fn parked_again(first: i64, key: &str) -> What {
    What::Parked { first: Some(first), order_key: Some(key.as_bytes().to_vec()) }
}

fn key(key: &str) -> impl FnOnce() -> Option<Vec<u8>> {
    let key = key.as_bytes().to_vec();
    || Some(key)
}

fn now() -> Instant {
    Instant::now()
}

fn read(records: &[(i64, What)]) -> Log {
    let mut log = Log::from_offset(0);
    for (at, (of, what)) in records.iter().enumerate() {
        log.read(i64::try_from(at).unwrap(), origin(*of), what);
    }
    log
}

#[test]
fn later_events_of_a_key_stay_behind_until_those_before_them_have_ended() {
    let mut log = read(&[(5, parked("a")), (6, parked("a")), (7, parked("b"))]);
    assert_eq!((log.len(), log.read_to()), (3, 3));
    assert_eq!(log.turn(&origin(8), key("a"), now()), Turn::Behind(origin(5)));
    assert_eq!(log.turn(&origin(8), key("c"), now()), Turn::Handle);
    assert_eq!(log.turn(&origin(8), || None, now()), Turn::Handle, "without an order key there is nothing to wait for");
    assert_eq!(log.turn(&origin(6), key("a"), now()), Turn::Nothing, "it was parked before a crash");
    assert_eq!(log.turn_of_replay(&origin(6)), Turn::Behind(origin(5)));
    assert_eq!(log.turn_of_replay(&origin(5)), Turn::Handle);
    log.read(3, origin(5), &What::Ended);
    assert_eq!(log.turn_of_replay(&origin(5)), Turn::Nothing, "it does not run twice");
    assert_eq!(log.turn_of_replay(&origin(6)), Turn::Handle);
    assert_eq!(log.turn(&origin(8), key("a"), now()), Turn::Behind(origin(6)));
    log.read(4, origin(6), &What::Ended);
    assert_eq!(log.turn(&origin(8), key("a"), now()), Turn::Handle);
}

#[test]
fn an_event_of_a_topic_made_anew_is_another_one() {
    let log = read(&[(5, parked("a"))]);
    let anew = Origin { timestamp: Some(99), ..origin(5) };
    assert_eq!(log.turn(&anew, key("b"), now()), Turn::Handle);
    assert_eq!(log.turn(&anew, key("a"), now()), Turn::Behind(origin(5)));
}

#[test]
fn parked_again_it_keeps_its_place() {
    let log =
        read(&[(5, parked("a")), (6, parked("a")), (5, What::Sent { at: 50, from: 0 }), (5, parked_again(0, "a"))]);
    let first = log.get(&origin(5)).unwrap();
    assert_eq!((first.first, first.latest, first.sent), (0, 3, None), "it may be sent once more");
    assert_eq!(log.turn_of_replay(&origin(6)), Turn::Behind(origin(5)));
    let late = read(&[(5, parked("a")), (5, parked_again(0, "a")), (5, What::Sent { at: 50, from: 0 })]);
    assert_eq!(late.get(&origin(5)).unwrap().sent, None, "it failed before it was noted that it was sent");
    let dropped = read(&[(5, parked("a")), (5, What::Ended), (5, parked_again(0, "a"))]);
    assert_eq!(dropped.len(), 0, "it was dropped while it was tried again");
    let mut cut = Log::from_offset(3);
    cut.read(3, origin(5), &parked_again(0, "a"));
    assert_eq!(cut.len(), 1, "retention has deleted the first record");
}

#[test]
fn what_is_stored_counts_before_it_is_read() {
    let mut log = Log::from_offset(0);
    log.stored(1, origin(6), parked("a"));
    assert_eq!(log.turn(&origin(8), key("a"), now()), Turn::Behind(origin(6)));
    log.stored(2, origin(6), What::Ended);
    assert_eq!((log.len(), log.read_to()), (0, 0));
    log.read(0, origin(5), &parked("b"));
    log.read(1, origin(6), &parked("a"));
    assert_eq!(log.len(), 1, "the end of the other one is known");
    log.read(2, origin(6), &What::Ended);
    log.stored(2, origin(6), What::Ended);
    log.stored(1, origin(6), parked("a"));
    assert_eq!((log.len(), log.read_to()), (1, 3), "they were read before");
    assert_eq!(log.events.len(), 1, "nothing is kept of what has ended");
}

#[test]
fn later_events_wait_while_those_of_their_key_are_replayed() {
    let start = now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut log = read(&[(5, parked("a")), (6, parked("a")), (7, parked("b"))]);
    log.replaying(3, b"a", start);
    log.replaying(4, b"c", start);
    assert_eq!(log.turn(&origin(8), key("a"), at(29)), Turn::After(origin(5)));
    assert_eq!(log.turn(&origin(8), key("b"), start), Turn::Behind(origin(7)), "only those of their key");
    assert_eq!(log.turn(&origin(8), key("c"), start), Turn::Handle, "nothing of it was parked");
    log.stored(5, origin(5), What::Ended);
    assert_eq!(log.turn(&origin(8), key("a"), start), Turn::After(origin(6)));

    log.replaying(6, b"a", at(20));
    assert_eq!(log.turn(&origin(8), key("a"), at(30)), Turn::Behind(origin(6)), "not for longer");
    log.replaying(7, b"a", at(31));
    assert_eq!(log.turn(&origin(8), key("a"), at(32)), Turn::After(origin(6)), "in the next round again");
    log.stored(8, origin(6), parked_again(1, "a"));
    assert_eq!(log.turn(&origin(8), key("a"), at(32)), Turn::Behind(origin(6)), "one has failed again");
    log.replaying(9, b"a", at(33));
    log.read(8, origin(6), &parked_again(1, "a"));
    assert_eq!(log.turn(&origin(8), key("a"), at(34)), Turn::After(origin(6)), "that was before");
    log.stored(10, origin(6), What::Ended);
    assert_eq!(log.turn(&origin(8), key("a"), at(34)), Turn::Handle);
    log.stored(11, origin(9), parked("a"));
    assert_eq!(
        log.turn(&origin(10), key("a"), at(34)),
        Turn::Behind(origin(9)),
        "what is parked later is not replayed"
    );
}

#[test]
fn an_event_that_comes_again_after_a_crash_does_not_wait_for_a_later_one() {
    let log = read(&[(5, parked("a")), (7, parked("a"))]);
    assert_eq!(log.turn(&origin(4), key("a"), now()), Turn::Handle);
    assert_eq!(log.turn(&origin(6), key("a"), now()), Turn::Behind(origin(5)));
    let anew = Origin { timestamp: Some(99), ..origin(4) };
    assert_eq!(log.turn(&anew, key("a"), now()), Turn::Behind(origin(5)), "its topic was made anew");
}

#[test]
fn what_was_deleted_is_not_waited_for() {
    let mut log = read(&[(5, parked("a")), (6, parked("a")), (5, parked_again(0, "a")), (7, parked("b"))]);
    log.stored(5, origin(8), parked("c"));
    log.forget_before(2);
    assert_eq!((log.len(), log.turn_of_replay(&origin(5)), log.read_to()), (3, Turn::Handle, 4));
    assert_eq!(log.turn(&origin(6), || None, now()), Turn::Handle);
    log.forget_before(5);
    assert_eq!((log.len(), log.read_to()), (1, 5));
    check(&log, "");
}

fn seed() -> u64 {
    let seed = std::env::var("XOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("XOS_SEED={seed}");
    seed
}

/// A log as no owner would write it: anything may follow anything.
fn random_log(random: &mut StdRng) -> Vec<(Origin, What)> {
    let mut firsts: HashMap<Origin, i64> = HashMap::new();
    let mut records = vec![];
    for offset in 0..random.random_range(1..40) {
        let origin = origin(random.random_range(0..6));
        let key = format!("k{}", origin.offset % 3);
        let what = match random.random_range(0..6) {
            0 | 1 => {
                firsts.insert(origin, offset);
                parked(&key)
            }
            2 => parked_again(firsts.get(&origin).copied().unwrap_or(offset), &key),
            3 => What::Sent { at: 100 + offset, from: random.random_range(0..=offset) },
            _ => What::Ended,
        };
        records.push((origin, what));
    }
    records
}

#[test]
fn records_known_ahead_lead_to_the_same_as_those_read_in_order() {
    let seed = seed();
    for number in 0..3000 {
        let context = format!("XOS_SEED={seed}, log {number}");
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number));
        let records = random_log(&mut random);
        let own: Vec<bool> = records.iter().map(|_| random.random_bool(0.6)).collect();
        let (mut log, mut in_order) = (Log::from_offset(0), Log::from_offset(0));
        let mut stored = 0;
        for (at, (origin, what)) in records.iter().enumerate() {
            while stored < records.len() && random.random_bool(0.5) {
                if own[stored] {
                    log.stored(i64::try_from(stored).unwrap(), records[stored].0, records[stored].1.clone());
                }
                stored += 1;
            }
            let offset = i64::try_from(at).unwrap();
            log.read(offset, *origin, what);
            in_order.read(offset, *origin, what);
            check(&log, &context);
        }
        for of in 0..6 {
            let of = origin(of);
            assert_eq!(log.get(&of), in_order.get(&of), "{context}: {of}");
            assert_eq!(log.turn_of_replay(&of), in_order.turn_of_replay(&of), "{context}: {of}");
        }
        assert_eq!((log.len(), log.read_to()), (in_order.len(), in_order.read_to()), "{context}");
    }
}

/// The index by key is that of the parked events.
fn check(log: &Log, context: &str) {
    let mut by_key: HashMap<Vec<u8>, BTreeSet<(i64, Origin)>> = HashMap::new();
    for (origin, event) in &log.events {
        if let Some(parked) = &event.now {
            by_key.entry(parked.order_key.clone().unwrap()).or_default().insert((parked.first, *origin));
        }
    }
    assert_eq!(log.len(), by_key.values().map(BTreeSet::len).sum::<usize>(), "{context}");
    let its: HashMap<_, _> = log.by_key.iter().map(|(key, queue)| (key.clone(), queue.events.clone())).collect();
    assert_eq!(its, by_key, "{context}");
}
