//! `uninstall`: removes what a synchronizer has left in the cluster. By its name it works from the cluster alone; with
//! its configuration it also deletes the objects first, and stops the synchronizer.

mod cluster;
mod definitions;
mod drain;
mod listing;
mod stop;
mod strip;
mod target;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use xos_engine::admission::AdmissionError;
use xos_engine::api_error::explain;
use xos_engine::installation::InstallationError;

use super::{CommandError, Exit};
use crate::cluster::{ClusterError, Target as ClusterArgs};
use crate::config::{ConfigError, parse_duration};
use crate::content::ContentError;
use crate::kinds::KindsError;
use crate::synchronizer::Synchronizer;
use stop::Workload;
use target::Target;

#[derive(Debug, Args)]
#[command(after_help = "\
Stop the synchronizer first, or have it stopped (--stop): one that runs takes hold of its objects again.
What it put into its backend stays there: its `delete_record` does not run. With --delete it does: the objects are \
deleted while the synchronizer still runs, those that lead to others first. What is left after --limit is freed all the \
same, and named.
With -n or --kind only these objects are freed; the object `Synchronizer` and the admission policy stay.
With --config it is about the synchronizer of a configuration, in the namespaces of this one: one of the same name for \
other namespaces goes on.
It can be repeated: what is done is done, and the rest goes on. It needs the rights to list and patch all these objects \
and their status, and to delete Synchronizers and admission policies.
The Helm chart runs it before a release is uninstalled.
Exit code: 0, or 1 if something could not be removed.")]
pub(crate) struct UninstallArgs {
    /// The synchronizer's name, as in its configuration and its finalizers
    #[arg(required_unless_present = "config")]
    name: Option<String>,
    /// The synchronizer's configuration file in place of its name; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "namespaces", "kinds"])]
    config: Vec<PathBuf>,
    /// Only objects in this namespace; repeat the option for several
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// Only objects of this kind, as for kubectl; repeat the option for several
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Delete the objects of its steps and policies first, so that it removes them from its backend while it still runs
    #[arg(long, requires = "config")]
    delete: bool,
    /// How long that may take
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = limit)]
    limit: Duration,
    /// Delete the definitions of its models at the end, unless another synchronizer or an object needs them
    #[arg(long, requires = "delete")]
    definitions: bool,
    /// Scale this Deployment to none before objects are freed, and wait until its pods have ended
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = Workload::parse)]
    stop: Option<Workload>,
    /// Do it. Without this option it is only listed
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

fn limit(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a duration such as `30s` or `5m`".to_owned())
}

/// Why nothing could be removed, or not all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UninstallError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Kinds(#[from] KindsError),
    #[error("cannot list {kind}: {}", explain(.source))]
    List { kind: String, source: Box<kube::Error> },
    #[error("cannot stop Deployment {workload}: {}", explain(.source))]
    Stop { workload: String, source: Box<kube::Error> },
    #[error(transparent)]
    Installation(#[from] InstallationError),
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for UninstallError {}

/// Lists, and with `--yes` removes, what is left of a synchronizer.
pub(crate) fn run(
    synchronizer: &Synchronizer,
    args: &UninstallArgs,
    out: &mut dyn Write,
) -> Result<Exit, UninstallError> {
    let target = Target::of(synchronizer, args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(UninstallError::System)?;
    runtime.block_on(async {
        let client = args.cluster.client(xos_engine::API_TIMEOUT).await?;
        if args.yes && args.delete {
            drain::drain(&client, &target, args, out).await?;
        }
        if let Some(workload) = args.stop.as_ref().filter(|_| args.yes) {
            stop::stop(&client, workload, out).await?;
        }
        let found = cluster::find(&client, &target).await?;
        listing::print(&target, &found, out)?;
        if found.is_empty() && !args.definitions {
            return Ok(Exit::Success);
        }
        if !args.yes {
            writeln!(out, "Nothing is changed yet: the same with --yes does it.")?;
            return Ok(Exit::Success);
        }
        let mut removed = cluster::remove(&client, &target, found).await?;
        if args.definitions {
            removed.errors.extend(definitions::remove(&client, &target, out).await?);
        }
        listing::print_outcome(&target, &removed, out)?;
        Ok(if removed.errors.is_empty() { Exit::Success } else { Exit::Failed })
    })
}
