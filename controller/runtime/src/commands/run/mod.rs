//! `run`: runs the synchronizer until it is stopped.

mod reload;
mod signals;

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::{CommandError, Exit};
use crate::cluster::{self, ClusterError};
use crate::config::{Config, ConfigError, DesiredState, Loaded, Logging};
use crate::controller::{ControllerError, Service, TakeUp};
use crate::logging;
use crate::synchronizer::Synchronizer;
use crate::telemetry::{Exporter, TracingError};
use reload::Seen;

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
        let controller = Service::read(synchronizer, &config)?.controller(&config)?;
        let (client, writing) = cluster::clients(config.api_timeout, &config.name).await?;
        let (take_up, changes) = TakeUp::new();
        tokio::select! {
            ended = controller.run((client, Box::new(writing)), &config, changes, shutdown) => ended?,
            () = reload::take_up_changes(synchronizer, &config, &mut seen, &take_up) => {}
        }
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

fn log_warnings(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.render(false));
    }
    if !loaded.unused.is_empty() {
        tracing::info!(keys = ?loaded.unused, "the configuration sets keys that have no effect in this version");
    }
}
