//! Watches of custom resources, as the engine takes them in.
//!
//! A watch lists by pages, which every API server has. Its requests are short, so that a dead connection is noticed
//! within 30 s. One that is interrupted is resumed with growing delay; [`WatchStates`] says so. A kind that cannot be
//! seen for ten seconds, because its definition or a right is gone, is [`WatchEvent::Lost`]: the engine goes on without
//! it, and its watch is tried for ever.

mod delays;
mod failure;
mod last_writer;
mod limits;
pub(crate) mod source;
mod states;

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::Api;
use kube::{Client, ResourceExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use xos_crds::{Received, from_received};
use xos_model::{Object, ObjectKey};

use crate::engine::RegistryChange;
use crate::registry::{Entry, Registry};
use crate::secrets::SecretNews;

pub use limits::WatchLimits;
pub use states::{Interruption, WatchState, WatchStates};

pub(crate) use failure::WatchFailure;
use last_writer::last_writer;
use source::{Shown, Sink, Source};
pub(crate) use states::News;

/// After this time a kind that is refused counts as lost. An API server that starts refuses much for a moment.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// A watch: the objects of a model, in one namespace or in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId {
    model: Arc<str>,
    /// All namespaces, if there is none.
    namespace: Option<Arc<str>>,
}

impl WatchId {
    /// Returns the watch of a model, in a namespace or in all.
    pub fn new(model: &str, namespace: Option<&str>) -> Self {
        Self { model: model.into(), namespace: namespace.map(Into::into) }
    }

    /// Returns all watches of a registry, in these namespaces (none given: in all).
    pub fn all<'a>(registry: &'a Registry, namespaces: &'a [String]) -> impl Iterator<Item = Self> + 'a {
        registry.entries().flat_map(|entry| Self::of_model(entry, namespaces))
    }

    fn of_model<'a>(entry: &'a Entry, namespaces: &'a [String]) -> impl Iterator<Item = Self> + 'a {
        let everywhere = namespaces.is_empty().then(|| Self::new(&entry.model.name, None));
        everywhere.into_iter().chain(namespaces.iter().map(|here| Self::new(&entry.model.name, Some(here))))
    }

    /// Returns the model whose objects it shows.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the namespace that it is limited to, if it is.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns whether the watch shows an object of this key.
    pub(crate) fn covers(&self, key: &ObjectKey) -> bool {
        self.model == key.model && self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }
}

/// What a watch shows. The names are those of [`kube::runtime::watcher::Event`], as far as it has them.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The watch begins to list all of its objects.
    Init(WatchId),
    /// An object of that list.
    InitApply(Box<Object>),
    /// The list is complete; with its resourceVersion.
    InitDone(WatchId, String),
    /// An object that is new, or has changed.
    Apply(Box<Object>),
    /// An object that is gone, with its uid.
    Delete(ObjectKey, String),
    /// The objects cannot be seen any more: do without them until the next list is complete.
    Lost(WatchId, Loss),
    /// What is seen of Secrets.
    Secrets(SecretNews),
    /// Not of a watch: another registry is to be used. The watches of models that it has not any more, or declares in
    /// another way, have ended before this; those of its new and redefined models begin when it is in use.
    Registry(RegistryChange),
}

/// Why the objects of a watch cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Their definition is gone, and so are they.
    Unserved,
    /// The right to list and watch them is missing. They may be there.
    Forbidden,
}

impl Loss {
    /// Returns the loss of a model in words.
    pub(crate) fn told_of(self, model: &str) -> String {
        match self {
            Self::Unserved => format!("the definition of {model} is gone"),
            Self::Forbidden => format!("the controller may not list and watch {model}"),
        }
    }
}

/// A watch that can be run.
#[derive(Clone)]
pub struct Watch {
    id: WatchId,
    entry: Arc<Entry>,
    source: Source<Received>,
    states: WatchStates,
}

/// Returns the watches of a registry, in these namespaces (none given: in all). Their states are kept in `states`.
pub fn watches(
    client: &Client,
    registry: &Registry,
    namespaces: &[String],
    limits: WatchLimits,
    states: &WatchStates,
) -> Vec<Watch> {
    let watch = |entry: &Arc<Entry>, id: WatchId| {
        let api = match &id.namespace {
            None => Api::all_with(client.clone(), &entry.resource),
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &entry.resource),
        };
        let source = Source { api, fields: None, limits };
        Watch { id, entry: Arc::clone(entry), source, states: states.clone() }
    };
    let ids = |entry: &Arc<Entry>| -> Vec<_> { WatchId::of_model(entry, namespaces).collect() };
    registry.entries().flat_map(|entry| ids(entry).into_iter().map(|id| watch(entry, id))).collect()
}

