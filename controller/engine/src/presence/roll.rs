//! Who is present, as one process knows it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// How long a living process may take to answer a call. It takes some milliseconds.
const ANSWERED: Duration = Duration::from_secs(10);
/// After this time those who know of others call again, to notice those who have died.
const AGAIN: Duration = Duration::from_secs(60);

/// What a process does beside others of its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It works. So did every process of earlier versions.
    #[default]
    Works,
    /// It waits until those that work have ended.
    Waits,
    /// It works when it is elected.
    Elected,
}

/// A process, as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The last call that it has answered.
    pub(super) call: String,
    /// The name of its machine or pod.
    pub host: String,
    /// Its number on that machine.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// What it does.
    #[serde(default)]
    pub role: Role,
    /// Where it runs, so that another one at the same place can see whether it still does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.host, self.pid)
    }
}

/// What stands on a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The last call.
    pub(super) call: Option<String>,
    /// The processes that were there, by id.
    pub(super) processes: BTreeMap<String, Process>,
}

/// What a process has to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// A new call, with itself; the entries of these are removed, who did not answer the last one.
    Call(Vec<String>),
    /// Itself, as an answer to this call.
    Answer(String),
    /// That it works, unless the Lease has changed; with the last call that it has answered.
    Claim(String),
}

/// Another process, and whether it has answered the last call.
#[derive(Clone, Debug)]
struct Other {
    process: Process,
    has_answered: bool,
}

/// What one process knows of one Lease.
#[derive(Debug)]
pub(super) struct Roll {
    /// The id of the process that knows.
    me: String,
    /// Whether it has made itself known. Before that, what stands there may be of the dead.
    has_joined: bool,
    /// The last call that it has seen, and when.
    call: Option<(String, Instant)>,
    others: BTreeMap<String, Other>,
    /// Who did not answer the last call.
    silent: BTreeMap<String, Process>,
    /// Those of them who had their time.
    dead: BTreeSet<String>,
    /// Whether it stands there that this process works.
    has_claimed: bool,
}

impl Roll {
    pub(super) fn new(me: &str) -> Self {
        Self {
            me: me.to_owned(),
            has_joined: false,
            call: None,
            others: BTreeMap::new(),
            silent: BTreeMap::new(),
            dead: BTreeSet::new(),
            has_claimed: false,
        }
    }

    /// Takes in what stands on the Lease. Returns what is to be written.
    pub(super) fn see(&mut self, contents: &Contents, now: Instant) -> Option<Write> {
        let call = contents.call.clone().unwrap_or_default();
        let theirs = contents.processes.iter().filter(|(id, _)| **id != self.me);
        let silent = theirs.clone().filter(|(_, one)| one.call != call);
        self.silent = silent.map(|(id, one)| (id.clone(), one.clone())).collect();
        self.dead.retain(|id| self.silent.contains_key(id));
        let mine = contents.processes.get(&self.me);
        self.has_claimed = mine.is_some_and(|mine| mine.role == Role::Works);
        if !self.has_joined {
            self.has_joined = mine.is_some();
            if mine.is_none() {
                return Some(self.call_all());
            }
        }
        if self.call.as_ref().is_none_or(|(known, _)| *known != call) {
            self.call = Some((call.clone(), now));
            self.others.values_mut().for_each(|other| other.has_answered = false);
        }
        self.others.retain(|id, _| contents.processes.contains_key(id));
        for (id, process) in theirs.filter(|(_, one)| one.call == call) {
            self.others.insert(id.clone(), Other { process: process.clone(), has_answered: true });
        }
        match mine {
            Some(mine) if mine.call == call => None,
            _ if call.is_empty() => Some(self.call_all()),
            _ => Some(Write::Answer(call)),
        }
    }

    /// Takes in that the Lease is gone.
    pub(super) fn lose(&mut self) {
        *self = Self::new(&self.me);
    }

