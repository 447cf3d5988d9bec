//! The rule of the order of parked events, in random histories of the real log, tracker and rounds: owners of a partition
//! that crash or give it away, whose last records may arrive late, and who read the log late; steps that fail at some
//! events; operators who replay and drop, from what they saw a while ago, and whose programs may end at any point.

mod histories;
mod operators;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use xos_model::Backoff;
use xos_steps::BusEvent;

use crate::kafka::topic_partition::TopicPartition;
use crate::kafka::tracker::{Limits, PartitionTracker, Received, Task};
use crate::parked::Origin;
use crate::parked::log::{Log, Turn};
use crate::parked::record::What;
use operators::Operator;

const KEYS: usize = 3;
/// Little enough that it is used up now and then.
const LITTLE: Limits = Limits { high: 60, low: 30, high_bytes: 100_000, stuck: 40, stuck_bytes: 100_000 };
const MUCH: Limits = Limits { high: 1000, low: 500, stuck: 1000, ..LITTLE };
const PROBES: Backoff = Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(1), jitter: 0.0 };
const SOON: Duration = Duration::from_millis(250);

/// A message in the partition.
#[derive(Clone)]
struct Message {
    number: usize,
    /// Which parked event it replays.
    replay: Option<Origin>,
}

/// What is being done with an event.
enum Doing {
    /// The step is called.
    Calling,
    /// A record is under way.
    Storing(What),
}

/// The owner of the partition.
struct Owner {
    log: Log,
    tracker: PartitionTracker,
    assignment: u64,
    fetched: usize,
    started: Vec<(Task, Doing)>,
}

impl Owner {
    fn new(limits: Limits, fetched: usize) -> Self {
        let mut tracker = PartitionTracker::new(limits, PROBES);
        let assignment = tracker.assign(&partition());
        Self { log: Log::from_offset(0), tracker, assignment, fetched, started: vec![] }
    }
}

struct World {
    random: StdRng,
    limits: Limits,
    now: Instant,
    partition: Vec<Message>,
    committed: usize,
    records: Vec<(Origin, What)>,
    owner: Owner,
    /// Records of an owner that has crashed, which are still under way.
    late: Vec<(Origin, What)>,
    operators: Vec<Operator>,
    fails: BTreeSet<usize>,
    handled: Vec<usize>,
    dropped: BTreeSet<usize>,
    produced: usize,
}

fn partition() -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: 0 }
}