impl Watch {
    /// Returns which one it is.
    pub fn id(&self) -> &WatchId {
        &self.id
    }

    /// Watches until the receiver is closed. A broken watch is resumed with growing delay, without end.
    pub async fn run(self, events: mpsc::Sender<WatchEvent>) {
        let Self { id, entry, source, states } = self;
        source.run(&mut Feed { id, entry, states, events, refused: Refused::No }).await;
    }
}

/// Since when the watch is refused.
enum Refused {
    No,
    Since(Instant),
    /// The engine knows.
    Told,
}

/// Gives the engine what a source shows.
struct Feed {
    id: WatchId,
    entry: Arc<Entry>,
    states: WatchStates,
    events: mpsc::Sender<WatchEvent>,
    refused: Refused,
}

impl Sink<Received> for Feed {
    async fn take(&mut self, shown: Shown<Received>) -> ControlFlow<()> {
        if !matches!(shown, Shown::Init | Shown::Fails(_)) {
            self.states.heard(&self.id, Timestamp::now());
        }
        let event = match shown {
            Shown::Init => Some(WatchEvent::Init(self.id.clone())),
            Shown::Listed(resource) => self.decode(&resource).map(WatchEvent::InitApply),
            Shown::ListDone(version) => Some(WatchEvent::InitDone(self.id.clone(), version)),
            Shown::Changed(resource) => self.decode(&resource).map(WatchEvent::Apply),
            Shown::Deleted(resource) => {
                let namespace = resource.namespace().unwrap_or_default();
                let key = ObjectKey::new(&self.entry.model.name, &namespace, &resource.name_any());
                Some(WatchEvent::Delete(key, resource.uid().unwrap_or_default()))
            }
            Shown::Works => {
                self.works();
                None
            }
            Shown::Fails(failure) => self.fails(&failure),
        };
        let Some(event) = event else { return Continue(()) };
        if self.events.send(event).await.is_ok() { Continue(()) } else { Break(()) }
    }
}

impl Feed {
    fn works(&mut self) {
        self.refused = Refused::No;
        if self.states.works(&self.id) == News::New {
            tracing::info!(model = self.id.model(), namespace = self.id.namespace(), "the watch works again");
        }
    }

    fn fails(&mut self, failure: &WatchFailure) -> Option<WatchEvent> {
        let news = self.states.fails(&self.id, failure.to_string(), Timestamp::now());
        let (model, namespace) = (self.id.model(), self.id.namespace());
        match news {
            News::New => tracing::warn!(model, namespace, %failure, "watch interrupted: it is resumed"),
            News::Same => tracing::debug!(model, namespace, %failure, "watch interrupted again"),
        }
        let loss = match failure {
            WatchFailure::Unserved => Loss::Unserved,
            WatchFailure::Forbidden(_) => Loss::Forbidden,
            _ => {
                // Once lost it stays lost until it works again.
                if matches!(self.refused, Refused::Since(_)) {
                    self.refused = Refused::No;
                }
                return None;
            }
        };
        match self.refused {
            Refused::No => {
                self.refused = Refused::Since(Instant::now());
                None
            }
            Refused::Since(since) if since.elapsed() < LOST_AFTER => None,
            Refused::Since(_) => {
                self.refused = Refused::Told;
                tracing::error!(model, namespace, %failure, "the kind cannot be seen: going on without it");
                Some(WatchEvent::Lost(self.id.clone(), loss))
            }
            Refused::Told => None,
        }
    }

    /// Returns the object; none if it cannot be read, which must not stop the others.
    fn decode(&self, resource: &Received) -> Option<Box<Object>> {
        match from_received(&self.entry.model, resource) {
            Ok(mut object) => {
                object.meta.writer = last_writer(&resource.metadata);
                Some(Box::new(object))
            }
            Err(error) => {
                let model = &self.entry.model.name;
                tracing::error!(model, %error, "the object cannot be read and is ignored until it changes");
                None
            }
        }
    }
}
