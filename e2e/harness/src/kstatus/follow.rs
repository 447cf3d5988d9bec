//! Follows the objects of a kind, from one state to the next.

use std::{collections::HashMap, pin::pin};

use futures::StreamExt as _;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    runtime::{WatchStreamExt as _, watcher},
};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::Findings;

/// Looks at every state of the objects of a kind in a namespace, until it is dropped.
#[derive(Debug)]
pub struct Follower(JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Follower {
    /// Follows a kind, also one that is served only later.
    #[must_use]
    pub fn start(client: Client, namespace: &str, resource: &ApiResource, findings: Findings) -> Self {
        let api = Api::<DynamicObject>::namespaced_with(client, namespace, resource);
        Self(tokio::spawn(async move {
            let mut states: HashMap<String, Value> = HashMap::new();
            let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
            while let Some(event) = events.next().await {
                match event {
                    Ok(watcher::Event::Apply(object)) => changed(&mut states, &object, &findings),
                    Ok(watcher::Event::Delete(object)) => drop(states.remove(&uid(&object))),
                    // What was between is not seen: nothing follows on what was before.
                    Ok(watcher::Event::Init) => states.clear(),
                    Ok(watcher::Event::InitApply(object)) => changed(&mut states, &object, &findings),
                    Ok(watcher::Event::InitDone) | Err(_) => {}
                }
            }
        }))
    }
}

fn uid(object: &DynamicObject) -> String {
    object.metadata.uid.clone().unwrap_or_default()
}

fn changed(states: &mut HashMap<String, Value>, object: &DynamicObject, findings: &Findings) {
    let new = serde_json::to_value(object).unwrap_or_default();
    match states.get(&uid(object)) {
        Some(before) => findings.look_at_change(before, &new),
        None => findings.look(&new),
    }
    states.insert(uid(object), new);
}
