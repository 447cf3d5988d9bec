use std::time::Duration;

use super::*;
use crate::object::ObjectKey;

const DELAYS: Backoff = Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.0 };

fn key(name: usize) -> ObjectKey {
    ObjectKey::new("M", "n", &name.to_string())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn end(gate: &mut Gate<ObjectKey>, name: usize, ending: Ending<'_>, began: i64, now: i64) -> News {
    gate.ended(("S", &key(name)), ending, (at(began), at(now)), (&DELAYS, 0.5), ABSENCES)
}

fn away(gate: &mut Gate<ObjectKey>, name: usize, now: i64) -> News {
    end(gate, name, Ending::Away("no route"), now, now)
}

fn unreached(gate: &mut Gate<ObjectKey>, name: usize, began: i64, now: i64) -> News {
    end(gate, name, Ending::Unreached("refused"), began, now)
}

#[test]
fn one_word_of_the_step_closes_it_and_any_return_opens_it() {
    let mut gate = Gate::default();
    let News::Closed(outage) = away(&mut gate, 1, 100) else { panic!("{gate:?}") };
    assert_eq!(&*outage.message, "the target of S is away since 1970-01-01T00:01:40Z: no route");
    assert_eq!((gate.outage(), gate.next_probe()), (Some(&outage), Some(at(101))));
    // One that was under way when it closed is no probe.
    assert_eq!(away(&mut gate, 2, 100), News::StillAway(outage.clone()));
    assert_eq!(gate.next_probe(), Some(at(101)));
    assert_eq!(end(&mut gate, 1, Ending::Returned, 101, 102), News::Opened(outage));
    assert_eq!((gate.outage(), gate.next_probe(), gate.outages()), (None, None, 1));
}

#[test]
fn probes_come_one_at_a_time_with_growing_delay() {
    let mut gate = Gate::default();
    away(&mut gate, 1, 0);
    let mut now = 1;
    let mut delays = vec![];
    for name in 0..8 {
        gate.began(&key(name), &DELAYS, at(now));
        assert_eq!(gate.next_probe(), Some(at(now + 30)), "one at a time, unless it hangs");
        away(&mut gate, name, now);
        let next = gate.next_probe().unwrap().as_second();
        delays.push(next - now);
        now = next;
    }
    assert_eq!(delays, [2, 4, 8, 16, 30, 30, 30, 30]);
}

#[test]
fn a_worker_that_called_nothing_leaves_the_probe_to_another() {
    let mut gate = Gate::default();
    away(&mut gate, 1, 0);
    gate.began(&key(1), &DELAYS, at(5));
    gate.left(&key(2), &DELAYS, at(6));
    assert_eq!(gate.next_probe(), Some(at(35)));
    gate.left(&key(1), &DELAYS, at(6));
    assert_eq!(gate.next_probe(), Some(at(7)));
}

#[test]
fn a_target_that_comes_and_goes_is_not_stormed() {
    let mut gate = Gate::default();
    away(&mut gate, 1, 0);
    for name in 0..4 {
        gate.began(&key(name), &DELAYS, at(10));
        away(&mut gate, name, 10);
    }
    end(&mut gate, 1, Ending::Returned, 20, 20);
    away(&mut gate, 2, 21);
    assert_eq!(gate.next_probe(), Some(at(51)), "it goes on with the delays");
    end(&mut gate, 1, Ending::Returned, 51, 51);
    away(&mut gate, 2, 200);
    assert_eq!(gate.next_probe(), Some(at(201)), "a long time later it begins anew");
}

#[test]
fn several_different_objects_in_a_row_that_do_not_reach_it_close_it() {
    let mut gate = Gate::default();
    for _ in 0..20 {
        assert_eq!(unreached(&mut gate, 1, 0, 1), News::None, "one object may have a target of its own");
    }
    for name in 2..ABSENCES {
        assert_eq!(unreached(&mut gate, name, 0, 2), News::None);
    }
    end(&mut gate, 99, Ending::Returned, 3, 3);
    for name in 1..ABSENCES {
        assert_eq!(unreached(&mut gate, name, 4, 4), News::None, "{name}: another was reached in between");
    }
    let News::Closed(outage) = unreached(&mut gate, ABSENCES, 4, 9) else { panic!("{gate:?}") };
    assert_eq!(outage.since, at(4), "since the first of them");
    assert!(matches!(unreached(&mut gate, 50, 4, 9), News::StillAway(_)));
}

#[test]
fn hung_calls_say_nothing_while_others_are_answered() {
    let mut gate = Gate::default();
    end(&mut gate, 0, Ending::Returned, 300, 300);
    for name in 0..300 {
        assert_eq!(unreached(&mut gate, name, 0, 600), News::None);
    }
    for name in 0..ABSENCES - 1 {
        assert_eq!(unreached(&mut gate, name, 301, 901), News::None);
    }
    assert!(matches!(unreached(&mut gate, 7, 301, 901), News::Closed(_)));
}

#[test]
fn what_says_nothing_of_the_target_leaves_the_probe_to_the_next_at_once() {
    let mut gate = Gate::default();
    away(&mut gate, 1, 0);
    gate.began(&key(1), &DELAYS, at(5));
    gate.try_at_once(at(6));
    assert_eq!(gate.next_probe(), Some(at(35)), "one at a time");
    gate.left_at_once(&key(2), at(6));
    assert_eq!(gate.next_probe(), Some(at(35)), "it is not the one that tries");
    gate.left_at_once(&key(1), at(6));
    assert_eq!(gate.next_probe(), Some(at(6)));
    gate.try_at_once(at(1));
    assert_eq!(gate.next_probe(), Some(at(6)), "the step is sure that it is away");
}

#[test]
fn where_there_is_nothing_else_to_try_fewer_absences_are_enough() {
    let mut gate = Gate::default();
    assert!(gate.is_at_rest());
    let call = ("S", &key(1));
    let first = gate.ended(call, Ending::Unreached("refused"), (at(0), at(1)), (&DELAYS, 0.5), 2);
    assert_eq!((first, gate.is_at_rest()), (News::None, false));
    let second = gate.ended(("S", &key(2)), Ending::Unreached("refused"), (at(0), at(2)), (&DELAYS, 0.5), 2);
    assert!(matches!(second, News::Closed(Outage { since, .. }) if since == at(1)));
    gate.try_at_once(at(2));
    assert_eq!(gate.next_probe(), Some(at(2)), "something new may have another target");
    for name in 3..=ABSENCES {
        gate.began(&key(name), &DELAYS, at(3));
        unreached(&mut gate, name, 3, 3);
    }
    gate.try_at_once(at(3));
    assert!(gate.next_probe() > Some(at(3)), "now enough have tried");
}
