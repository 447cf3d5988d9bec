//! `run`: runs the synchronizer until it is stopped.

mod signals;

use std::io;
use std::path::PathBuf;
use std::pin::pin;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{CommandError, Exit};
use crate::cluster::{self, ClusterError};
use crate::config::{Config, ConfigError, DesiredState, Loaded, Logging};
use crate::content::{ContentError, Sources};
use crate::controller::{Beside, Controller, ControllerError, TakeUp, TakeUpError};
use crate::logging;
use crate::synchronizer::Synchronizer;
use crate::telemetry::{Exporter, TracingError};

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
    Content(#[from] ContentError),
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
        run_all(Sources::new(synchronizer, &config)?, &config, shutdown).await?;
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

/// Runs a synchronizer until `shutdown`. What has changed of its models and documents is taken up while it runs; if it
/// does not work, as definitions that would break stored objects, what was there before goes on.
async fn run_all(mut sources: Sources<'_>, config: &Config, shutdown: CancellationToken) -> Result<(), RunError> {
    // Mistakes in models and steps are found before the cluster is needed.
    let here = sources.without_cluster()?;
    let controller = here.as_ref().map(|next| Controller::of(&next.service, config)).transpose()?;
    let (client, writing) = cluster::clients(config.api_timeout, &config.name).await?;
    sources.watch(&client);
    let (first, controller) = match (here, controller) {
        (Some(next), Some(controller)) => (next, controller),
        _ => {
            let next = tokio::select! {
                next = sources.first() => next,
                () = shutdown.cancelled() => return Ok(()),
            };
            let controller = Controller::of(&next.service, config)?;
            (next, controller)
        }
    };
    let (take_up, changes) = TakeUp::new();
    let beside = Beside { attending: sources.attending(), changes };
    let mut running = pin!(controller.run((client, Box::new(writing)), config, beside, shutdown));
    sources.taken_up(first);
    tokio::select! {
        ended = &mut running => Ok(ended?),
        () = take_up_changes(sources, &take_up) => Ok(running.await?),
    }
}

/// Takes up what has changed, until the controller ends.
async fn take_up_changes(mut sources: Sources<'_>, take_up: &TakeUp) {
    loop {
        let next = sources.next().await;
        match take_up.take_up(next.service.clone()).await {
            Ok(()) => {
                tracing::info!("models and documents are taken up as they are now");
                sources.taken_up(next);
            }
            Err(TakeUpError::Ends) => return,
            Err(refused) => sources.refused(next, &refused.to_string()),
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
