//! Tells whether another process of the same synchronizer's name works on the same objects, and who waits for whom.
//!
//! Two that work at once overwrite each other's status and run every step twice. So each makes itself known on a Lease
//! `xos-<name>` in the namespace that it works in, when it starts; those who live answer once. So both know, a dead
//! one's entry counts for nothing, and at rest nothing is written. Only while there are two do they call again each
//! minute, to notice the end of the other.
//!
//! A process waits as long as another one lives that works ([`Standing`]). That it works itself it claims with a write
//! that is refused if the Lease has changed, so no two begin at once. It is a lock without a deadline: one that is
//! stopped and wakes up later goes on. Where that matters, processes elect a leader ([`crate::leader`]); those only
//! wait for processes that take no part in the election.

mod lease;
mod local;
mod roll;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::{Client, ResourceExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::watch::WatchLimits;
use crate::watch::source::{Shown, Sink, Source};

use roll::{Contents, Roll, Write};
pub use roll::{Process, Role};

/// How many changes of Leases wait to be taken in.
const WAITING: usize = 16;

/// Whether it is this process' turn to work, or to stand for election.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// That is not known yet.
    #[default]
    Unknown,
    /// It is, or nobody can know.
    First,
    /// It is not: this one works.
    Behind(Process),
}

/// The other processes of the same name that work, for monitoring. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Others(Arc<Mutex<Vec<Process>>>);

impl Others {
    /// Returns all others that are known now.
    pub fn all(&self) -> Vec<Process> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// For tests.
impl FromIterator<Process> for Others {
    fn from_iter<I: IntoIterator<Item = Process>>(all: I) -> Self {
        Self(Arc::new(Mutex::new(all.into_iter().collect())))
    }
}

impl Process {
    /// Returns a process that presents itself.
    pub fn new(host: &str, pid: u32, since: Timestamp, role: Role) -> Self {
        Self { call: String::new(), host: host.to_owned(), pid, since, role, place: None }
    }

    /// Returns this process.
    pub fn this(host: &str, since: Timestamp, role: Role) -> Self {
        Self { place: local::place(), ..Self::new(host, std::process::id(), since, role) }
    }

    fn who(&self) -> (&str, u32, Timestamp) {
        (&self.host, self.pid, self.since)
    }
}

/// A process that makes itself known.
pub struct Presence {
    client: Client,
    synchronizer: String,
    /// Where it works; everywhere, if there are none.
    namespaces: Vec<String>,
    limits: WatchLimits,
    id: String,
    process: Process,
    rolls: BTreeMap<String, Roll>,
    /// The newest known version of each Lease: our own writes are known before the watch shows what was before them.
    versions: BTreeMap<String, u64>,
    /// What stands on each Lease, as it was seen last.
    contents: BTreeMap<String, Contents>,
    /// The namespaces in which this process cannot make itself known.
    unseen: BTreeSet<String>,
    /// When a write that had no answer is tried again.
    again: Option<Instant>,
    others: Others,
    standing: watch::Sender<Standing>,
    is_refused: bool,
}

/// What is seen of the Lease in a namespace.
enum Seen {
    /// There is none in the namespaces that the process works in, or no more.
    Missing,
    There(Box<Lease>),
    Gone(String),
    Refused(String),
}

impl Presence {
    /// Returns a process of a synchronizer that works in these namespaces (none given: in all).
    pub fn new(
        client: Client,
        synchronizer: &str,
        namespaces: &[String],
        process: Process,
        limits: WatchLimits,
    ) -> Self {
        Self {
            client,
            synchronizer: synchronizer.to_owned(),
            namespaces: namespaces.to_vec(),
            limits,
            id: format!("{:016x}", rand::random::<u64>()),
            process,
            rolls: BTreeMap::new(),
            versions: BTreeMap::new(),
            contents: BTreeMap::new(),
            unseen: BTreeSet::new(),
            again: None,
            others: Others::default(),
            standing: watch::Sender::default(),
            is_refused: false,
        }
    }

