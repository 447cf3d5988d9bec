//! The rule of the order of parked events, in random histories: owners of a partition that crash, whose last record may
//! arrive late, and who read the log late; steps that fail at some events; two operators who replay and drop, from what
//! they saw a while ago.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

const KEYS: usize = 3;

/// A message in the partition.
#[derive(Clone)]
struct Message {
    number: usize,
    /// Which parked event it replays.
    replay: Option<Origin>,
}

/// The owner of the partition.
#[derive(Default)]
struct Owner {
    log: Log,
    fetched: usize,
    queues: BTreeMap<usize, VecDeque<usize>>,
    done: BTreeSet<usize>,
}

struct World {
    random: StdRng,
    partition: Vec<Message>,
    committed: usize,
    records: Vec<(Origin, What)>,
    owner: Owner,
    /// A record of an owner that has crashed, which is still under way.
    late: Option<(Origin, What)>,
    fails: BTreeSet<usize>,
    handled: Vec<usize>,
    dropped: BTreeSet<usize>,
    produced: usize,
}

fn key_of(number: usize) -> usize {
    number % KEYS
}

fn bytes(key: usize) -> Vec<u8> {
    vec![u8::try_from(key).unwrap()]
}

fn int(at: usize) -> i64 {
    i64::try_from(at).unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            partition: vec![],
            committed: 0,
            records: vec![],
            owner: Owner::default(),
            late: None,
            fails: BTreeSet::new(),
            handled: vec![],
            dropped: BTreeSet::new(),
            produced: 0,
        }
    }

    fn produce(&mut self) {
        if self.random.random_bool(0.3) {
            self.fails.insert(self.produced);
        }
        self.partition.push(Message { number: self.produced, replay: None });
        self.produced += 1;
    }

    /// The owner stores a record, and knows of it.
    fn store(&mut self, origin: Origin, what: What) {
        self.owner.log.stored(int(self.records.len()), origin, what.clone());
        self.records.push((origin, what));
    }

    /// The owner reads some more of the log, or all of it.
    fn follow(&mut self, all: bool) {
        self.read(all, true);
    }

    fn read(&mut self, all: bool, is_live: bool) {
        while self.owner.log.read_to() < int(self.records.len()) && (all || self.random.random_bool(0.7)) {
            let at = self.owner.log.read_to();
            let (origin, what) = self.records[usize::try_from(at).unwrap()].clone();
            let was_parked = self.owner.log.get(&origin).is_some();
            self.owner.log.read(at, origin, &what);
            let offset = usize::try_from(origin.offset).unwrap();
            let is_done = offset < self.committed || self.owner.done.contains(&offset);
            // By an owner that was gone: the event was handled here before.
            if is_live && !was_parked && is_done && self.owner.log.get(&origin).is_some() {
                self.store(origin, What::Ended);
            }
        }
    }

    /// The owner takes the next event of one of the keys.
    fn step(&mut self) {
        if self.owner.fetched < self.partition.len() {
            let at = self.owner.fetched;
            self.owner.queues.entry(key_of(self.partition[at].number)).or_default().push_back(at);
            self.owner.fetched += 1;
        }
        let waiting: Vec<_> =
            self.owner.queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(k, _)| *k).collect();
        if waiting.is_empty() {
            return;
        }
        let key = waiting[self.random.random_range(0..waiting.len())];
        let at = self.owner.queues.get_mut(&key).and_then(VecDeque::pop_front).unwrap();
        self.handle(at, key);
        self.owner.done.insert(at);
        while self.owner.done.remove(&self.committed) {
            self.committed += 1;
        }
    }

    fn handle(&mut self, at: usize, key: usize) {
        let Message { number, replay } = self.partition[at].clone();
        let origin = replay.unwrap_or(origin(int(at)));
        let turn = match replay {
            Some(origin) => self.owner.log.turn_of_replay(&origin),
            None => self.owner.log.turn(&origin, || Some(bytes(key))),
        };
        let first = self.owner.log.get(&origin).map(|parked| parked.first);
        let park = What::Parked { first, order_key: Some(bytes(key)) };
        match turn {
            Turn::Nothing => {}
            Turn::Handle if !self.fails.contains(&number) => {
                self.handled.push(number);
                if self.owner.log.get(&origin).is_some() {
                    self.store(origin, What::Ended);
                }
            }
            Turn::Handle | Turn::Behind(_) => self.store(origin, park),
        }
    }

    /// The owner is gone, and another one starts from what was committed. What was under way may arrive later.
    fn crash(&mut self) {
        // It may have read too little of the log, but not of what an owner before it has left.
        self.follow(true);
        let committed = self.committed;
        if let Some(message) = self.partition.get(committed)
            && message.replay.is_none()
            && self.random.random_bool(0.3)
        {
            let what = What::Parked { first: None, order_key: Some(bytes(key_of(message.number))) };
            self.late = Some((origin(int(committed)), what));
        }
        self.owner = Owner { log: Log::from_offset(0), fetched: committed, ..Owner::default() };
        self.read(true, false);
    }

    /// An operator, who saw the log up to some record, sends parked events again, oldest first.
    fn replay(&mut self, seen: usize) {
        let mut log = Log::from_offset(0);
        for (at, (origin, what)) in self.records[..seen].iter().enumerate() {
            log.read(int(at), *origin, what);
        }
        for key in 0..KEYS {
            let queue: Vec<_> = log.by_key.get(&bytes(key)).into_iter().flatten().map(|(_, origin)| *origin).collect();
            for origin in queue {
                let Parked { latest, sent, .. } = log.get(&origin).unwrap().clone();
                if sent.is_some() {
                    continue;
                }
                let number = self.partition[usize::try_from(origin.offset).unwrap()].number;
                self.partition.push(Message { number, replay: Some(origin) });
                // Sometimes the operator's program ends before it has noted that.
                if self.random.random_bool(0.9) {
                    self.records.push((origin, What::Sent { at: int(self.partition.len() - 1), from: latest }));
                }
            }
        }
    }

    fn drop_one(&mut self) {
        let at = self.random.random_range(0..self.records.len());
        let origin = self.records[at].0;
        self.dropped.insert(self.partition[usize::try_from(origin.offset).unwrap()].number);
        self.records.push((origin, What::Ended));
    }

    fn live(&mut self, crashes: bool) {
        match self.random.random_range(0..20) {
            0..=3 => self.produce(),
            4..=12 => self.step(),
            13..=15 => self.follow(false),
            16 if crashes => self.crash(),
            17 => {
                let seen = self.random.random_range(0..=self.records.len());
                self.replay(seen);
            }
            18 if !self.records.is_empty() && self.random.random_bool(0.3) => self.drop_one(),
            19 if !self.fails.is_empty() && self.random.random_bool(0.3) => {
                self.fails.pop_first();
            }
            _ => {
                if let Some((origin, what)) = self.late.take() {
                    self.records.push((origin, what));
                }
            }
        }
    }

    /// Everything is mended, and replayed until nothing is parked.
    fn settle(&mut self, context: &str) {
        self.fails.clear();
        self.records.extend(self.late.take());
        for _ in 0..200 {
            while self.committed < self.partition.len() {
                self.follow(true);
                self.step();
            }
            self.follow(true);
            if self.owner.log.len() == 0 {
                return;
            }
            // What was sent, and is still parked, was lost on its way: as by `--again`.
            let lost: Vec<_> = self.owner.log.events.keys().copied().collect();
            for origin in lost {
                let Parked { first, order_key, .. } = self.owner.log.get(&origin).unwrap().clone();
                self.store(origin, What::Parked { first: Some(first), order_key });
            }
            self.replay(self.records.len());
        }
        panic!("{context}: it does not come to an end");
    }
}

