//! Elects the leader by a Lease: watches it, and writes what [`Election`] says.

use std::future::{pending, ready};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use xos_crds::names::MANAGER_PREFIX;
use xos_steps::Event;

use super::election::{Election, Next};
use super::fence::{Fence, Moment};
use super::lease::{self, Contents};
use super::{Leadership, Times};
use crate::api_error::explain;
use crate::events::KubeEvents;
use crate::installation::object_name;
use crate::presence::Standing;
use crate::watch::WatchLimits;
use crate::watch::source::{Shown, Sink, Source};

/// How long the release of the Lease may take.
const RELEASE: Duration = Duration::from_secs(2);
/// How many changes of the Lease wait to be taken in.
const WAITING: usize = 16;

/// Where the Lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Place {
    /// Returns the name of a synchronizer's Lease, if nobody chooses another one.
    pub fn name_of(synchronizer: &str) -> String {
        // Not `xos-…`: that is how the Leases are called by which processes know of each other.
        format!("leader-xos-{}", object_name(synchronizer))
    }
}

/// Returns a name for a process on this machine or in this pod: no other one ever has it, not even after a restart.
pub fn identity(host: &str) -> String {
    format!("{host}_{:08x}", rand::random::<u32>())
}

/// A process that takes part in the election.
pub struct Elector {
    client: Client,
    synchronizer: String,
    place: Place,
    me: String,
    times: Times,
    limits: WatchLimits,
    leadership: Leadership,
    events: Arc<KubeEvents>,
    /// Whether a process of the name works that takes no part.
    standing: watch::Receiver<Standing>,
    /// Whether this process knows all objects.
    warm: watch::Receiver<bool>,
    election: Election,
    /// By which renewal this process leads, as the others in it know.
    published: Option<Moment>,
    /// The leader that was told last.
    known_leader: Option<String>,
    /// Whether the last request failed: that is told once.
    fails: bool,
}

/// What is seen of the Lease.
enum Seen {
    There(Box<Lease>),
    Gone,
    Refused(String),
}

impl Elector {
    /// Returns a process that will lead by a Lease of a synchronizer, under the name `me`.
    pub fn new(
        client: Client,
        synchronizer: &str,
        (place, me): (Place, &str),
        times: Times,
        limits: WatchLimits,
        leadership: Leadership,
        events: Arc<KubeEvents>,
    ) -> Self {
        Self {
            client,
            synchronizer: synchronizer.to_owned(),
            place,
            me: me.to_owned(),
            times,
            limits,
            leadership,
            events,
            standing: watch::channel(Standing::First).1,
            warm: watch::channel(true).1,
            election: Election::new(me, times),
            published: None,
            known_leader: None,
            fails: false,
        }
    }

    /// Returns the same one, which does not lead while a process works that takes no part in the election.
    #[must_use]
    pub fn after(self, standing: watch::Receiver<Standing>) -> Self {
        Self { standing, ..self }
    }

    /// Returns the same one, which lets others go first while this is false.
    #[must_use]
    pub fn warmed_by(self, warm: watch::Receiver<bool>) -> Self {
        Self { warm, ..self }
    }

    /// Takes part in the election until `end`; then it releases the Lease if it has it, so that another one leads at
    /// once.
    pub async fn run(mut self, end: CancellationToken) {
        let (sender, mut seen) = mpsc::channel(WAITING);
        let source =
            Source { api: self.api(), fields: Some(format!("metadata.name={}", self.place.name)), limits: self.limits };
        let mut feed = Feed(sender);
        let mut watching = std::pin::pin!(source.run(&mut feed));
        loop {
            self.publish();
            let now = self.leadership.now();
            let (wait, act) = match self.next(now) {
                Next::Nothing => (None, None),
                Next::Wait(at) => (Some(at), None),
                act => (None, Some(act)),
            };
            let (mut standing, mut warm) = (self.standing.clone(), self.warm.clone());
            tokio::select! {
                biased;
                () = end.cancelled() => break,
                Some(seen) = seen.recv() => self.see(seen),
                () = &mut watching => break,
                () = changed(&mut standing) => self.standing = standing,
                () = changed(&mut warm) => self.warm = warm,
                // Nothing that is seen meanwhile, such as the write itself, is to come between.
                () = ready(()), if act.is_some() => tokio::select! {
                    () = end.cancelled() => break,
                    () = self.act(act.as_ref()) => {}
                },
                () = sleep_until(wait.unwrap_or(now.monotonic)), if wait.is_some() => {}
            }
        }
        self.release().await;
    }

