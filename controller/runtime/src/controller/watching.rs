//! The watches of a controller, which begin and end with the models.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_engine::watch::{WatchEvent, WatchId, WatchLimits, WatchStates, watches};
use xos_engine::{Registry, secret_watches};

use crate::config::Config;

/// The watches that run, until this is dropped.
pub(super) struct Watching {
    client: Client,
    namespaces: Vec<String>,
    limits: WatchLimits,
    states: WatchStates,
    events: Sender<WatchEvent>,
    /// Told when all watches are to list anew.
    relist: Arc<Notify>,
    running: BTreeMap<WatchId, Running>,
    secrets: Vec<Running>,
    ended: UnboundedSender<Option<JoinError>>,
}

/// A watch that runs.
struct Running {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// Tells of watches that end by themselves.
pub(super) type Ended = UnboundedReceiver<Option<JoinError>>;

impl Watching {
    /// Returns one without watches, and what tells of those that end by themselves.
    pub(super) fn new(
        client: &Client,
        config: &Config,
        events: Sender<WatchEvent>,
        relist: Arc<Notify>,
        states: WatchStates,
    ) -> (Self, Ended) {
        let (ended, receiver) = unbounded_channel();
        let watching = Self {
            client: client.clone(),
            namespaces: config.engine.namespaces.clone(),
            limits: WatchLimits::within(config.api_timeout),
            states,
            events,
            relist,
            running: BTreeMap::new(),
            secrets: vec![],
            ended,
        };
        (watching, receiver)
    }

    /// Returns what the engine is told by.
    pub(super) fn events(&self) -> &Sender<WatchEvent> {
        &self.events
    }

    /// Returns how many objects' watches there are.
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    /// Starts the watches of a registry that do not run yet, and those of Secrets if its objects may use them.
    pub(super) async fn start(&mut self, registry: &Registry) {
        for watch in watches(&self.client, registry, &self.namespaces, self.limits, &self.states) {
            if self.running.contains_key(watch.id()) {
                continue;
            }
            let (id, events, relist) = (watch.id().clone(), self.events.clone(), Arc::clone(&self.relist));
            let run = async move {
                loop {
                    tokio::select! {
                        () = relist.notified() => {}
                        () = watch.clone().run(events.clone()) => return,
                    }
                }
            };
            let running = self.spawn(run);
            self.running.insert(id, running);
        }
        let wanted = secret_watches(&self.client, registry, &self.namespaces, self.limits, &self.states, &self.events);
        if wanted.is_empty() {
            stop_all(std::mem::take(&mut self.secrets)).await;
        } else if self.secrets.is_empty() {
            self.secrets = wanted.into_iter().map(|watch| self.spawn(watch.run())).collect();
        }
    }

    /// Ends the watches of a model. When this returns, they have told all that they will ever tell.
    pub(super) async fn stop(&mut self, model: &str) {
        let (ended, others) = std::mem::take(&mut self.running).into_iter().partition(|(id, _)| id.model() == model);
        self.running = others;
        let ended: BTreeMap<WatchId, Running> = ended;
        let ids: Vec<_> = ended.keys().cloned().collect();
        stop_all(ended.into_values()).await;
        self.states.forget(&ids);
    }

    fn spawn(&self, watch: impl Future<Output = ()> + Send + 'static) -> Running {
        let (stop, ended) = (CancellationToken::new(), self.ended.clone());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let watch =
                AbortOnDropHandle::new(tokio::spawn(async move { stopped.run_until_cancelled(watch).await.is_none() }));
            let error = match watch.await {
                Ok(true) => return,
                Ok(false) => None,
                Err(error) => Some(error),
            };
            // Nobody listens at the end.
            let _ = ended.send(error);
        });
        Running { stop, task: AbortOnDropHandle::new(task) }
    }
}

async fn stop_all(watches: impl IntoIterator<Item = Running>) {
    let watches: Vec<_> = watches.into_iter().collect();
    watches.iter().for_each(|watch| watch.stop.cancel());
    for watch in watches {
        // A panic was told.
        let _ = watch.task.await;
    }
}
