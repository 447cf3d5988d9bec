//! `uninstall`: removes what a synchronizer that is gone has left in the cluster. Works from the cluster alone.

mod cluster;
mod listing;
mod strip;

use std::io::{self, Write};

use clap::Args;
use xos_engine::admission::AdmissionError;
use xos_engine::api_error::explain;
use xos_engine::installation::InstallationError;

use super::{CommandError, Exit};
use crate::cluster::ClusterError;
use crate::kinds::KindsError;

#[derive(Debug, Args)]
#[command(after_help = "\
Stop the synchronizer first: one that runs takes hold of its objects again.
What it put into its backend stays there: its `delete_record` does not run. To have it run, delete the objects while the \
synchronizer runs, and uninstall it then.
With -n or --kind only these objects are freed; the object `Synchronizer` and the admission policy stay.
It can be repeated: what is done is done, and the rest goes on. It needs the rights to list and patch all these objects \
and their status, and to delete Synchronizers and admission policies.
Exit code: 0, or 1 if something could not be removed.")]
pub(crate) struct UninstallArgs {
    /// The synchronizer's name, as in its configuration and its finalizers
    name: String,
    /// Only objects in this namespace; repeat the option for several
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// Only objects of this kind, as for kubectl; repeat the option for several
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Do it. Without this option it is only listed
    #[arg(long)]
    yes: bool,
}

/// Why nothing could be removed, or not all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UninstallError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Kinds(#[from] KindsError),
    #[error("cannot list {kind}: {}", explain(.source))]
    List { kind: String, source: Box<kube::Error> },
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
pub(crate) fn run(args: &UninstallArgs, out: &mut dyn Write) -> Result<Exit, UninstallError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(UninstallError::System)?;
    runtime.block_on(async {
        let client = crate::cluster::client(xos_engine::API_TIMEOUT, None).await?;
        let found = cluster::find(&client, args).await?;
        listing::print(args, &found, out)?;
        if found.is_empty() {
            return Ok(Exit::Success);
        }
        if !args.yes {
            writeln!(out, "Nothing is changed yet: the same with --yes does it.")?;
            return Ok(Exit::Success);
        }
        let removed = cluster::remove(&client, args, found).await?;
        listing::print_outcome(args, &removed, out)?;
        Ok(if removed.errors.is_empty() { Exit::Success } else { Exit::Failed })
    })
}
