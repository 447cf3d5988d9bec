//! Models and documents that are objects in the cluster: they are watched, and told what becomes of them.

mod attend;
mod count;
mod leave;
mod watch;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use tokio::sync::watch as channel;
use tokio_util::task::AbortOnDropHandle;
use xos_kinds::{Change, Id, ModelSetStatus, ObjectKind};

use super::choose::{Spec, Verdict, Version};
use crate::config::{ClusterDocuments, Config};

pub(crate) use attend::Attending;

/// An object as the cluster has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) id: Id,
    pub(super) uid: String,
    pub(super) now: Version,
    pub(super) is_leaving: bool,
    pub(super) finalizers: Vec<String>,
    pub(super) status: ModelSetStatus,
}

impl Seen {
    /// Returns what was accepted last, as its status says.
    pub(super) fn last(&self) -> Option<Version> {
        let accepted = self.status.accepted.as_ref()?;
        let spec = match self.now.spec {
            Spec::Models(_) => Spec::Models(Arc::new(serde_json::from_str(&accepted.spec).ok()?)),
            Spec::Document(_) => Spec::Document(Arc::new(serde_json::from_str(&accepted.spec).ok()?)),
        };
        Some(Version { generation: accepted.generation, spec })
    }
}

/// All objects, by kind and name.
pub(super) type Objects = BTreeMap<Id, Arc<Seen>>;

/// A kind that a set of models defines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OwnKind {
    pub(super) definition: String,
    pub(super) resource: ApiResource,
}

/// What is to be told of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) uid: String,
    /// The generation that was judged.
    pub(super) generation: i64,
    pub(super) verdict: Verdict,
    /// What it changes in definitions.
    pub(super) changes: Vec<Change>,
    /// The kinds that it defines, of a set of models.
    pub(super) kinds: Vec<OwnKind>,
    /// The objects that do not fit without it.
    pub(super) needed_by: Vec<Id>,
    /// Whether it was left out because it goes.
    pub(super) is_out: bool,
}

/// What is to be told, by object.
pub(super) type AllTold = BTreeMap<Id, Told>;

/// Objects that are to be left out: kind, name and uid.
pub(super) type Out = BTreeSet<(Id, String)>;

/// The objects of a synchronizer in the cluster.
pub(crate) struct Cluster {
    pub(super) synchronizer: String,
    pub(super) namespace: String,
    selector: Option<String>,
    /// The namespaces whose objects are looked after; none: all.
    namespaces: Vec<String>,
    /// Whether definitions may be applied.
    pub(super) applies: bool,
    objects: channel::Sender<Arc<Objects>>,
    /// The kinds that were listed once.
    listed: channel::Sender<BTreeSet<ObjectKind>>,
    told: channel::Sender<Arc<AllTold>>,
    out: channel::Sender<Arc<Out>>,
}

impl Cluster {
    /// Returns the objects of a configuration, none of which is known yet.
    pub(super) fn new(client: &Client, config: &Config, of: &ClusterDocuments) -> Arc<Self> {
        let namespace = of.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        Arc::new(Self {
            synchronizer: config.name.clone(),
            namespace,
            selector: of.selector.clone(),
            namespaces: config.engine.namespaces.clone(),
            applies: config.definitions == crate::config::Definitions::Apply,
            objects: channel::Sender::new(Arc::default()),
            listed: channel::Sender::new(BTreeSet::new()),
            told: channel::Sender::new(Arc::default()),
            out: channel::Sender::new(Arc::default()),
        })
    }

    /// Begins to watch them.
    pub(super) fn watch(self: &Arc<Self>, client: &Client) -> Vec<AbortOnDropHandle<()>> {
        let each = ObjectKind::ALL.into_iter();
        each.map(|kind| AbortOnDropHandle::new(tokio::spawn(watch::run(Arc::clone(self), client.clone(), kind))))
            .collect()
    }

    /// Waits until all kinds were listed once.
    pub(super) async fn is_listed(&self) {
        let mut listed = self.listed.subscribe();
        // The sender is in `self`.
        let _listed = listed.wait_for(|listed| listed.len() == ObjectKind::ALL.len()).await;
    }

    pub(super) fn objects(&self) -> Arc<Objects> {
        self.objects.borrow().clone()
    }

    pub(super) fn changes(&self) -> channel::Receiver<Arc<Objects>> {
        self.objects.subscribe()
    }

    pub(super) fn out(&self) -> channel::Receiver<Arc<Out>> {
        self.out.subscribe()
    }

    /// Says what there is to tell.
    pub(super) fn tell(&self, told: AllTold) {
        self.told.send_if_modified(|before| {
            let is_new = **before != told;
            if is_new {
                *before = Arc::new(told);
            }
            is_new
        });
    }

    /// Returns what was told of an object last.
    pub(super) fn told_of(&self, id: &Id) -> Option<Told> {
        self.told.borrow().get(id).cloned()
    }

    fn api(&self, client: &Client, kind: ObjectKind) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), &self.namespace, &kind.resource())
    }
}
