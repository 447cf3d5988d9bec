//! Starts the tasks of a controller, and ends them.

use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_engine::clock::{Clock as _, SystemClock};
use xos_engine::events::{self, KubeEvents};
use xos_engine::presence::{Others, Presence, Process};
use xos_engine::watch::{WatchEvent, WatchLimits, WatchStates, watches};
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
    let watch_states = WatchStates::default();
    let mut watching = start_watches(&client, &registry, config, &sender, &watch_states);
    let options = Options { dependencies, ..config.engine.clone() };
    let writer = Arc::new(KubeWriter::new(client.clone(), &registry).with_timeout(config.api_timeout));
    let installing = Installing::of(&registry, config);
    let registry = Arc::new(registry);
    let (events, outbox) = KubeEvents::new(Arc::clone(&registry), Arc::new(SystemClock));
    let services = Services { producer: io_steps.producer(), ..services(&client, config, events)? };
    let mut engine = Engine::new(registry, writer, Arc::new(SystemClock), services, options)?;
    let presence = presence(&client, config);
    let states = (watch_states, presence.others());
    let _monitoring = start_monitoring(&engine, &io_steps, states, config, &shutdown).await?;
    let end = CancellationToken::new();
    let present = AbortOnDropHandle::new(tokio::spawn(presence.run(end.clone())));
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
    end.cancel();
    if let Err(error) = present.await {
        tracing::warn!(%error, "other processes of this name are not told that this one ends");
    }
    tracing::info!("stopped");
    result
}

/// Returns what makes this process known to others of its name.
fn presence(client: &Client, config: &Config) -> Presence {
    let process = Process::new(&host(), std::process::id(), SystemClock.now());
    let limits = WatchLimits::within(config.api_timeout);
    Presence::new(client.clone(), &config.name, &config.engine.namespaces, process, limits)
}

/// Returns the name of the machine; in Kubernetes it is that of the pod.
fn host() -> String {
    let name = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    name.map_or_else(|_| "an unknown machine".to_owned(), |name| name.trim().to_owned())
}

fn start_watches(
    client: &Client,
    registry: &Registry,
    config: &Config,
    sender: &Sender<WatchEvent>,
    states: &WatchStates,
) -> JoinSet<()> {
    let mut watching = JoinSet::new();
    let limits = WatchLimits::within(config.api_timeout);
    for watch in watches(client, registry, &config.engine.namespaces, limits, states) {
        watching.spawn(watch.run(sender.clone()));
    }
    watching
}

/// Starts serving metrics and probes, if an address is configured. They are served as long as the result is kept.
async fn start_monitoring(
    engine: &Engine,
    io_steps: &IoSteps,
    (watches, others): (WatchStates, Others),
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
        heartbeat: engine.heartbeat(),
    };
    let monitored = Monitored { reconciler, watches, others, pulls, consumers };
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
        traceparent: Some(crate::telemetry::traceparent),
        ..Services::new(http_client()?)
    })
}

#[cfg(test)]
mod tests;
