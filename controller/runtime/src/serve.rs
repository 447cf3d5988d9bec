//! `xos run`: puts everything together and runs it until a signal.

use std::env;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_crds::cel::{Left, enforcement};
use xos_engine::birth::{self, Births};
use xos_engine::clock::SystemClock;
use xos_engine::events::{self, KubeEvents};
use xos_engine::install::{InstallError, install};
use xos_engine::watch::{Notice, watches};
use xos_engine::{Engine, EngineError, KubeWriter, Registry, RegistryError};
use xos_model::Backoff;
use xos_model::graph::{ExtraDependency, GraphError, model_cycles};
use xos_steps::{Services, http_client};
use xos_xproto::ModelSet;

use crate::cluster::{self, ClusterError};
use crate::config::{Config, ConfigError, DesiredState};
use crate::dependencies::{self, DependenciesError};
use crate::flows::{Flows, FlowsError};
use crate::logging;
use crate::models::{self, ModelsError};
use crate::monitoring::{Monitored, MonitoringError, Server};
use crate::synchronizer::Synchronizer;

/// How many notices of watches may wait for the engine.
const NOTICES_WAITING: usize = 1024;
/// How much longer a watch lasts than the API server has for an answer.
const WATCHES_LAST: u32 = 4;

/// Why a synchronizer could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The models.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// No models at all.
    #[error("there are no models: set models_dir in the configuration to a folder of .xproto files")]
    NoModels,
    /// Unloading is not there yet.
    #[error(
        "desired_state: unload is not supported by this version: delete the objects, then the definitions \
         (`xos crds PATH | kubectl delete -f -`), while the synchronizer runs with desired_state: load"
    )]
    Unload,
    /// Steps that do not go with the models.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// No cluster to talk to.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The HTTP client of the steps cannot be made.
    #[error("cannot make the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// Pull steps, event steps, or their bus.
    #[error(transparent)]
    Flows(#[from] FlowsError),
    /// The file of dependencies.
    #[error(transparent)]
    Dependencies(#[from] DependenciesError),
    /// Dependencies that do not go with the models.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Nobody could see how it fares.
    #[error(transparent)]
    Monitoring(#[from] MonitoringError),
    /// The custom resources cannot be made.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A watch ended, which it never should.
    #[error("a watch ended: please report this{}", .0.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
    WatchEnded(Option<tokio::task::JoinError>),
    /// The operating system.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Runs a synchronizer with these configuration files until SIGTERM or Ctrl-C.
///
/// # Errors
/// When it cannot start, or the engine stops by itself.
pub fn serve(synchronizer: Synchronizer, files: &[PathBuf]) -> Result<(), ServeError> {
    let loaded = Config::load(files, variables())?;
    let config = loaded.config;
    logging::start(&config.logging.level, config.logging.format);
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.render(false));
    }
    if !loaded.unused.is_empty() {
        tracing::info!(keys = ?loaded.unused, "set in the configuration, and without effect in this version");
    }
    if config.desired_state == DesiredState::Unload {
        return Err(ServeError::Unload);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let shutdown = shutdown_on_signal()?;
        run(synchronizer, &config, shutdown).await
    })
}

/// Runs a synchronizer until `shutdown`; the cluster is the one of the environment.
///
/// # Errors
/// When it cannot start, or the engine stops by itself.
pub async fn run(synchronizer: Synchronizer, config: &Config, shutdown: CancellationToken) -> Result<(), ServeError> {
    let (registry, flows) = prepare(synchronizer, config)?;
    let client = cluster::client(config.api_timeout).await?;
    start(registry, flows, client, config, shutdown).await
}

/// Runs a synchronizer on the cluster of `client` until `shutdown`.
///
/// # Errors
/// When it cannot start, or the engine stops by itself.
pub async fn run_on(
    client: Client,
    synchronizer: Synchronizer,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let (registry, flows) = prepare(synchronizer, config)?;
    start(registry, flows, client, config, shutdown).await
}