/// Runs a history, and returns what was handled of each key.
fn history(seed: u64, crashes: bool, context: &str) -> Vec<Vec<usize>> {
    let mut world = World::new(seed);
    for _ in 0..world.random.random_range(1..300) {
        world.live(crashes);
    }
    world.settle(context);
    let handled: BTreeSet<_> = world.handled.iter().copied().collect();
    for number in 0..world.produced {
        assert!(handled.contains(&number) || world.dropped.contains(&number), "{context}: {number} is lost");
    }
    let of = |key| world.handled.iter().copied().filter(|number| key_of(*number) == key).collect();
    (0..KEYS).map(of).collect()
}

#[test]
fn events_of_a_key_are_handled_in_order_and_once_whatever_is_parked_replayed_and_dropped() {
    let seed = seed();
    for number in 0..2000 {
        let context = format!("XOS_SEED={seed}, history {number}");
        for handled in history(seed.wrapping_add(number), false, &context) {
            assert!(handled.is_sorted_by(|a, b| a < b), "{context}: {handled:?}");
        }
    }
}

#[test]
fn after_crashes_nothing_is_lost_and_the_newest_event_of_a_key_is_the_last_one_handled() {
    let seed = seed();
    for number in 0..2000 {
        let context = format!("XOS_SEED={seed}, history {number}");
        for handled in history(seed.wrapping_add(number), true, &context) {
            assert_eq!(handled.last(), handled.iter().max(), "{context}: {handled:?}");
        }
    }
}