    /// Returns the other processes of the name that work. It is kept current by [`run`](Self::run).
    pub fn others(&self) -> Others {
        self.others.clone()
    }

    /// Returns whether it is this process' turn. It is kept current by [`run`](Self::run).
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Makes the process known until `shutdown`, and takes leave. Without the right to do so it warns once, and tries
    /// again and again.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let (sender, mut seen) = mpsc::channel(WAITING);
        let sources = self.sources();
        let watching = join_all(sources.iter().map(|source| {
            let sender = sender.clone();
            async move { source.run(&mut Feed(sender)).await }
        }));
        let mut watching = std::pin::pin!(watching);
        loop {
            self.settle().await;
            let due = self.rolls.values().filter_map(Roll::due).chain(self.again).min();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(seen) = seen.recv() => self.see(seen).await,
                _ = &mut watching => break,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.look().await,
            }
        }
        self.leave().await;
    }

    fn sources(&self) -> Vec<Source<Lease>> {
        let fields = Some(format!("metadata.name={}", lease::name(&self.synchronizer)));
        let source = |api| Source { api, fields: fields.clone(), limits: self.limits };
        if self.namespaces.is_empty() {
            return vec![source(Api::all(self.client.clone()))];
        }
        self.namespaces.iter().map(|one| source(Api::namespaced(self.client.clone(), one))).collect()
    }

    /// Returns where the process makes itself known, even if nobody is there.
    fn homes(&self) -> Vec<String> {
        if self.namespaces.is_empty() {
            return vec![self.client.default_namespace().to_owned()];
        }
        self.namespaces.clone()
    }

    async fn see(&mut self, seen: Seen) {
        match seen {
            Seen::Missing => {
                self.come_home().await;
            }
            Seen::There(lease) => {
                let namespace = lease.namespace().unwrap_or_default();
                if let Some(write) = self.take_in(&namespace, &lease) {
                    self.write(&namespace, write).await;
                }
            }
            Seen::Gone(namespace) => {
                if let Some(roll) = self.rolls.get_mut(&namespace) {
                    roll.lose();
                }
                if self.homes().contains(&namespace) {
                    self.write(&namespace, Write::Call(vec![])).await;
                }
            }
            Seen::Refused(cause) => {
                self.refused(&cause);
                // Which one it is, of several, is not told; and what is refused in one is in all, mostly.
                self.unseen.extend(self.homes());
            }
        }
        self.tell();
    }

    /// Makes the process known where nobody is.
    async fn come_home(&mut self) {
        for home in self.homes() {
            if !self.rolls.contains_key(&home) {
                self.write(&home, Write::Call(vec![])).await;
            }
        }
    }

    async fn look(&mut self) {
        let now = Instant::now();
        if self.again.take_if(|at| *at <= now).is_some() {
            self.come_home().await;
            let contents = self.contents.clone();
            for (namespace, contents) in contents {
                let write = self.rolls.get_mut(&namespace).and_then(|roll| roll.see(&contents, now));
                if let Some(write) = write {
                    self.write(&namespace, write).await;
                }
            }
        }
        let writes: Vec<_> =
            self.rolls.iter_mut().filter_map(|(place, roll)| Some((place.clone(), roll.look(now)?))).collect();
        for (namespace, write) in writes {
            self.write(&namespace, write).await;
        }
        self.tell();
    }

    /// Takes in a Lease. Returns what is to be written then.
    fn take_in(&mut self, namespace: &str, lease: &Lease) -> Option<Write> {
        let version = lease.resource_version().and_then(|version| version.parse().ok()).unwrap_or(u64::MAX);
        let known = self.versions.entry(namespace.to_owned()).or_default();
        if version < *known {
            return None;
        }
        *known = version;
        self.unseen.remove(namespace);
        let roll = self.rolls.entry(namespace.to_owned()).or_insert_with(|| Roll::new(&self.id));
        let contents = lease::read(lease);
        let write = roll.see(&contents, Instant::now());
        self.contents.insert(namespace.to_owned(), contents);
        write
    }

    /// Finds out whether it is this process' turn. If it is, one that takes no part in an election says first that it
    /// works, on one Lease after the other, so that of two that begin at once one waits.
    async fn settle(&mut self) {
        let standing = loop {
            let standing = self.present_standing();
            if standing != Standing::First || self.process.role != Role::Waits {
                break standing;
            }
            let is_next =
                |(namespace, roll): &(&String, &Roll)| !roll.has_claimed() && !self.unseen.contains(*namespace);
            let next = self.rolls.iter().find(is_next);
            let Some((namespace, claim)) = next.map(|(namespace, roll)| (namespace.clone(), roll.claim())) else {
                self.process.role = Role::Works;
                break standing;
            };
            if !self.write(&namespace, claim).await && !self.unseen.contains(&namespace) {
                break Standing::Unknown;
            }
        };
        self.standing.send_if_modified(|known| {
            // Nothing is unknown again that was known.
            let is_news = *known != standing && standing != Standing::Unknown;
            if is_news {
                if let Standing::Behind(other) = &standing {
                    let Process { host, pid, since, .. } = other;
                    tracing::warn!(
                        name = self.synchronizer, host, pid, %since,
                        "another process of this name works on the same objects: this one waits until that one ends"
                    );
                }
                *known = standing.clone();
            }
            is_news
        });
    }

    fn present_standing(&self) -> Standing {
        let role = self.process.role;
        if role == Role::Works {
            return Standing::First;
        }
        let homes = self.homes();
        let is_missing = |home: &&String| {
            let has_joined = self.rolls.get(*home).is_some_and(Roll::has_joined);
            !has_joined && !self.unseen.contains(*home)
        };
        if homes.iter().any(|home| is_missing(&home)) {
            return Standing::Unknown;
        }
        let seen = self.rolls.iter().filter(|(namespace, _)| !self.unseen.contains(*namespace));
        let others = seen.filter_map(|(_, roll)| roll.behind(role, &local::is_gone));
        others.min_by_key(|other| other.since).map_or(Standing::First, |other| Standing::Behind(other.clone()))
    }

    /// Publishes who is known, and logs what is new of it.
    fn tell(&self) {
        let others = self.rolls.values().flat_map(Roll::others);
        let mut all: Vec<Process> = others.filter(|other| other.role == Role::Works).cloned().collect();
        all.sort_by(|a, b| a.who().cmp(&b.who()));
        all.dedup_by(|a, b| a.who() == b.who());
        let mut known = self.others.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_in = |list: &[Process], one: &Process| list.iter().any(|other| other.who() == one.who());
        // One that waits is not disturbed.
        let works = self.process.role == Role::Works;
        for new in all.iter().filter(|one| works && !is_in(&known, one)) {
            let Process { host, pid, since, .. } = new;
            tracing::error!(
                name = self.synchronizer, host, pid, %since,
                "another process of this name works on the same objects: every step runs twice, and both write the \
                 same status; stop one of them, or give it another name"
            );
        }
        for Process { host, pid, .. } in known.iter().filter(|one| !is_in(&all, one)) {
            tracing::info!(name = self.synchronizer, host, pid, "the other process of this name has ended");
        }
        *known = all;
    }
}

/// Hands on what is seen.
struct Feed(mpsc::Sender<Seen>);

impl Sink<Lease> for Feed {
    async fn take(&mut self, shown: Shown<Lease>) -> ControlFlow<()> {
        let seen = match shown {
            Shown::Listed(lease) | Shown::Changed(lease) => Seen::There(Box::new(lease)),
            Shown::ListDone(_) => Seen::Missing,
            Shown::Deleted(lease) => Seen::Gone(lease.namespace().unwrap_or_default()),
            Shown::Fails(failure) if failure.is_refusal() => Seen::Refused(failure.to_string()),
            Shown::Init | Shown::Works | Shown::Fails(_) => return Continue(()),
        };
        if self.0.send(seen).await.is_ok() { Continue(()) } else { Break(()) }
    }
}
