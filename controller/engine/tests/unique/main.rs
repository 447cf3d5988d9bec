//! However objects of one key are created, edited and deleted, with failing steps, late watches and crashes in between:
//! in the end each key has one object, the others say that it has, and the backend has the one's entry and no other's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use world::{World, key};
use xos_model::accept::{NOT_UNIQUE, is_lost};
use xos_model::condition::{ACCEPTED, find};
use xos_model::{Object, ObjectKey};

const STORIES: u64 = 150;
/// Long enough for all delays after failures.
const DONE: Duration = Duration::from_secs(3000);

fn seed() -> u64 {
    let seed = std::env::var("XOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("XOS_SEED={seed}");
    seed
}

fn thing(name: &str, serial: &str) -> Object {
    let mut o = Object::named("Thing", "default", name);
    o.set("serial", json!(serial));
    o
}

fn is_done(o: &Object) -> bool {
    o.status.of("me").is_some_and(|own| own.sync.handled.is_some())
}

/// Checks what must hold when there is nothing left to do.
fn check(world: &World, context: &str) {
    let mut by_serial: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for o in world.api.objects() {
        by_serial.entry(o.text("serial").unwrap().to_owned()).or_default().push(o);
    }
    let backend = world.backend.content();
    for (serial, all) in &by_serial {
        let (losers, winners): (Vec<_>, Vec<_>) = all.iter().partition(|o| is_lost(o));
        let [winner] = winners[..] else { panic!("{context}: {serial}: {} have it: {all:#?}", winners.len()) };
        assert!(is_done(winner), "{context}: {winner:#?}");
        let owner = backend.get(serial).map(|(owner, _)| owner.as_str());
        let calls = world.backend.calls();
        assert_eq!(owner, Some(winner.meta.uid.as_str()), "{context}: {serial} of {}: {calls:#?}", winner.meta.name);
        for loser in losers {
            let accepted = find(&loser.status.conditions, ACCEPTED).unwrap();
            assert_eq!(accepted.reason, NOT_UNIQUE);
            let named = format!("Thing {} has serial", winner.meta.name);
            assert!(accepted.message.starts_with(&named), "{context}: {}", accepted.message);
        }
    }
    // What was tried with another key and then edited stays as it was, also if nobody could record the attempt.
    for (serial, (owner, _)) in &backend {
        let there = world.api.objects().into_iter().find(|o| o.meta.uid == *owner);
        let is_right = |o: Object| is_lost(&o) != (o.text("serial") == Some(serial.as_str()));
        assert!(there.is_some_and(is_right), "{context}: {serial} of {owner} is in the backend: {backend:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_has_one_object_in_the_end() {
    let seed = seed();
    for number in 0..STORIES {
        let context = format!("XOS_SEED={}", seed.wrapping_add(number));
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number));
        let mut world = World::new(random.random());
        world.start();
        let name = |random: &mut StdRng| format!("t{}", random.random_range(0..6));
        let serial = |random: &mut StdRng| format!("s{}", random.random_range(0..3));
        for _ in 0..random.random_range(4..25) {
            let one: ObjectKey = key(&name(&mut random));
            let serial = serial(&mut random);
            match random.random_range(0..10) {
                0 => _ = world.api.remove(&one),
                1 => world.start(),
                _ => _ = world.api.apply(&thing(&one.name, &serial)),
            }
            if random.random_bool(0.5) {
                tokio::time::sleep(Duration::from_millis(random.random_range(0..3000))).await;
            }
        }
        tokio::time::sleep(DONE).await;
        check(&world, &context);
        let writes = world.api.take_changes().len();
        tokio::time::sleep(DONE).await;
        assert_eq!(world.api.take_changes().len(), 0, "{context}: nothing is written at rest, after {writes}");
        world.start();
        tokio::time::sleep(DONE).await;
        check(&world, &format!("{context}, started again"));
    }
}

#[tokio::test(start_paused = true)]
async fn of_pairs_that_come_at_once_one_is_tried_and_the_next_one_follows_it() {
    let mut world = World::new(1).reliable();
    world.start();
    for at in 0..30 {
        for twin in ["b", "a"] {
            world.api.apply(&thing(&format!("{twin}{at}"), &format!("s{at}"))).unwrap();
        }
    }
    tokio::time::sleep(DONE).await;
    check(&world, "pairs");
    assert_eq!(world.backend.calls().len(), 30, "the others were never tried: {:?}", world.backend.calls());
    let winners: Vec<_> = world.api.objects().into_iter().filter(|o| !is_lost(o)).collect();
    for winner in &winners {
        world.api.remove(&winner.key());
    }
    tokio::time::sleep(DONE).await;
    check(&world, "the others");
    assert_eq!(world.api.objects().len(), 30);
    assert_eq!(world.backend.calls().len(), 90);
}

/// Both were accepted by an earlier version.
#[tokio::test(start_paused = true)]
async fn of_two_that_were_both_handled_one_is_taken_out_and_the_other_put_in_again() {
    for holds_long in [false, true] {
        let mut world = World::new(1).reliable();
        for (name, serial) in [("a", "sa"), ("b", "sb")] {
            world.api.apply(&thing(name, serial)).unwrap();
        }
        world.start();
        tokio::time::sleep(DONE).await;
        world.kill();
        for name in ["a", "b"] {
            let mut o = world.api.get(&key(name)).unwrap();
            o.set("serial", json!("s"));
            let own = &mut o.status.of_mut("me").sync;
            (own.handled, own.attempted) = (Some(o.intent.clone()), Some(o.intent.clone()));
            world.api.put(o);
        }
        world.backend.put("s", &world.api.get(&key("b")).unwrap());
        world.start();
        tokio::time::sleep(if holds_long { DONE } else { Duration::from_millis(1) }).await;
        // A crash in the middle changes nothing in the end.
        world.start();
        tokio::time::sleep(DONE).await;
        check(&world, "two");
        assert!(!is_lost(&world.api.get(&key("a")).unwrap()), "the older one keeps it");
        let calls = world.backend.calls();
        assert_eq!(calls.last().unwrap(), "sync a", "{calls:?}");
        assert!(calls.contains(&"delete b".to_owned()), "{calls:?}");
        world.api.remove(&key("b"));
        tokio::time::sleep(DONE).await;
        assert_eq!(world.backend.calls(), calls, "it is not in the backend any more");
        check(&world, "one");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_to_a_key_that_another_one_has_takes_nothing_out() {
    let mut world = World::new(1).reliable();
    world.start();
    for name in ["a", "b", "c"] {
        world.api.apply(&thing(name, &format!("of-{name}"))).unwrap();
        tokio::time::sleep(DONE).await;
    }
    for name in ["a", "b"] {
        world.api.apply(&thing(name, "of-c")).unwrap();
    }
    tokio::time::sleep(DONE).await;
    let serials: Vec<_> = world.backend.content().into_keys().collect();
    assert_eq!(serials, ["of-a", "of-b", "of-c"], "they stay as they were handled");
    assert!(["a", "b"].iter().all(|name| is_lost(&world.api.get(&key(name)).unwrap())), "though they are older");
    // An edit of the one that has the key does not lose it.
    world.api.edit(&key("c"), |o| o.set("note", json!("new"))).unwrap();
    tokio::time::sleep(DONE).await;
    assert!(!is_lost(&world.api.get(&key("c")).unwrap()));
    world.api.apply(&thing("c", "elsewhere")).unwrap();
    tokio::time::sleep(DONE).await;
    check(&world, "after c has gone elsewhere");
    let serials: Vec<_> = world.backend.content().into_keys().collect();
    assert_eq!(serials, ["elsewhere", "of-b", "of-c"], "the older one has it now");
    assert!(!world.backend.calls().iter().any(|call| call.starts_with("delete")));
}

/// Nobody could record the attempt, and the edit hides it.
#[tokio::test(start_paused = true)]
async fn what_a_killed_attempt_left_under_another_key_goes_with_its_object() {
    let mut world = World::new(1).reliable();
    world.start();
    world.api.apply(&thing("b", "s")).unwrap();
    tokio::time::sleep(DONE).await;
    world.kill();
    // Created while nobody looked, with its finalizer, as an admission policy sets it.
    let mut created = thing("a", "of-a");
    created.meta.finalizers.push("sync.xos.opencord.org/me".to_owned());
    let tried = world.api.apply(&created).unwrap();
    world.backend.put("of-a", &tried);
    world.api.apply(&thing("a", "s")).unwrap();
    for _ in 0..2 {
        world.start();
        tokio::time::sleep(DONE).await;
    }
    assert!(is_lost(&world.api.get(&key("a")).unwrap()));
    world.api.remove(&key("a"));
    tokio::time::sleep(DONE).await;
    assert_eq!(world.backend.content().into_keys().collect::<Vec<_>>(), ["s"], "{:?}", world.backend.calls());
    check(&world, "one");
}
