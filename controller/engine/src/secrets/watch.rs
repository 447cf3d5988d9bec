//! Watches names and versions of Secrets.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::mpsc;

use super::{SecretName, SecretNews, are_used};
use crate::registry::Registry;
use crate::watch::source::{Shown, Sink, Source};
use crate::watch::{News, WatchEvent, WatchFailure, WatchId, WatchLimits, WatchStates};

/// What watches of Secrets are called where a model is told. No model has such a name.
pub const SECRETS: &str = "v1/Secret";

/// A watch of Secrets that can be run.
pub struct SecretWatch {
    source: Source<PartialObjectMeta<Secret>>,
    feed: Feed,
}

/// Returns the watches of Secrets in these namespaces (none given: in all), if objects of a model may take values from
/// them. Their states are kept in `states`.
pub fn secret_watches(
    client: &Client,
    registry: &Registry,
    namespaces: &[String],
    limits: WatchLimits,
    states: &WatchStates,
    events: &mpsc::Sender<WatchEvent>,
) -> Vec<SecretWatch> {
    if !are_used(registry) {
        return vec![];
    }
    let everywhere = namespaces.is_empty().then_some(None);
    let scopes = everywhere.into_iter().chain(namespaces.iter().map(|here| Some(here.clone())));
    let watch = |scope: Option<String>| {
        // Only names and versions: a request for metadata.
        let api = match &scope {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        let (id, states, events) = (WatchId::new(SECRETS, scope.as_deref()), states.clone(), events.clone());
        let feed = Feed { id, scope, listed: BTreeMap::new(), states, events };
        SecretWatch { source: Source { api, fields: None, limits }, feed }
    };
    scopes.map(watch).collect()
}

impl SecretWatch {
    /// Watches until the receiver is closed. A broken watch is resumed with growing delay, without end.
    pub async fn run(mut self) {
        self.source.run(&mut self.feed).await;
    }
}

/// Gives the engine what a source shows.
struct Feed {
    id: WatchId,
    scope: Option<String>,
    listed: BTreeMap<SecretName, String>,
    states: WatchStates,
    events: mpsc::Sender<WatchEvent>,
}

impl Sink<PartialObjectMeta<Secret>> for Feed {
    async fn take(&mut self, shown: Shown<PartialObjectMeta<Secret>>) -> ControlFlow<()> {
        if !matches!(shown, Shown::Init | Shown::Fails(_)) {
            self.states.heard(&self.id, Timestamp::now());
        }
        let news = match shown {
            Shown::Init => {
                self.listed.clear();
                None
            }
            Shown::Listed(secret) => {
                self.listed.insert(name_of(&secret), version_of(&secret));
                None
            }
            Shown::ListDone(_) => Some(SecretNews::Listed(self.scope.clone(), std::mem::take(&mut self.listed))),
            Shown::Changed(secret) => Some(SecretNews::Changed(name_of(&secret), version_of(&secret))),
            Shown::Deleted(secret) => Some(SecretNews::Gone(name_of(&secret))),
            Shown::Works => {
                if self.states.works(&self.id) == News::New {
                    tracing::info!(namespace = self.scope, "the watch of Secrets works again");
                }
                None
            }
            Shown::Fails(failure) => self.fails(&failure),
        };
        let Some(news) = news else { return Continue(()) };
        if self.events.send(WatchEvent::Secrets(news)).await.is_ok() { Continue(()) } else { Break(()) }
    }
}

impl Feed {
    fn fails(&self, failure: &WatchFailure) -> Option<SecretNews> {
        if self.states.fails(&self.id, failure.to_string(), Timestamp::now()) == News::New {
            let namespace = self.scope.as_deref();
            tracing::warn!(namespace, %failure, "cannot watch Secrets: a change of one is seen when that works again");
        }
        matches!(failure, WatchFailure::Forbidden(_)).then(|| SecretNews::Forbidden(self.scope.clone()))
    }
}

fn name_of(secret: &PartialObjectMeta<Secret>) -> SecretName {
    (secret.namespace().unwrap_or_default(), secret.name_any())
}

fn version_of(secret: &PartialObjectMeta<Secret>) -> String {
    format!("{}/{}", secret.uid().unwrap_or_default(), secret.resource_version().unwrap_or_default())
}
