//! Objects of Kubernetes in memory, other than those of models, behind a client that steps use as any other.

mod check;
mod merge;
mod objects;
mod request;
mod selector;
mod serve;
mod status;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;
use tokio::sync::watch;
use xos_engine::clock::Clock as _;
use xos_steps::{ForeignKind, Steps};

use crate::clock::TestClock;
use objects::{Objects, Place, Write};
pub use status::Refused;

/// How often other tasks get their turn until they are taken to be at rest: a request goes through a few of them.
const TURNS: usize = 64;

/// The objects of Kubernetes of a [`World`](crate::World), other than those of its models: ConfigMaps, Deployments, and what
/// else steps make and read. [`client`](Self::client) answers get, list, watch, create, replace, server-side apply, merge
/// patches and deletion, also of a status, with resourceVersions, finalizers and the garbage collector's rules.
///
/// Nobody acts on the objects: a Deployment gets no pods and no status, unless the test [sets](Self::set) it. Schemas of
/// kinds are not known: an invalid spec is taken, and a list is applied as a whole.
#[derive(Clone)]
pub struct Cluster {
    objects: Arc<Mutex<Objects>>,
    clock: TestClock,
    /// Tells watches of changes.
    changed: watch::Sender<u64>,
    /// Counts requests, and events that were taken.
    activity: Arc<AtomicU64>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("version", &self.lock().version()).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Returns one without objects.
    pub fn new(clock: &TestClock) -> Self {
        let changed = watch::Sender::new(0);
        Self { objects: Arc::default(), clock: clock.clone(), changed, activity: Arc::default() }
    }

    /// Returns a client of it. Its requests need a runtime of tokio.
    pub fn client(&self) -> kube::Client {
        let cluster = self.clone();
        let service = tower::service_fn(move |request| cluster.clone().answer(request));
        kube::Client::new(service, crate::world::NAMESPACE)
    }

    /// Returns a client of it for steps, whose kinds are made known.
    pub(crate) fn client_of(&self, steps: &Steps) -> kube::Client {
        steps.uses.iter().for_each(|used| self.define(&used.kind));
        self.client()
    }

    /// Makes a kind known. Kinds that are only applied by steps need not be made known.
    pub fn define(&self, kind: &ForeignKind) {
        self.lock().define(kind);
    }

    /// Returns the kinds that are known.
    pub fn kinds(&self) -> Vec<ForeignKind> {
        self.lock().kinds().cloned().collect()
    }

    /// Sets the members of an object, `status` included, as operators and the controllers of a cluster do; null removes one.
    /// The object is made if it is not there.
    ///
    /// # Errors
    /// When the API server would refuse it.
    pub fn set(&self, kind: &ForeignKind, object: &Json) -> Result<(), Refused> {
        self.define(kind);
        let text = |key: &str| object["metadata"][key].as_str();
        let namespace = text("namespace").unwrap_or(crate::world::NAMESPACE);
        let place = Place::of(kind, namespace, text("name").unwrap_or_default());
        self.lock().write(&place, &Write::Set(object), false, self.clock.now())?;
        self.tell();
        Ok(())
    }

    /// Returns an object.
    pub fn get(&self, kind: &ForeignKind, namespace: &str, name: &str) -> Option<Json> {
        self.lock().get(&Place::of(kind, namespace, name)).cloned()
    }

    /// Asks for the deletion of an object. Returns whether there is one.
    pub fn delete(&self, kind: &ForeignKind, namespace: &str, name: &str) -> bool {
        let there = self.lock().delete(&Place::of(kind, namespace, name), &Json::Null, self.clock.now()).is_ok();
        self.tell();
        there
    }

    /// Deletes what belongs to objects that are gone; `there` are the uids of the objects of models.
    pub(crate) fn collect(&self, there: &BTreeSet<String>) {
        self.lock().collect(there, self.clock.now());
        self.tell();
    }

    /// Lets watches take what is there for them. Returns whether anything happened.
    pub(crate) async fn deliver(&self) -> bool {
        let before = self.activity.load(Ordering::Relaxed);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        self.activity.load(Ordering::Relaxed) != before
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something happens.
    fn note(&self) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }

    fn tell(&self) {
        let version = self.lock().version();
        self.changed.send_replace(version);
    }
}
