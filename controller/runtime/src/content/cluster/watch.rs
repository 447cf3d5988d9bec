//! Watches the objects of a kind.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt as _};
use xos_engine::api_error::with_causes;
use xos_kinds::{Id, ObjectKind};

use super::{Cluster, Objects, Seen};
use crate::content::choose::{Spec, Version};

/// The first and the longest delay until another attempt.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// The delays between attempts.
struct Pace(Duration);

impl Iterator for Pace {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = self.0;
        self.0 = (now * 2).min(LONGEST);
        Some(now)
    }
}

impl Backoff for Pace {
    fn reset(&mut self) {
        self.0 = FIRST;
    }
}

/// Hands on what is seen of a kind, for ever.
pub(super) async fn run(cluster: Arc<Cluster>, client: Client, kind: ObjectKind) {
    let config = watcher::Config { label_selector: cluster.selector.clone(), ..watcher::Config::default() };
    let mut events = pin!(watcher(cluster.api(&client, kind), config).backoff(Pace(FIRST)));
    let mut listed: Vec<Seen> = vec![];
    let mut problem = String::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => listed.extend(seen(kind, &object)),
            Ok(Event::InitDone) => {
                problem.clear();
                cluster.replace(kind, std::mem::take(&mut listed));
            }
            Ok(Event::Apply(object)) => {
                if let Some(seen) = seen(kind, &object) {
                    cluster.change(|all| drop(all.insert(seen.id.clone(), Arc::new(seen))));
                }
            }
            Ok(Event::Delete(object)) => {
                cluster.change(|all| drop(all.remove(&Id { kind, name: object.name_any() })));
            }
            Err(error) => {
                // Without its definition there is none.
                if is_undefined(&error) {
                    cluster.replace(kind, vec![]);
                    continue;
                }
                let told = with_causes(&error);
                if told != problem {
                    let (plural, namespace) = (kind.plural(), cluster.namespace.as_str());
                    tracing::warn!(
                        error = told,
                        "cannot watch {plural} in namespace {namespace}: what is known of them stays in use (needed are \
                         the rights `get`, `list`, `watch` and `patch` on {plural}, API group xos.opencord.org)"
                    );
                    problem = told;
                }
            }
        }
    }
}

fn is_undefined(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) => status.code == 404,
        _ => false,
    }
}

/// Reads an object. One that has another form than the definition asks for is left out.
fn seen(kind: ObjectKind, object: &DynamicObject) -> Option<Seen> {
    let id = Id { kind, name: object.name_any() };
    let spec = object.data.get("spec").cloned().unwrap_or_default();
    let spec = match kind {
        ObjectKind::ModelSet => match serde_json::from_value(spec) {
            Ok(spec) => Spec::Models(Arc::new(spec)),
            Err(error) => {
                tracing::error!(%error, "cannot read {id}: it is left out");
                return None;
            }
        },
        ObjectKind::Document(_) => Spec::Document(Arc::new(spec)),
    };
    let status = object.data.get("status").cloned().map(serde_json::from_value);
    Some(Seen {
        id,
        uid: object.uid().unwrap_or_default(),
        now: Version { generation: object.metadata.generation.unwrap_or_default(), spec },
        is_leaving: object.metadata.deletion_timestamp.is_some(),
        finalizers: object.finalizers().to_vec(),
        status: status.and_then(Result::ok).unwrap_or_default(),
    })
}

impl Cluster {
    /// Puts what was listed in the place of what was known of a kind.
    fn replace(&self, kind: ObjectKind, listed: Vec<Seen>) {
        self.change(|all| {
            all.retain(|id, _| id.kind != kind);
            all.extend(listed.into_iter().map(|seen| (seen.id.clone(), Arc::new(seen))));
        });
        self.listed.send_if_modified(|known| known.insert(kind));
    }

    fn change(&self, change: impl FnOnce(&mut Objects)) {
        self.objects.send_if_modified(|all| {
            let mut new = (**all).clone();
            change(&mut new);
            let has_changed = new != **all;
            if has_changed {
                *all = Arc::new(new);
            }
            has_changed
        });
    }
}
