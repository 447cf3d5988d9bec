//! Edits of objects at a steady pace, and how long each takes until its object is Ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// What is edited.
#[derive(Clone)]
pub(crate) struct Edits {
    pub(crate) api: Api<DynamicObject>,
    /// How many objects there are, `steady0` and so on.
    pub(crate) objects: usize,
    /// How many edits there are in a second.
    pub(crate) rate: u64,
    times: Arc<Mutex<Times>>,
}

#[derive(Default)]
struct Times {
    /// When a generation of an object was made.
    begun: BTreeMap<(String, i64), Instant>,
    took: Vec<Duration>,
    /// How long the API server took for each edit itself.
    answered: Vec<Duration>,
}

impl Edits {
    pub(crate) fn new(api: Api<DynamicObject>, objects: usize, rate: u64) -> Self {
        Self { api, objects, rate, times: Arc::default() }
    }

    /// Edits one object after the other until it is stopped. Returns how many edits were made.
    pub(crate) async fn run(self, stop: CancellationToken) -> u64 {
        let mut pace = tokio::time::interval(Duration::from_micros(1_000_000 / self.rate));
        let mut edits = FuturesUnordered::new();
        for edit in 1.. {
            if stop.run_until_cancelled(pace.tick()).await.is_none() {
                while edits.next().await.is_some() {}
                return edit - 1;
            }
            while edits.len() >= 64 {
                edits.next().await;
            }
            let edits_of = self.clone();
            edits.push(tokio::spawn(async move { edits_of.edit(edit).await }));
        }
        unreachable!("it ends when it is stopped")
    }

    async fn edit(&self, edit: u64) {
        let name = format!("steady{}", edit as usize % self.objects);
        let patch = json!({"spec": {"size": edit}});
        let begun = Instant::now();
        let after = self.api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        let mut times = self.times.lock().unwrap();
        times.answered.push(begun.elapsed());
        times.begun.insert((name, after.metadata.generation.unwrap()), begun);
    }

    /// Takes the time of each edit whose object is Ready at its generation.
    pub(crate) async fn watch(self) {
        let seen = watcher(self.api.clone(), watcher::Config::default()).default_backoff().touched_objects();
        let each = seen.try_for_each(async |object| {
            let conditions = object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let ready = conditions.iter().find(|one| one["type"] == "Ready" && one["status"] == "True");
            if let Some(generation) = ready.and_then(|ready| ready["observedGeneration"].as_i64()) {
                let key = (object.metadata.name.clone().unwrap_or_default(), generation);
                let mut times = self.times.lock().unwrap();
                if let Some(begun) = times.begun.remove(&key) {
                    times.took.push(begun.elapsed());
                }
            }
            Ok(())
        });
        each.await.unwrap();
    }

    /// Returns of how many edits it is known how long they took.
    pub(crate) fn known(&self) -> usize {
        self.times.lock().unwrap().took.len()
    }

    /// Returns what the edits have taken since the last call, in words, and of how many it is known.
    pub(crate) fn told(&self) -> (String, usize) {
        let mut times = self.times.lock().unwrap();
        let count = times.took.len();
        let took = spread("Ready", std::mem::take(&mut times.took));
        let answered = spread("answered", std::mem::take(&mut times.answered));
        (format!("{took}, {answered}"), count)
    }
}

/// Returns after what time most were that, and all but a few, in words.
fn spread(what: &str, mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("{} {what} after {:.0?} (median), {:.0?} (p99)", times.len(), at(50), at(99))
}