    fn api(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), &self.place.namespace)
    }

    fn next(&mut self, now: Moment) -> Next {
        let is_warm = *self.warm.borrow_and_update();
        let may_lead = *self.standing.borrow_and_update() == Standing::First;
        self.election.note(is_warm, may_lead);
        self.election.next(now)
    }

    fn see(&mut self, seen: Seen) {
        let now = self.leadership.now().monotonic;
        match seen {
            Seen::There(lease) => self.election.see(Some(lease::read(&lease)), now),
            Seen::Gone => self.election.see(None, now),
            Seen::Refused(cause) => self.refused(&cause),
        }
    }

    /// Does what is next. Whether the answer comes or not, it is not repeated at once.
    async fn act(&mut self, next: Option<&Next>) {
        let sent = self.leadership.now();
        self.election.tried(sent.monotonic);
        let Some(next) = next else { return };
        // A request that hangs must not use up the time that is left for another one.
        let limit = self.times.renew_deadline / 2;
        match timeout(limit, self.request(next)).await {
            Ok(Ok(answer)) => {
                let now = self.leadership.now().monotonic;
                match (next, answer) {
                    (Next::Read, lease) => self.election.see(lease, now),
                    (_, Some(lease)) => self.election.wrote(sent, lease, now),
                    (_, None) => self.election.is_stale(),
                }
                self.fails = false;
                self.leadership.told(|told| told.problem = None);
            }
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => self.refused(&status.message),
            Ok(Err(error)) => self.failed(&explain(&error)),
            Err(_) => self.failed(&format!("the API server did not answer within {limit:?}")),
        }
    }

    /// Sends a request. Returns what stands on the Lease then; none if there is none, or somebody else was faster.
    async fn request(&self, next: &Next) -> kube::Result<Option<Contents>> {
        let api = self.api();
        let field_manager = Some(self.manager());
        let answer = match next {
            Next::Nothing | Next::Wait(_) => return Ok(None),
            Next::Read => {
                // The right to list it is there, for the watch.
                let fields = format!("metadata.name={}", self.place.name);
                let listed = api.list(&ListParams::default().fields(&fields)).await?;
                return Ok(listed.items.first().map(lease::read));
            }
            Next::Create(wanted) => {
                let new = lease::new(&self.place.name, &self.synchronizer, wanted).map_err(kube::Error::SerdeError)?;
                api.create(&PostParams { field_manager, ..PostParams::default() }, &new).await
            }
            Next::Write(wanted) => {
                let parameters = PatchParams { field_manager, ..PatchParams::default() };
                api.patch(&self.place.name, &parameters, &Patch::Merge(lease::patch(wanted))).await
            }
        };
        match answer {
            Ok(lease) => Ok(Some(lease::read(&lease))),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(None),
            // It was deleted meanwhile.
            Err(kube::Error::Api(status)) if status.is_not_found() && matches!(next, Next::Write(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn manager(&self) -> String {
        format!("{MANAGER_PREFIX}{}/leader", self.synchronizer).chars().take(128).collect()
    }

    /// Lets the rest of the process know whether it leads, and until when.
    fn publish(&mut self) {
        let now = self.leadership.now();
        self.election.look(now);
        let leads_since = self.election.leads_since();
        match (self.published, leads_since) {
            (None, Some(since)) => self.begins(since),
            (Some(before), Some(since)) if before != since => {
                let (fence, begins) = self.fences(since);
                self.leadership.extend(fence, begins);
            }
            (Some(_), None) => {
                let lease = self.lease_name();
                tracing::error!(lease, "this process leads no more: what it was doing is dropped");
                self.leadership.end();
            }
            // While the Lease is free it may be this process' in a moment.
            (None, None) if self.election.lease().is_some_and(|lease| lease.holder.is_some()) => {
                self.leadership.end_if_unknown();
            }
            _ => {}
        }
        self.published = leads_since;
        self.tell();
    }

    fn fences(&self, since: Moment) -> (Fence, Fence) {
        let until = |after| Fence::Until(since.after(after));
        (until(self.times.duration), until(self.times.renew_deadline))
    }

    fn begins(&self, since: Moment) {
        let before = self.known_leader.as_deref().filter(|before| *before != self.me);
        let (lease, me) = (self.lease_name(), &self.me);
        tracing::info!(lease, me, before, "this process leads");
        let took_over = self.election.has_stood_by().then_some(since.wall);
        let (fence, begins) = self.fences(since);
        self.leadership.begin(fence, begins, took_over);
        let note = before.map_or_else(|| format!("{me} leads"), |before| format!("{me} leads, after {before}"));
        self.events.publish_about(self.reference(), Event::normal("LeaderElection", note).of("Election"));
    }

    fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some("coordination.k8s.io/v1".to_owned()),
            kind: Some("Lease".to_owned()),
            namespace: Some(self.place.namespace.clone()),
            name: Some(self.place.name.clone()),
            ..ObjectReference::default()
        }
    }

    fn lease_name(&self) -> String {
        format!("{}/{}", self.place.namespace, self.place.name)
    }

    /// Tells who leads, and logs when that is news.
    fn tell(&mut self) {
        let behind = match &*self.standing.borrow() {
            Standing::Behind(other) => Some((other.to_string(), other.since)),
            Standing::Unknown | Standing::First => None,
        };
        if let Some((other, since)) = behind {
            self.leadership.told(|told| (told.leader, told.since) = (Some(other), Some(since)));
            self.leadership.end_if_unknown();
            return;
        }
        let Some(lease) = self.election.lease() else { return };
        let leader = lease.holder.clone();
        self.leadership.told(|told| {
            told.leader.clone_from(&leader);
            (told.since, told.renewed) = (lease.acquired, lease.renewed);
            told.transitions = u64::try_from(lease.transitions).unwrap_or_default();
        });
        if leader != self.known_leader && leader.as_deref() != Some(&self.me) {
            let lease = self.lease_name();
            match &leader {
                Some(leader) => tracing::info!(lease, leader, "this process stands by"),
                None => tracing::info!(lease, "the leader has released the Lease"),
            }
        }
        if leader.is_some() {
            self.known_leader = leader;
        }
    }

    fn failed(&mut self, cause: &str) {
        let lease = self.lease_name();
        match (std::mem::replace(&mut self.fails, true), self.published) {
            (true, _) => tracing::debug!(lease, cause, "the Lease cannot be used"),
            (false, Some(_)) => {
                tracing::warn!(lease, cause, "the Lease cannot be renewed: unless it can be in time, work stops");
            }
            (false, None) => tracing::warn!(lease, cause, "the Lease cannot be used"),
        }
    }

    fn refused(&mut self, cause: &str) {
        let lease = self.lease_name();
        let problem = format!(
            "it cannot lead: the Lease {lease} cannot be used ({cause}); allow the controller to create leases there \
             (API group coordination.k8s.io), and to list, watch and patch this one"
        );
        if !std::mem::replace(&mut self.fails, true) {
            tracing::error!("{problem}");
        }
        self.leadership.told(|told| told.problem = Some(problem));
        self.leadership.end_if_unknown();
    }

    /// Gives the Lease back. Nothing of this process works any more.
    async fn release(&mut self) {
        self.publish();
        let release = async {
            for _ in 0..2 {
                let Some(wanted) = self.election.release(self.leadership.now()) else { return };
                self.leadership.end();
                match self.request(&Next::Write(wanted)).await {
                    Ok(Some(_)) => return tracing::info!(lease = self.lease_name(), "the Lease is released"),
                    // A renewal was on its way.
                    Ok(None) => {}
                    Err(error) => return tracing::info!(cause = explain(&error), "the Lease is not released"),
                }
                if let Ok(Some(lease)) = self.request(&Next::Read).await {
                    self.election.see(Some(lease), self.leadership.now().monotonic);
                }
            }
        };
        if timeout(RELEASE, release).await.is_err() {
            tracing::info!("the API server does not answer: the Lease is not released, and ends by itself");
        }
    }
}

/// Waits for another value; for ever, if there will be none.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// Hands on what is seen.
struct Feed(mpsc::Sender<Seen>);

impl Sink<Lease> for Feed {
    async fn take(&mut self, shown: Shown<Lease>) -> ControlFlow<()> {
        let seen = match shown {
            Shown::Listed(lease) | Shown::Changed(lease) => Seen::There(Box::new(lease)),
            Shown::Deleted(_) => Seen::Gone,
            Shown::Fails(failure) if failure.is_refusal() => Seen::Refused(failure.to_string()),
            // Whether there is one at all is read.
            Shown::Init | Shown::ListDone(_) | Shown::Works | Shown::Fails(_) => return Continue(()),
        };
        if self.0.send(seen).await.is_ok() { Continue(()) } else { Break(()) }
    }
}
