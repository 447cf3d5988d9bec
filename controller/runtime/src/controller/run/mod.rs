//! Starts the tasks of a controller, and ends them.

use std::sync::{Arc, RwLock};

use kube::Client;
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_engine::clock::SystemClock;
use xos_engine::events::{self, KubeEvents, Outbox};
use xos_engine::leader::Leadership;
use xos_engine::watch::{WatchEvent, WatchStates};
use xos_engine::{Engine, EngineError, KubeWriter, LiveRegistry, Options};
use xos_steps::{Services, http_client};

use super::api::Serving;
use super::fenced::{Writing, fenced};
use super::installing::Installing;
use super::leading::Leading;
use super::prepare::Preparing;
use super::taking_up::Parts;
use super::watching::{Ended, Watching};
use super::{Beside, Controller, ControllerError, trust};
use crate::config::Config;
use crate::io_steps::IoSteps;
use crate::monitoring::{Monitored, MonitoringError, Reconciler, Server};

/// The capacity of the channel from the watches to the engine.
const WATCH_EVENTS_WAITING: usize = 1024;

/// Runs a controller until `shutdown`.
pub(super) async fn run(
    controller: Controller,
    (client, writing): (Client, Writing),
    config: &Config,
    beside: Beside,
    shutdown: CancellationToken,
) -> Result<(), ControllerError> {
    let registry = LiveRegistry::new(Arc::clone(&controller.registry));
    let warm = watch::Sender::new(false);
    let (mut leading, outbox) = Leading::start(&client, config, &registry, warm.subscribe());
    let writing = writing(&leading.leadership).map_err(|source| ControllerError::Client(Box::new(source)))?;
    let fenced = fenced(&client, writing, &leading.leadership);
    let parts = (controller, registry, beside);
    let result = lead(parts, (&client, fenced), config, (&mut leading, outbox, warm), shutdown).await;
    // It may have ended before it could be released.
    leading.release().await;
    leading.end().await;
    tracing::info!("stopped");
    result
}

/// Runs the parts of a controller, each of which asks whether this process leads.
async fn lead(
    (controller, live, beside): (Controller, LiveRegistry, Beside),
    (client, fenced): (&Client, Client),
    config: &Config,
    (leading, outbox, warm): (&mut Leading, Outbox, watch::Sender<bool>),
    shutdown: CancellationToken,
) -> Result<(), ControllerError> {
    let Controller { registry, dependencies, io_steps } = controller;
    let Beside { attending, changes } = beside;
    let leadership = leading.leadership.clone();
    let preparing = Arc::new(Preparing {
        client: fenced.clone(),
        synchronizer: config.name.clone(),
        definitions: RwLock::new(xos_crds::definitions(&registry.models)),
        by: config.definitions,
        leadership: leadership.clone(),
        relist: Arc::default(),
    });
    let monitoring = start_monitoring(config).await?;
    let serving = Serving::listen(config).await?;
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        started = preparing.begin(client) => started?,
    }
    let (sender, watch_events) = mpsc::channel(WATCH_EVENTS_WAITING);
    let watch_states = WatchStates::default();
    let relist = Arc::clone(&preparing.relist);
    let (mut watching, watches_ended) = Watching::new(client, config, sender, relist, watch_states.clone());
    watching.start(&registry).await;
    let options = Options { dependencies, ..config.engine.clone() };
    let writer =
        |client: &Client| Arc::new(KubeWriter::new(client.clone(), &registry).with_timeout(config.api_timeout));
    let installing = Installing::of(&registry, config);
    let services = Services { producer: io_steps.producer(), ..services(config)? };
    let _trusting = trust::start(services.http.clone(), config, &shutdown)?;
    let ours = Services { kube: Some(fenced.clone()), events: Arc::clone(&leading.events) as _, ..services.clone() };
    let mut engine =
        Engine::new(live.clone(), writer(&fenced), Arc::new(SystemClock), ours, options)?.led_by(leadership.clone());
    // Event steps run on every replica.
    let (events, outbox_of_all) = KubeEvents::new(live.clone(), Arc::new(SystemClock));
    let services = Services { kube: Some(client.clone()), events: Arc::new(events), ..services };
    let services = engine.services_of_all(writer(client), services);
    serving.iter().for_each(|serving| serving.follow(&engine));
    let of_api = (client, services.as_ref(), engine.store());
    let _serving = serving.map(|serving| serving.start(of_api, leadership.clone(), &engine.ready(), &shutdown));
    let monitored = monitored(&engine, &io_steps, (watch_states, leading), config);
    let _monitoring =
        monitoring.map(|server| AbortOnDropHandle::new(tokio::spawn(server.run(monitored, shutdown.clone()))));
    let installed = Arc::new(installing.start(fenced.clone(), leadership.clone()));
    engine.watch_installations(installed.known());
    let sending = [(outbox, &fenced), (outbox_of_all, client)].map(|(outbox, client)| {
        let (name, client) = (config.name.clone(), client.clone());
        AbortOnDropHandle::new(tokio::spawn(async move { events::send(outbox, client, &name).await }))
    });
    let warming = AbortOnDropHandle::new(tokio::spawn(pass_on(engine.ready(), warm)));
    tracing::info!(namespaces = ?config.engine.namespaces, watches = watching.len(), "running");
    let _attending = AbortOnDropHandle::new(tokio::spawn(attending.run(fenced.clone(), leadership.clone())));
    let stop = shutdown.child_token();
    let parts = Parts {
        registry: live.clone(),
        preparing: Arc::clone(&preparing),
        watching,
        pulls: io_steps.pulls(),
        events: io_steps.events(),
        installed: Arc::clone(&installed),
        starting: None,
        services: Arc::clone(&services),
        shutdown: shutdown.clone(),
    };
    let running =
        run_steps((engine, live), watch_events, (io_steps, services, leadership), shutdown, stop.clone(), async {
            installed.end(&fenced).await;
            leading.release().await;
        });
    let result = tokio::select! {
        biased;
        result = until_done(running, watches_ended, &stop) => result,
        error = preparing.run() => Err(error.into()),
        () = parts.run(changes) => Ok(()),
    };
    // Kubernetes Events that are not sent yet are lost; nothing depends on them.
    drop((sending, warming));
    result
}