fn origin(offset: usize) -> Origin {
    Origin { partition: 0, offset: int(offset), timestamp: None }
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

fn at(offset: i64) -> usize {
    usize::try_from(offset).unwrap()
}

impl World {
    fn new(limits: Limits, seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            limits,
            now: Instant::now(),
            partition: vec![],
            committed: 0,
            records: vec![],
            owner: Owner::new(limits, 0),
            late: vec![],
            operators: vec![],
            fails: BTreeSet::new(),
            handled: vec![],
            dropped: BTreeSet::new(),
            produced: 0,
        }
    }

    fn produce(&mut self, fails: bool) {
        if fails {
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
        while self.owner.log.read_to() < int(self.records.len()) && (all || self.random.random_bool(0.7)) {
            let offset = self.owner.log.read_to();
            let (origin, what) = self.records[at(offset)].clone();
            let log = &mut self.owner.log;
            let was_parked = log.get(&origin).is_some();
            log.read(offset, origin, &what);
            if let What::Replaying { order_key } = &what {
                log.replaying(offset, order_key, self.now);
            }
            let is_done = self.owner.tracker.is_done(self.owner.assignment, origin.offset);
            let is_first = matches!(what, What::Parked { first: None, .. });
            // By an owner that was gone: the event was handled here before.
            if is_first && !was_parked && is_done && log.get(&origin).is_some() {
                self.store(origin, What::Ended);
            }
        }
    }

    /// The owner fetches some messages.
    fn fetch(&mut self, most: usize) {
        let to = self.partition.len().min(self.owner.fetched + most);
        while self.owner.fetched < to && !self.owner.tracker.is_full(&partition()) {
            let offset = self.owner.fetched;
            let Message { number, replay } = self.partition[offset].clone();
            let received = Received {
                assignment: self.owner.assignment,
                order_key: u64::try_from(key_of(number)).ok(),
                event: Arc::new(BusEvent { offset: int(offset), ..BusEvent::new("t", "") }),
                park_reason: None,
                replayed: replay.map(|origin| origin.offset),
            };
            assert!(self.owner.tracker.accept(received).is_ok());
            self.owner.fetched += 1;
        }
    }

    /// Returns the message of an event, which event it is, and the offset at which that was parked first.
    fn look_up(&self, task: &Task) -> (Message, Origin, Option<i64>) {
        let message = self.partition[at(task.event.offset)].clone();
        let origin = message.replay.unwrap_or(origin(at(task.event.offset)));
        let first = self.owner.log.get(&origin).map(|parked| parked.first);
        (message, origin, first)
    }

    /// The owner takes some events.
    fn take(&mut self, most: usize) {
        for task in self.owner.tracker.take(self.now, most) {
            let (message, origin, first) = self.look_up(&task);
            let key = bytes(key_of(message.number));
            let turn = match message.replay {
                Some(origin) => self.owner.log.turn_of_replay(&origin),
                None => self.owner.log.turn(&origin, || Some(key.clone()), self.now),
            };
            match turn {
                Turn::Nothing => self.owner.tracker.complete(&task, false),
                Turn::Handle => self.call(task, message.number),
                Turn::After(_) if !self.owner.tracker.is_crowded(self.owner.assignment) => {
                    self.owner.tracker.wait_for_replays(task, self.now + SOON);
                }
                Turn::After(_) | Turn::Behind(_) => {
                    let what = What::Parked { first, order_key: Some(key) };
                    self.owner.started.push((task, Doing::Storing(what)));
                }
            }
        }
    }

    fn call(&mut self, task: Task, number: usize) {
        for (other, doing) in &self.owner.started {
            let other = self.partition[at(other.event.offset)].number;
            let is_called = matches!(doing, Doing::Calling) && key_of(other) == key_of(number);
            assert!(!is_called, "{number} is handled beside {other}");
        }
        self.owner.started.push((task, Doing::Calling));
    }

    /// Something ends that the owner has begun.
    fn end(&mut self) {
        if self.owner.started.is_empty() {
            return;
        }
        let one = self.random.random_range(0..self.owner.started.len());
        let (task, doing) = self.owner.started.swap_remove(one);
        let (message, origin, first) = self.look_up(&task);
        match doing {
            Doing::Storing(what) => {
                let is_end = what == What::Ended;
                self.store(origin, what);
                self.owner.tracker.complete(&task, is_end);
            }
            Doing::Calling if !self.fails.contains(&message.number) => {
                self.handled.push(message.number);
                if first.is_some() {
                    self.owner.started.push((task, Doing::Storing(What::Ended)));
                } else {
                    self.owner.tracker.complete(&task, true);
                }
            }
            Doing::Calling if self.random.random_bool(0.5) => {
                self.owner.tracker.retry(task, self.now + Duration::from_secs(1));
            }
            // It was parked by another owner, which was gone; or dropped while it was replayed.
            Doing::Calling if first.is_some() != message.replay.is_some() => self.owner.tracker.complete(&task, false),
            Doing::Calling => {
                let order_key = Some(bytes(key_of(message.number)));
                self.owner.started.push((task, Doing::Storing(What::Parked { first, order_key })));
            }
        }
    }

    fn commit(&mut self) {
        for commit in self.owner.tracker.take_offsets_to_commit() {
            self.committed = at(commit.offset);
        }
    }

    /// The owner gives the partition away.
    fn leave(&mut self) {
        while !self.owner.started.is_empty() {
            self.end();
        }
        self.commit();
        self.replace();
    }

    /// The owner is gone. What was under way may arrive later.
    fn crash(&mut self) {
        // It may have read too little of the log, but not of what an owner before it has left.
        self.records.append(&mut self.late);
        self.follow(true);
        for (task, doing) in std::mem::take(&mut self.owner.started) {
            if let Doing::Storing(what) = doing
                && self.random.random_bool(0.5)
            {
                self.late.push((self.look_up(&task).1, what));
            }
        }
        self.replace();
    }

    /// Another owner starts from what was committed.
    fn replace(&mut self) {
        self.owner = Owner::new(self.limits, self.committed);
        for (offset, (origin, what)) in self.records.iter().enumerate() {
            self.owner.log.read(int(offset), *origin, what);
        }
    }

    fn late_one(&mut self) {
        if !self.late.is_empty() {
            self.records.push(self.late.remove(0));
        }
    }
}