/// All that can be wrong with the steps is found before a cluster is asked for.
fn prepare(mut synchronizer: Synchronizer, config: &Config) -> Result<(Registry, Flows), ServeError> {
    let (pulls, events) = (mem::take(&mut synchronizer.pull_steps), mem::take(&mut synchronizer.event_steps));
    let registry = registry(synchronizer, config)?;
    let flows = Flows::new(pulls, events, &registry, config)?;
    Ok((registry, flows))
}

pub(crate) fn registry(synchronizer: Synchronizer, config: &Config) -> Result<Registry, ServeError> {
    let models = load_models(&synchronizer, config)?;
    Ok(Registry::new(&config.name, &models, synchronizer.steps, synchronizer.policies)?)
}

async fn start(
    registry: Registry,
    flows: Flows,
    client: Client,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let models = Arc::clone(&registry.models);
    let definitions = xos_crds::definitions(&models);
    tracing::info!(synchronizer = config.name, definitions = definitions.len(), "applying custom resource definitions");
    tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        installed = install(&client, definitions) => installed?,
    }
    warn_of_models_without_step(&registry);
    warn_of_what_is_not_enforced(&models);
    let dependencies = config.dependency_graph.as_deref().map(dependencies::read).transpose()?.unwrap_or_default();
    tell_cycles(&models, &dependencies);
    work(registry, flows, &client, config, dependencies, shutdown).await
}

/// It saves a write for each object, and nothing depends on it; so nobody waits for it.
async fn set_finalizers_at_birth(client: Client, births: Births, synchronizer: String) {
    if let Err(error) = birth::install(&client, &births, &synchronizer).await {
        tracing::warn!(%error, "finalizers are set by the controller, with one more write for each object");
    }
}

async fn work(
    registry: Registry,
    flows: Flows,
    client: &Client,
    config: &Config,
    dependencies: Vec<ExtraDependency>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let (sender, notices) = mpsc::channel(NOTICES_WAITING);
    let mut watching = JoinSet::new();
    for watch in watches(client, &registry, &config.namespaces) {
        watching.spawn(watch.lasting(config.api_timeout * WATCHES_LAST).run(sender.clone()));
    }
    let options = xos_engine::Options { watches: watching.len(), ..options(config, dependencies) };
    let writer = Arc::new(KubeWriter::new(client.clone(), &registry).with_timeout(config.api_timeout));
    let registry = Arc::new(registry);
    let (events, outbox) = KubeEvents::new(Arc::clone(&registry), Arc::new(SystemClock));
    let services = Services { producer: flows.producer(), ..services(client, config, events)? };
    let births = birth::births(&registry, &config.namespaces);
    let engine = Engine::new(registry, writer, Arc::new(SystemClock), services, options)?;
    let _monitoring = monitor(&engine, &flows, config, &shutdown).await?;
    let setting = set_finalizers_at_birth(client.clone(), births, config.name.clone());
    let setting = config.finalizers_at_birth.then(|| AbortOnDropHandle::new(tokio::spawn(setting)));
    let telling = AbortOnDropHandle::new(tokio::spawn({
        let (client, synchronizer) = (client.clone(), config.name.clone());
        async move { events::send(outbox, client, &synchronizer).await }
    }));
    tracing::info!(namespaces = ?config.namespaces, watches = watching.len(), "running");
    let stop = shutdown.child_token();
    let running = run_all(engine, notices, flows, shutdown, stop.clone());
    let result = until_done(running, &mut watching, &stop).await;
    // With no step there is no watch: this sender keeps the engine waiting for shutdown.
    drop(sender);
    // Events that still wait are lost; nothing depends on them.
    drop((telling, setting));
    tracing::info!("stopped");
    result
}

/// Whoever asks is told how all fare, while the result is kept.
async fn monitor(
    engine: &Engine,
    flows: &Flows,
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<Option<AbortOnDropHandle<()>>, MonitoringError> {
    let Some(address) = config.monitoring_address else { return Ok(None) };
    let server = Server::listen(address).await?;
    let (pulls, consumers) = flows.states();
    let monitored = Monitored { engine: engine.ready(), pulls, consumers };
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(server.run(monitored, shutdown.clone())))))
}

