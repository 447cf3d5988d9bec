//! Starts the tasks of a controller, and ends them.

use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_engine::clock::SystemClock;
use xos_engine::events::{self, KubeEvents};
use xos_engine::watch::{WatchEvent, watches};
use xos_engine::{Engine, EngineError, KubeWriter, Options, Registry};
use xos_model::graph::ExtraDependency;
use xos_steps::{Services, http_client};

use super::installing::Installing;
use super::{Controller, ControllerError};
use crate::config::Config;
use crate::io_steps::IoSteps;
use crate::monitoring::{Monitored, MonitoringError, Reconciler, Server};

/// The capacity of the channel from the watches to the engine.
const WATCH_EVENTS_WAITING: usize = 1024;
/// How long a watch lasts before it is renewed, as a multiple of `api_timeout`.
const WATCHES_LAST: u32 = 4;

/// Runs a controller until `shutdown`.
pub(super) async fn run(
    controller: Controller,
    client: Client,
    config: &Config,
    dependencies: Vec<ExtraDependency>,
    shutdown: CancellationToken,
) -> Result<(), ControllerError> {
    let Controller { registry, io_steps } = controller;
    let (sender, watch_events) = mpsc::channel(WATCH_EVENTS_WAITING);
    let mut watching = start_watches(&client, &registry, config, &sender);
    let options = Options { dependencies, ..config.engine.clone() };
    let writer = Arc::new(KubeWriter::new(client.clone(), &registry).with_timeout(config.api_timeout));
    let installing = Installing::of(&registry, config);
    let registry = Arc::new(registry);
    let (events, outbox) = KubeEvents::new(Arc::clone(&registry), Arc::new(SystemClock));
    let services = Services { producer: io_steps.producer(), ..services(&client, config, events)? };
    let mut engine = Engine::new(registry, writer, Arc::new(SystemClock), services, options)?;
    let _monitoring = start_monitoring(&engine, &io_steps, config, &shutdown).await?;
    let installed = installing.start(client.clone());
    engine.watch_installations(installed.known());
    let name = config.name.clone();
    let events_client = client.clone();
    let sending = AbortOnDropHandle::new(tokio::spawn(async move { events::send(outbox, events_client, &name).await }));
    tracing::info!(namespaces = ?config.engine.namespaces, watches = watching.len(), "running");
    let stop = shutdown.child_token();
    let running = run_steps(engine, watch_events, io_steps, shutdown, stop.clone());
    let result = until_done(running, &mut watching, &stop).await;
    // Kept until here because without steps there is no watch, and the engine ends when all senders are dropped.
    drop(sender);
    // Kubernetes Events that are not sent yet are lost; nothing depends on them.
    drop(sending);
    installed.end(&client).await;
    tracing::info!("stopped");
    result
}

fn start_watches(client: &Client, registry: &Registry, config: &Config, sender: &Sender<WatchEvent>) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    for watch in watches(client, registry, &config.engine.namespaces) {
        watching.spawn(watch.lasting(config.api_timeout * WATCHES_LAST).run(sender.clone()));
    }
    watching
}

/// Starts serving metrics and probes, if an address is configured. They are served as long as the result is kept.
async fn start_monitoring(
    engine: &Engine,
    io_steps: &IoSteps,
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<Option<AbortOnDropHandle<()>>, MonitoringError> {
    let Some(address) = config.monitoring_address else { return Ok(None) };
    let server = Server::listen(address).await?;
    let (pulls, consumers) = io_steps.states();
    let reconciler = Reconciler {
        synchronizer: config.name.clone(),
        concurrency: config.engine.concurrency,
        stats: engine.stats(),
        ready: engine.ready(),
    };
    let monitored = Monitored { reconciler, pulls, consumers };
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(server.run(monitored, shutdown.clone())))))
}

/// Runs the engine, pull steps and event steps. If the engine ends by itself, it cancels `stop`, and the others end
/// too.
async fn run_steps(
    engine: Engine,
    watch_events: Receiver<WatchEvent>,
    io_steps: IoSteps,
    shutdown: CancellationToken,
    stop: CancellationToken,
) -> Result<(), EngineError> {
    let io_steps = io_steps.run(&engine, stop.clone());
    let engine = async {
        let ended = engine.run(watch_events, shutdown).await;
        stop.cancel();
        ended
    };
    tokio::join!(engine, io_steps).0
}

/// Waits until everything has ended. A watch that ends before `stop` is an error, because its objects would no longer
/// be reconciled. After `stop` the engine reads no watch any more, while running steps still end.
async fn until_done(
    running: impl Future<Output = Result<(), EngineError>>,
    watching: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<(), ControllerError> {
    let mut running = std::pin::pin!(running);
    tokio::select! {
        biased;
        ended = &mut running => Ok(ended?),
        Some(watch) = watching.join_next() => {
            if stop.is_cancelled() { Ok(running.await?) } else { Err(ControllerError::WatchEnded(watch.err())) }
        }
    }
}

fn services(client: &Client, config: &Config, events: KubeEvents) -> Result<Services, reqwest::Error> {
    Ok(Services {
        settings: Arc::new(Value::Object(config.settings.clone())),
        events: Arc::new(events),
        kube: Some(client.clone()),
        ..Services::new(http_client()?)
    })
}

#[cfg(test)]
mod tests;
