//! Watches of custom resources, as the engine takes them in.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DynamicObject};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::{self, watcher};
use kube::{Client, ResourceExt as _};
use tokio::sync::mpsc;
use xos_crds::from_custom_resource;
use xos_model::{Object, ObjectKey};

use crate::registry::{Entry, Registry};

/// A watch: the objects of a model, in one namespace or in all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    /// Returns whether the watch shows an object of this key.
    pub(crate) fn covers(&self, key: &ObjectKey) -> bool {
        self.model == key.model && self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }
}

/// What a watch shows. The names are those of [`watcher::Event`].
#[derive(Debug)]
pub enum WatchEvent {
    /// The watch begins to list all of its objects.
    Init(WatchId),
    /// An object of that list.
    InitApply(Box<Object>),
    /// The list is complete.
    InitDone(WatchId),
    /// An object that is new, or has changed.
    Apply(Box<Object>),
    /// An object that is gone, with its uid.
    Delete(ObjectKey, String),
}

/// A watch that can be run.
pub struct Watch {
    id: WatchId,
    entry: Arc<Entry>,
    api: Api<DynamicObject>,
    /// How long one request lasts. A dead connection is noticed soon after that.
    lasts: Duration,
}

/// How long one request lasts, unless [`Watch::lasting`] says otherwise.
const LASTS: Duration = Duration::from_secs(290);
/// The delays before a broken watch is resumed. They are spread, so that the watches of all models do not come at once.
const RESUME: xos_model::Backoff =
    xos_model::Backoff { initial: Duration::from_millis(200), max: Duration::from_secs(10), jitter: 0.5 };
/// A watch that has lasted this long counts as healthy: the next delay is the first one again.
const HEALTHY: Duration = Duration::from_secs(60);

/// The delays of one watch.
#[derive(Default)]
struct ResumeDelays {
    failures: u32,
}

impl Iterator for ResumeDelays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(RESUME.delay(self.failures, rand::random()))
    }
}

impl Backoff for ResumeDelays {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Returns the watches of a registry, in these namespaces (none given: in all).
pub fn watches(client: &Client, registry: &Registry, namespaces: &[String]) -> Vec<Watch> {
    let watch = |entry: &Arc<Entry>, id: WatchId| {
        let api = match &id.namespace {
            None => Api::all_with(client.clone(), &entry.resource),
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &entry.resource),
        };
        Watch { id, entry: Arc::clone(entry), api, lasts: LASTS }
    };
    let ids = |entry: &Arc<Entry>| -> Vec<_> { WatchId::of_model(entry, namespaces).collect() };
    registry.entries().flat_map(|entry| ids(entry).into_iter().map(|id| watch(entry, id))).collect()
}

impl Watch {
    /// Returns the same watch with requests that last this long (290 s by default, at least 1 s).
    #[must_use]
    pub fn lasting(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// Watches until the receiver is closed. A broken watch is resumed with growing delay.
    pub async fn run(self, events: mpsc::Sender<WatchEvent>) {
        let stream = self.stream();
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let event = match event {
                Ok(event) => self.translate(event),
                Err(error) => {
                    tracing::warn!(model = self.entry.model.name, %error, "watch interrupted: it is resumed");
                    None
                }
            };
            if let Some(event) = event
                && events.send(event).await.is_err()
            {
                return;
            }
        }
    }

    fn stream(&self) -> impl Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + use<> {
        let lasts = u32::try_from(self.lasts.as_secs()).unwrap_or(u32::MAX).max(1);
        let config = watcher::Config::default().streaming_lists().timeout(lasts);
        watcher(self.api.clone(), config).backoff(ResetTimerBackoff::new(ResumeDelays::default(), HEALTHY))
    }

    fn translate(&self, event: watcher::Event<DynamicObject>) -> Option<WatchEvent> {
        Some(match event {
            watcher::Event::Init => WatchEvent::Init(self.id.clone()),
            watcher::Event::InitApply(resource) => WatchEvent::InitApply(self.decode(&resource)?),
            watcher::Event::InitDone => WatchEvent::InitDone(self.id.clone()),
            watcher::Event::Apply(resource) => WatchEvent::Apply(self.decode(&resource)?),
            watcher::Event::Delete(resource) => {
                let namespace = resource.namespace().unwrap_or_default();
                let key = ObjectKey::new(&self.entry.model.name, &namespace, &resource.name_any());
                WatchEvent::Delete(key, resource.uid().unwrap_or_default())
            }
        })
    }

    /// Returns the object; none if it cannot be read, which must not stop the others.
    fn decode(&self, resource: &DynamicObject) -> Option<Box<Object>> {
        match from_custom_resource(&self.entry.model, resource) {
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

/// Returns the field manager that changed an object last, beside status: as far as the times of managedFields tell.
fn last_writer(meta: &ObjectMeta) -> Option<Arc<str>> {
    let entries = meta.managed_fields.iter().flatten().filter(|entry| entry.subresource.is_none());
    let last = entries.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    last.manager.as_deref().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_writer_is_known_by_time() {
        let entry = |manager: &str, minute: u8, subresource: Option<&str>| {
            let time = format!("2026-01-01T00:0{minute}:00Z");
            json!({"manager": manager, "time": time, "subresource": subresource})
        };
        let all = [entry("kubectl", 1, None), entry("argocd", 3, None), entry("xos/a/status", 5, Some("status"))];
        let meta: ObjectMeta = serde_json::from_value(json!({"managedFields": all})).unwrap();
        assert_eq!(last_writer(&meta).as_deref(), Some("argocd"));
        assert_eq!(last_writer(&ObjectMeta::default()), None);
    }
}