/// Until all has ended; a watch must not end before the stop, for nobody would notice. After it the engine listens to none any more, while
/// steps still end.
async fn until_done(
    running: impl Future<Output = Result<(), EngineError>>,
    watching: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<(), ServeError> {
    let mut running = std::pin::pin!(running);
    tokio::select! {
        biased;
        ended = &mut running => Ok(ended?),
        Some(watch) = watching.join_next() => {
            if stop.is_cancelled() { Ok(running.await?) } else { Err(ServeError::WatchEnded(watch.err())) }
        }
    }
}

/// Engine, pull steps and event steps. If the engine ends by itself, the others do too.
async fn run_all(
    engine: Engine,
    notices: mpsc::Receiver<Notice>,
    flows: Flows,
    shutdown: CancellationToken,
    stop: CancellationToken,
) -> Result<(), EngineError> {
    let flowing = flows.run(&engine, stop.clone());
    let engine = async {
        let ended = engine.run(notices, shutdown).await;
        stop.cancel();
        ended
    };
    tokio::join!(engine, flowing).0
}

fn load_models(synchronizer: &Synchronizer, config: &Config) -> Result<ModelSet, ServeError> {
    match &config.models_dir {
        Some(folder) => Ok(models::from_paths(std::slice::from_ref(folder))?),
        None if synchronizer.models.is_empty() => Err(ServeError::NoModels),
        None => Ok(models::from_texts(&synchronizer.models)?),
    }
}

/// What the models say and nobody checks must not go unnoticed.
fn warn_of_what_is_not_enforced(models: &ModelSet) {
    for model in models.concrete() {
        for validator in enforcement(models, model) {
            // What speaks of other objects the controller checks.
            let left = validator.left.into_iter().filter(|(_, reason)| !matches!(reason, Left::OtherObject { .. }));
            for (part, reason) in left {
                let policy = &validator.policy;
                tracing::warn!(model = model.name, policy, part, %reason, "this version does not enforce this part of a validator");
            }
        }
        if let Some(policy) = &model.access_policy {
            tracing::warn!(model = model.name, policy, "this version does not enforce the model's access policy");
        }
    }
}

fn warn_of_models_without_step(registry: &Registry) {
    for entry in registry.entries().filter(|entry| entry.step.is_none() && entry.policies.is_empty()) {
        tracing::warn!(model = entry.model.name, "no step for this model: its objects are stored and not synchronized");
    }
}

/// Objects of such models may wait for each other in a circle, which is then not waited for: better to know it before.
fn tell_cycles(models: &ModelSet, dependencies: &[ExtraDependency]) {
    for cycle in model_cycles(models, dependencies).into_iter().filter(|cycle| cycle.len() > 1) {
        tracing::info!(models = cycle.join(", "), "these models depend on each other in a circle");
    }
}

fn services(client: &Client, config: &Config, events: KubeEvents) -> Result<Services, reqwest::Error> {
    let settings = Arc::new(Value::Object(config.settings.clone()));
    let (events, kube) = (Arc::new(events), Some(client.clone()));
    Ok(Services { settings, events, kube, ..Services::new(http_client()?) })
}

fn options(config: &Config, dependencies: Vec<ExtraDependency>) -> xos_engine::Options {
    let configured = config.backoff;
    // Without backoff the delay does not grow.
    let max = if config.backoff_disabled { configured.initial } else { configured.max };
    xos_engine::Options {
        concurrency: config.concurrency,
        slow_after: config.slow_after,
        slow_concurrency: config.slow_concurrency,
        step_timeout: config.step_timeout,
        backoff: Backoff { max, ..configured },
        shutdown_grace: config.shutdown_grace,
        deferred_every: config.deferred_every,
        dependencies,
        namespaces: config.namespaces.clone(),
        ..xos_engine::Options::default()
    }
}

/// The environment, without what is no text: no key of ours is.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Cancelled on SIGTERM or SIGINT.
fn shutdown_on_signal() -> Result<CancellationToken, std::io::Error> {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(token)
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