/// Passes a signal on until it is true.
async fn pass_on(mut from: watch::Receiver<bool>, to: watch::Sender<bool>) {
    if from.wait_for(|is_it| *is_it).await.is_ok() {
        to.send_replace(true);
    }
    // Without a sender the receiver would ask again and again.
    std::future::pending::<()>().await;
}

/// Listens for requests for metrics and probes, if an address is configured.
async fn start_monitoring(config: &Config) -> Result<Option<Server>, MonitoringError> {
    match config.monitoring_address {
        Some(address) => Server::listen(address).await.map(Some),
        None => Ok(None),
    }
}

fn monitored(
    engine: &Engine,
    io_steps: &IoSteps,
    (watches, leading): (WatchStates, &Leading),
    config: &Config,
) -> Monitored {
    let (pulls, consumers) = io_steps.states();
    let reconciler = Reconciler {
        synchronizer: config.name.clone(),
        concurrency: config.engine.concurrency,
        stats: engine.stats(),
        ready: engine.ready(),
        heartbeat: engine.heartbeat(),
    };
    let others = leading.others.clone();
    Monitored { reconciler, leadership: leading.leadership.clone(), watches, others, pulls, consumers }
}

/// Runs the engine, pull steps and event steps. If the engine ends by itself, it cancels `stop`, and the others end
/// too. When nothing that only a leader does runs any more, `after_work` follows, while event steps may still end.
async fn run_steps(
    (engine, live): (Engine, LiveRegistry),
    watch_events: Receiver<WatchEvent>,
    (io_steps, services, leadership): (IoSteps, Arc<Services>, Leadership),
    shutdown: CancellationToken,
    stop: CancellationToken,
    after_work: impl Future<Output = ()>,
) -> Result<(), EngineError> {
    let (pulls, others) = io_steps.run((&engine, live), services, &leadership, stop.clone());
    let engine = async {
        let ended = engine.run(watch_events, shutdown).await;
        stop.cancel();
        ended
    };
    let work = async {
        let (ended, ()) = tokio::join!(engine, pulls);
        after_work.await;
        ended
    };
    tokio::join!(work, others).0
}

/// Waits until everything has ended. A watch that ends before `stop` is an error, because its objects would no longer
/// be reconciled. After `stop` the engine reads no watch any more, while running steps still end.
async fn until_done(
    running: impl Future<Output = Result<(), EngineError>>,
    mut watches_ended: Ended,
    stop: &CancellationToken,
) -> Result<(), ControllerError> {
    let mut running = std::pin::pin!(running);
    tokio::select! {
        biased;
        ended = &mut running => Ok(ended?),
        Some(error) = watches_ended.recv() => {
            if stop.is_cancelled() { Ok(running.await?) } else { Err(ControllerError::WatchEnded(error)) }
        }
    }
}

fn services(config: &Config) -> Result<Services, reqwest::Error> {
    Ok(Services {
        settings: Arc::new(Value::Object(config.settings.clone())),
        traceparent: Some(crate::telemetry::traceparent),
        ..Services::new(http_client()?)
    })
}

#[cfg(test)]
mod tests;
