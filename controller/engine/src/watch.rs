//! Watches custom resources and tells the engine what they show.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::{Api, DynamicObject};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::{self, watcher};
use kube::{Client, ResourceExt as _};
use tokio::sync::mpsc;
use xos_crds::from_custom_resource;
use xos_model::{Object, ObjectKey};

use crate::cache::WatchId;
use crate::registry::{Entry, Registry};

/// What a watch shows.
#[derive(Debug)]
pub enum Notice {
    /// The watch begins to show all that there is.
    BeginList(WatchId),
    /// An object as it is.
    Seen(WatchId, Box<Object>),
    /// An object that is gone, with its uid.
    Gone(ObjectKey, String),
    /// The watch has shown all that there is.
    EndList(WatchId),
}

/// One watch: a model, in one namespace or in all.
pub struct Watch {
    id: WatchId,
    entry: Arc<Entry>,
    api: Api<DynamicObject>,
    /// How long it is one request. A connection that is dead is noticed soon after.
    lasts: Duration,
}

/// A watch that is broken is taken up again after the first of these times, doubled up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// The pauses before a watch is taken up again, spread so that the watches of all models do not come at once.
#[derive(Default)]
struct Pauses {
    broken: u32,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let backoff = xos_model::Backoff { initial: PAUSES.0, max: PAUSES.1, jitter: 0.5 };
        self.broken = self.broken.saturating_add(1);
        Some(backoff.delay(self.broken, rand::random()))
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.broken = 0;
    }
}

/// A watch that has held for so long is not broken.
const HELD: Duration = Duration::from_secs(60);

/// The watches for all models, in these namespaces (none given: in all).
pub fn watches(client: &Client, registry: &Registry, namespaces: &[String]) -> Vec<Watch> {
    let apis = registry.entries().flat_map(|entry| {
        let apis: Vec<Api<DynamicObject>> = match namespaces {
            [] => vec![Api::all_with(client.clone(), &entry.resource)],
            some => some.iter().map(|ns| Api::namespaced_with(client.clone(), ns, &entry.resource)).collect(),
        };
        apis.into_iter().map(|api| (Arc::clone(entry), api))
    });
    apis.enumerate().map(|(id, (entry, api))| Watch { id, entry, api, lasts: Duration::from_secs(290) }).collect()
}

/// The watch that shows an object; none does for one of another namespace.
pub(crate) fn watch_id(registry: &Registry, namespaces: &[String], key: &ObjectKey) -> Option<WatchId> {
    let model = registry.entries().position(|entry| entry.model.name == *key.model)?;
    match namespaces {
        [] => Some(model),
        some => Some(model * some.len() + some.iter().position(|namespace| **namespace == *key.namespace)?),
    }
}

impl Watch {
    /// The same watch, for which a new request is made each time this has passed (290 s by default, at least 1 s).
    #[must_use]
    pub fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// Watches until the receiver is closed. Broken watches are taken up again with a growing delay.
    pub async fn run(self, notices: mpsc::Sender<Notice>) {
        let stream = self.events();
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let notice = match event {
                Ok(event) => self.notice(event),
                Err(error) => {
                    tracing::warn!(model = self.entry.model.name, %error, "watch interrupted, it is taken up again");
                    None
                }
            };
            if let Some(notice) = notice
                && notices.send(notice).await.is_err()
            {
                return;
            }
        }
    }

    fn events(&self) -> impl Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + use<> {
        let lasts = u32::try_from(self.lasts.as_secs()).unwrap_or(u32::MAX).max(1);
        let config = watcher::Config::default().streaming_lists().timeout(lasts);
        watcher(self.api.clone(), config).backoff(ResetTimerBackoff::new(Pauses::default(), HELD))
    }

    fn notice(&self, event: watcher::Event<DynamicObject>) -> Option<Notice> {
        match event {
            watcher::Event::Init => Some(Notice::BeginList(self.id)),
            watcher::Event::InitDone => Some(Notice::EndList(self.id)),
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => self.seen(&object),
            watcher::Event::Delete(object) => {
                let namespace = object.namespace().unwrap_or_default();
                let key = ObjectKey::new(&self.entry.model.name, &namespace, &object.name_any());
                Some(Notice::Gone(key, object.uid().unwrap_or_default()))
            }
        }
    }

    /// An object that cannot be read must not stop the others.
    fn seen(&self, resource: &DynamicObject) -> Option<Notice> {
        match from_custom_resource(&self.entry.model, resource) {
            Ok(object) => Some(Notice::Seen(self.id, Box::new(object))),
            Err(error) => {
                tracing::error!(model = self.entry.model.name, %error, "object cannot be read, it is left alone");
                None
            }
        }
    }
}
