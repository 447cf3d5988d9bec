//! `run`: runs the synchronizer until it is stopped.

mod reload;
mod signals;

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{CommandError, Exit};
use crate::cluster::{self, ClusterError};
use crate::config::{Config, ConfigError, DesiredState, Loaded, Logging};
use crate::controller::{Controller, ControllerError, Service};
use crate::logging;
use crate::synchronizer::Synchronizer;
use crate::telemetry::{Exporter, TracingError};
use reload::Seen;

/// How soon what has changed shows that it does not work.
const ON_TRIAL: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(after_help = "\
Cluster: KUBECONFIG or ~/.kube/config, as for kubectl; inside a pod its ServiceAccount.
Order of settings: the first file, overlays in the order given, \
then environment variables (XOS_NAME, XOS_SETTINGS__DIRECTORY_URL …).
SIGHUP lets it read `logging.level` again; in a terminal it stops it.
SIGTERM or Ctrl-C stops it: running steps end, or are cut off after shutdown_grace; then the exit code is 0.")]
pub(crate) struct RunArgs {
    /// Configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Vec<PathBuf>,
}

/// Why a synchronizer could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "desired_state: unload is not supported by this version: delete the objects, then the definitions \
         (`xos crds PATH | kubectl delete -f -`), while the synchronizer runs with desired_state: load"
    )]
    Unload,
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Controller(#[from] ControllerError),
    #[error(transparent)]
    Tracing(#[from] TracingError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl CommandError for RunError {}

/// Runs a synchronizer until SIGTERM or Ctrl-C.
pub(crate) fn run(synchronizer: &Synchronizer, args: &RunArgs) -> Result<Exit, RunError> {
    let loaded = Config::load_with_environment(&args.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exporter = Exporter::of(&loaded.config, runtime.handle())?;
    let Logging { level, format } = &loaded.config.logging;
    logging::start_with(level, *format, exporter.as_ref().map(Exporter::layer));
    log_warnings(&loaded);
    let config = loaded.config;
    if config.desired_state == DesiredState::Unload {
        return Err(RunError::Unload);
    }
    let ended = runtime.block_on(async {
        let shutdown = signals::shutdown_on_signal()?;
        signals::reread_on_hangup(args.config.clone(), shutdown.clone())?;
        // Mistakes in models and steps are found before the cluster is needed.
        let mut seen = Seen::now(&config);
        let first = Service::read(synchronizer, &config)?;
        run_all(synchronizer, &config, first, &mut seen, shutdown).await?;
        Ok(Exit::Success)
    });
    if let Some(exporter) = exporter {
        exporter.end();
    }
    // Everything has ended, or had its time. Calls that block and do not end, as those to a broker that is frozen, must
    // not hold the process.
    runtime.shutdown_background();
    ended
}

/// Runs a synchronizer until `shutdown`. When its models or documents have changed, these take the place of those before;
/// if they do not work, as definitions that would break stored objects, those before go on.
async fn run_all(
    synchronizer: &Synchronizer,
    config: &Config,
    (mut service, mut controller): (Service, Controller),
    seen: &mut Seen,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let mut before: Option<Service> = None;
    loop {
        let (client, writing) = cluster::clients(config.api_timeout, &config.name).await?;
        let stop = shutdown.child_token();
        let started = Instant::now();
        let mut running = pin!(controller.run((client, Box::new(writing)), config, stop.clone()));
        tokio::select! {
            ended = &mut running => match (ended, before.take()) {
                (Err(error), Some(old)) if started.elapsed() < ON_TRIAL => {
                    tracing::error!(%error, "the changed models or documents do not work: those before go on");
                    controller = old.controller(config)?;
                    service = old;
                }
                (ended, _) => return Ok(ended?),
            },
            (next, ready) = reload::changed(synchronizer, config, seen) => {
                tracing::info!("models or documents have changed: running steps end, then the changed ones work");
                stop.cancel();
                running.await?;
                controller = ready;
                before = Some(std::mem::replace(&mut service, next));
            }
        }
        if shutdown.is_cancelled() {
            return Ok(());
        }
    }
}

fn log_warnings(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.render(false));
    }
    if !loaded.unused.is_empty() {
        tracing::info!(keys = ?loaded.unused, "the configuration sets keys that have no effect in this version");
    }
}
