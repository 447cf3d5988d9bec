//! Watches objects of Kubernetes that objects of ours depend on, and lets these be synchronized again. Only names and
//! versions are watched; a watch begins when it is first needed.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio_util::task::AbortOnDropHandle;
use xos_model::ObjectKey;
use xos_steps::{Again, StepContext};

use super::api::{api_resource, explain};
use super::index::{Id, Index, Seen, Sights, Watched};

/// How long a request of a watch lasts, in seconds: a connection that is dead is noticed 5 s after that.
const LASTS: u32 = 60;

/// The watches of all steps of a program. They end when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    index: Arc<Mutex<Index>>,
    tasks: Mutex<Tasks>,
}

type Tasks = HashMap<Watched, AbortOnDropHandle<()>>;

/// What a call of a step sees.
pub(crate) struct Looking {
    foreign: Arc<Foreign>,
    owner: ObjectKey,
    client: Client,
    again: Again,
    sights: Sights,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Looking {
    /// Begins to look, for the call of a step for an object.
    pub(crate) fn begin(ctx: &StepContext, client: &Client, owner: ObjectKey) -> Self {
        let foreign = ctx.shared::<Foreign>();
        lock(&foreign.index).begin(&owner);
        Self { foreign, owner, client: client.clone(), again: ctx.again().clone(), sights: vec![] }
    }

    /// Notes an object, with its version if it is there.
    pub(crate) fn saw(&mut self, watched: Watched, id: Id, version: Option<String>) {
        self.foreign.watch(&watched, &self.client, &self.again);
        let is_same = |(of, seen): &(Watched, Seen)| *of == watched && matches!(seen, Seen::One(one, _) if *one == id);
        self.sights.retain(|sight| !is_same(sight));
        self.sights.push((watched, Seen::One(id, version)));
    }

    /// Notes a list.
    pub(crate) fn saw_all(&mut self, watched: Watched, namespace: Option<String>, all: BTreeMap<Id, String>) {
        self.foreign.watch(&watched, &self.client, &self.again);
        self.sights.push((watched, Seen::All(namespace, all)));
    }
}

impl Drop for Looking {
    /// From here on the object is synchronized again when something of what it has seen changes, or has changed by now.
    fn drop(&mut self) {
        let sights = std::mem::take(&mut self.sights);
        let needed: Vec<_> = sights.iter().map(|(watched, _)| watched.clone()).collect();
        let mut tasks = lock(&self.foreign.tasks);
        let (has_news, unused) = lock(&self.foreign.index).end(&self.owner, sights);
        unused.iter().for_each(|watched| drop(tasks.remove(watched)));
        // Another call may have found one of them unused meanwhile.
        needed.iter().for_each(|watched| self.foreign.ensure(&mut tasks, watched, &self.client, &self.again));
        drop(tasks);
        if has_news {
            self.again.run(self.owner.clone());
        }
    }
}

impl Foreign {
    fn watch(&self, watched: &Watched, client: &Client, again: &Again) {
        self.ensure(&mut lock(&self.tasks), watched, client, again);
    }

    fn ensure(&self, tasks: &mut Tasks, watched: &Watched, client: &Client, again: &Again) {
        if tasks.contains_key(watched) {
            return;
        }
        lock(&self.index).watch(watched);
        let run = run(watched.clone(), client.clone(), Arc::clone(&self.index), again.clone());
        tasks.insert(watched.clone(), AbortOnDropHandle::new(tokio::spawn(run)));
    }
}

async fn run(watched: Watched, client: Client, index: Arc<Mutex<Index>>, again: Again) {
    let resource = api_resource(&watched.kind);
    let api: Api<PartialObjectMeta<DynamicObject>> = match &watched.namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let mut config = Config::default().timeout(LASTS);
    if let Some(labels) = &watched.labels {
        config = config.labels(labels);
    }
    if let Some(name) = &watched.name {
        config = config.fields(&format!("metadata.name={name}"));
    }
    let mut events = pin!(watcher(api, config).default_backoff());
    let mut listing = HashMap::new();
    let mut trouble: Option<String> = None;
    let kind = &watched.kind.kind;
    while let Some(event) = events.next().await {
        let told = match event {
            Ok(Event::Init) => {
                listing.clear();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listing.insert(id_of(&object), object.resource_version().unwrap_or_default());
                continue;
            }
            Ok(Event::InitDone) => {
                if trouble.take().is_some() {
                    tracing::info!(kind, namespace = watched.namespace, "the watch works again");
                }
                lock(&index).listed(&watched, std::mem::take(&mut listing))
            }
            Ok(Event::Apply(object)) => lock(&index).changed(&watched, id_of(&object), object.resource_version()),
            Ok(Event::Delete(object)) => lock(&index).changed(&watched, id_of(&object), None),
            Err(error) => {
                let error = explain(&error);
                if trouble.as_ref() != Some(&error) {
                    let namespace = watched.namespace.as_deref();
                    tracing::warn!(kind, namespace, error, "cannot watch: changes are seen when that works again");
                    trouble = Some(error);
                }
                continue;
            }
        };
        told.into_iter().for_each(|owner| again.run(owner));
    }
}

fn id_of(object: &PartialObjectMeta<DynamicObject>) -> Id {
    (object.namespace().unwrap_or_default(), object.name_any())
}