    /// Returns when to look again, if ever.
    pub(super) fn due(&self) -> Option<Instant> {
        let (_, called) = self.call.as_ref()?;
        if self.others.values().any(|other| !other.has_answered) || self.unheard().next().is_some() {
            return Some(*called + ANSWERED);
        }
        // One after the other, so that mostly only the first one calls.
        let rank = self.others.range(..self.me.clone()).count();
        let rank = u32::try_from(rank).unwrap_or(u32::MAX);
        (!self.others.is_empty()).then(|| *called + AGAIN.saturating_mul(rank.saturating_add(1)))
    }

    /// Forgets who did not answer in time. Returns what is to be written.
    pub(super) fn look(&mut self, now: Instant) -> Option<Write> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        if self.others.values().any(|other| !other.has_answered) || self.unheard().next().is_some() {
            self.others.retain(|_, other| other.has_answered);
            self.dead.extend(self.silent.keys().cloned());
            return None;
        }
        Some(self.call_all())
    }

    /// Returns those who stand there, have not answered, and still may.
    fn unheard(&self) -> impl Iterator<Item = &Process> {
        self.silent.iter().filter(|(id, _)| !self.dead.contains(*id)).map(|(_, one)| one)
    }

    /// Returns the process after which one of this role has its turn; none if it has it now. What has not answered yet
    /// may live, unless it is known to be `gone`.
    pub(super) fn behind(&self, role: Role, gone: &dyn Fn(&Process) -> bool) -> Option<&Process> {
        let is_before = |one: &&Process| match role {
            Role::Elected => one.role == Role::Works,
            Role::Works | Role::Waits => one.role != Role::Waits,
        };
        self.others().chain(self.unheard()).find(|one| is_before(one) && !gone(one))
    }

    /// Returns whether this process stands there.
    pub(super) fn has_joined(&self) -> bool {
        self.has_joined
    }

    /// Returns whether it stands there that this process works.
    pub(super) fn has_claimed(&self) -> bool {
        self.has_claimed
    }

    /// Returns what is to be written to say so.
    pub(super) fn claim(&self) -> Write {
        Write::Claim(self.call.as_ref().map(|(call, _)| call.clone()).unwrap_or_default())
    }

    /// Returns the other processes that live, as far as is known.
    pub(super) fn others(&self) -> impl Iterator<Item = &Process> {
        self.others.values().map(|other| &other.process)
    }

    fn call_all(&self) -> Write {
        Write::Call(self.silent.keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// A Lease, and processes that see it in whatever order and late.
    struct World {
        contents: Contents,
        version: u64,
        calls: u64,
        now: Instant,
        /// Of each process that lives its roll, and the version that it has seen.
        living: BTreeMap<String, (Roll, u64)>,
        started: u64,
        writes: u64,
    }

    impl World {
        fn new() -> Self {
            let contents = Contents::default();
            let living = BTreeMap::new();
            Self { contents, version: 1, calls: 0, now: Instant::now(), living, started: 0, writes: 0 }
        }

        fn start(&mut self) -> String {
            self.started += 1;
            let id = format!("p{}", self.started);
            self.living.insert(id.clone(), (Roll::new(&id), 0));
            id
        }

        fn write(&mut self, id: &str, write: Write) {
            self.writes += 1;
            self.version += 1;
            let call = match write {
                Write::Answer(call) | Write::Claim(call) => call,
                Write::Call(silent) => {
                    self.calls += 1;
                    self.contents.processes.retain(|id, _| !silent.contains(id));
                    let call = format!("c{}", self.calls);
                    self.contents.call = Some(call.clone());
                    call
                }
            };
            let process = Process { call, ..Process::new(id, 1, Timestamp::UNIX_EPOCH, Role::Waits) };
            self.contents.processes.insert(id.to_owned(), process);
        }

        /// Lets one process see the newest contents.
        fn show(&mut self, id: &str) {
            let (contents, version, now) = (self.contents.clone(), self.version, self.now);
            let Some((roll, seen)) = self.living.get_mut(id) else { return };
            *seen = version;
            if let Some(write) = roll.see(&contents, now) {
                self.write(id, write);
            }
        }

        /// Lets all processes see everything.
        fn settle(&mut self) {
            for _ in 0..1000 {
                let behind = self.living.iter().find(|(_, (_, seen))| *seen < self.version).map(|(id, _)| id.clone());
                let Some(id) = behind else { return };
                self.show(&id);
            }
            panic!("they write for ever: {:?}", self.contents);
        }

        fn pass(&mut self, seconds: u64) {
            for _ in 0..seconds {
                self.now += Duration::from_secs(1);
                for id in self.living.keys().cloned().collect::<Vec<_>>() {
                    let now = self.now;
                    let write = self.living.get_mut(&id).and_then(|(roll, _)| roll.look(now));
                    if let Some(write) = write {
                        self.write(&id, write);
                    }
                    self.settle();
                }
            }
        }

        fn kill(&mut self, id: &str) {
            self.living.remove(id);
        }

        fn leave(&mut self, id: &str) {
            self.kill(id);
            self.version += 1;
            self.contents.processes.remove(id);
            self.settle();
        }

        /// Returns the number of others that each process knows of.
        fn known(&self) -> Vec<usize> {
            self.living.values().map(|(roll, _)| roll.others().count()).collect()
        }
    }

    #[test]
    fn one_process_writes_once_and_a_restart_is_no_alarm() {
        let mut world = World::new();
        let first = world.start();
        world.settle();
        world.pass(3600);
        assert_eq!((world.known(), world.writes), (vec![0], 1));
        world.kill(&first);
        let second = world.start();
        world.settle();
        world.pass(3600);
        assert_eq!((world.known(), world.writes), (vec![0], 2), "the dead one is not believed");
        world.leave(&second);
        world.start();
        world.settle();
        assert_eq!(world.known(), [0]);
    }

    #[test]
    fn both_know_of_each_other_at_once_and_of_the_end() {
        for is_killed in [false, true] {
            let mut world = World::new();
            let first = world.start();
            world.settle();
            let second = world.start();
            world.settle();
            assert_eq!((world.known(), world.writes), (vec![1, 1], 3), "two calls, one answer");
            world.pass(3600);
            assert_eq!(world.known(), [1, 1]);
            assert!(world.writes <= 3 + 2 * 61, "{}", world.writes);
            if is_killed {
                world.kill(&first);
            } else {
                world.leave(&second);
            }
            world.pass(if is_killed { 200 } else { 0 });
            assert_eq!(world.known(), [0], "killed: {is_killed}");
            let writes = world.writes;
            world.pass(3600);
            assert_eq!(world.writes, writes, "nothing is written at rest");
        }
    }

    #[test]
    fn the_living_know_of_each_other_and_of_nobody_else_whatever_happens() {
        let seed = std::env::var("XOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
        for number in 0..300_u64 {
            let seed: u64 = u64::wrapping_add(seed, number);
            let mut random = StdRng::seed_from_u64(seed);
            let mut world = World::new();
            for _ in 0..random.random_range(3..15) {
                let ids: Vec<_> = world.living.keys().cloned().collect();
                let one = ids.get(random.random_range(0..ids.len().max(1))).cloned().unwrap_or_default();
                match random.random_range(0..7) {
                    0 | 1 => drop(world.start()),
                    2 => world.kill(&one),
                    3 if ids.contains(&one) => world.leave(&one),
                    4 => world.pass(random.random_range(1..90)),
                    _ => world.show(&one),
                }
            }
            world.settle();
            world.pass(600);
            let living = world.living.len();
            assert_eq!(world.known(), vec![living.saturating_sub(1); living], "XOS_SEED={seed}");
        }
    }
}
