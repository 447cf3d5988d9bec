//! Random histories, and what holds in each of them.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt as _;

use super::{KEYS, LITTLE, MUCH, World, key_of};
use crate::kafka::tracker::Limits;

impl World {
    fn live(&mut self, crashes: bool) {
        match self.random.random_range(0..40) {
            0..=6 => {
                let fails = self.random.random_bool(0.2);
                self.produce(fails);
            }
            7..=10 => {
                let most = self.random.random_range(1..8);
                self.fetch(most);
            }
            11..=17 => {
                let most = self.random.random_range(1..4);
                self.take(most);
            }
            18..=24 => self.end(),
            25..=28 => self.follow(false),
            29..=34 => self.replay(),
            35 => self.commit(),
            36 => {
                let most = if self.random.random_bool(0.1) { 40 } else { 4 };
                self.now += Duration::from_secs(self.random.random_range(0..most));
            }
            37 if !self.records.is_empty() && self.random.random_bool(0.2) => self.drop_one(),
            38 if !self.fails.is_empty() && self.random.random_bool(0.5) => {
                self.fails.pop_first();
            }
            39 if crashes && self.random.random_bool(0.5) => self.crash(),
            39 if crashes => self.leave(),
            _ => self.late_one(),
        }
    }

    /// The owner does all that it can do now, without any time passing.
    fn work(&mut self, most: usize) {
        self.follow(true);
        self.fetch(most);
        self.take(most);
        while !self.owner.started.is_empty() {
            self.end();
        }
        self.commit();
    }

    /// Everything is mended, and replayed until nothing is parked.
    fn settle(&mut self) {
        self.fails.clear();
        self.records.append(&mut self.late);
        for _ in 0..2000 {
            self.work(16);
            self.now += Duration::from_secs(1);
            if self.committed < self.partition.len() {
                continue;
            }
            self.follow(true);
            if self.owner.log.len() == 0 {
                return;
            }
            if self.operators.is_empty() {
                // What was sent, and is still parked, was lost on its way.
                self.begin_replay(self.records.len(), true, usize::MAX);
                continue;
            }
            self.operate(0);
            self.operators.retain(|operator| !operator.to_do.is_empty());
        }
        panic!("it does not come to an end");
    }

    /// Returns what was handled of each key.
    fn by_key(&self) -> Vec<Vec<usize>> {
        let of = |key| self.handled.iter().copied().filter(|number| key_of(*number) == key).collect();
        (0..KEYS).map(of).collect()
    }
}

fn seed() -> u64 {
    let seed = std::env::var("XOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("XOS_SEED={seed}");
    seed
}

/// Says which history it was, if it fails.
struct History {
    seed: u64,
    number: u64,
}

impl Drop for History {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("XOS_SEED={}, history {}", self.seed, self.number);
        }
    }
}

/// Runs so many random histories.
fn histories(count: u64, limits: Limits, run: impl Fn(World)) {
    let seed = seed();
    for number in 0..count {
        let history = History { seed, number };
        run(World::new(limits, seed.wrapping_add(number)));
        drop(history);
    }
}

/// Runs a history to its end.
fn live(world: &mut World, crashes: bool) {
    for _ in 0..world.random.random_range(1..600) {
        world.live(crashes);
    }
    world.settle();
    let handled: BTreeSet<_> = world.handled.iter().copied().collect();
    for number in 0..world.produced {
        assert!(handled.contains(&number) || world.dropped.contains(&number), "{number} is lost");
    }
}

#[test]
fn events_of_a_key_are_handled_in_order_and_once_whatever_is_parked_replayed_and_dropped() {
    histories(2000, LITTLE, |mut world| {
        live(&mut world, false);
        for handled in world.by_key() {
            assert!(handled.is_sorted_by(|a, b| a < b), "{handled:?}");
        }
    });
}

#[test]
fn after_crashes_nothing_is_lost_none_comes_too_early_and_the_newest_event_of_a_key_is_the_last_one_handled() {
    histories(2000, LITTLE, |mut world| {
        live(&mut world, true);
        for mut handled in world.by_key() {
            handled.retain(|number| !world.dropped.contains(number));
            assert_eq!(handled.last(), handled.iter().max(), "{handled:?}");
            let mut seen = world.dropped.clone();
            for &number in &handled {
                let missing = (key_of(number)..number).step_by(KEYS).find(|before| !seen.contains(before));
                assert_eq!(missing, None, "not before {number}: {handled:?}");
                seen.insert(number);
            }
        }
    });
}

/// The owner handles about three events while one comes.
fn flow(world: &mut World) {
    world.produce(false);
    world.now += Duration::from_millis(10);
    world.follow(false);
    world.fetch(8);
    world.take(4);
    (0..3).for_each(|_| world.end());
    world.commit();
}

#[test]
fn a_replay_comes_to_an_end_while_events_of_its_key_come_without_pause() {
    histories(200, MUCH, |mut world| {
        world.produce(true);
        while world.owner.log.len() == 0 {
            flow(&mut world);
        }
        for _ in 0..world.random.random_range(10..300) {
            flow(&mut world);
        }
        world.fails.clear();
        world.begin_replay(world.records.len(), false, usize::MAX);
        let mut steps = 0;
        while let Some(operator) = world.operators.first() {
            // It sends quickly, and looks at the outcome now and then.
            let (quick, slow) = if operator.to_do.is_empty() { (1, 30) } else { (8, 1) };
            for _ in 0..quick.min(operator.to_do.len().max(1)) {
                world.operate(0);
            }
            (0..slow).for_each(|_| flow(&mut world));
            steps += slow;
            assert!(steps < 3000, "it does not come to an end");
        }
        (0..100).for_each(|_| flow(&mut world));
        assert_eq!(world.parked(world.records.len()), [], "nothing is parked any more");
        for handled in world.by_key() {
            assert!(handled.is_sorted_by(|a, b| a < b), "{handled:?}");
        }
    });
}
