//! `why`: explains why an object is not Ready, or is not deleted. Reads the cluster alone.

mod explain;
mod gather;

use std::io::{self, Write};

use clap::Args;
use xos_engine::api_error::explain;
use xos_engine::clock::{Clock as _, SystemClock};

use super::format::Format;
use super::{CommandError, Exit};
use crate::cluster::ClusterError;
use crate::kinds::KindsError;

#[derive(Debug, Args)]
#[command(after_help = "\
It reads the object, what it leads to, the definitions, and which synchronizers are installed. For a deleted object it \
also reads all objects of the kinds that lead to it.
Whether a synchronizer runs right now cannot be seen: it says when it was started, and when it was stopped in good order.
Exit code: 0, or 1 if the object cannot be read.")]
pub(crate) struct WhyArgs {
    /// The kind, as for kubectl: mymodel, mymodels, mymodels.example.xos.opencord.org
    kind: String,
    /// The object's name
    name: String,
    /// The object's namespace; by default the one that kubectl uses
    #[arg(short, long)]
    namespace: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WhyError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Kinds(#[from] KindsError),
    #[error("`{name}` may be {known}: write one of these")]
    Ambiguous { name: String, known: String },
    #[error("there is no {kind} {name} in the namespace {namespace}")]
    NoObject { kind: String, name: String, namespace: String },
    #[error("cannot read {what}: {}", explain(.source))]
    Read { what: String, source: Box<kube::Error> },
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for WhyError {}

/// Explains the state of an object.
pub(crate) fn run(args: &WhyArgs, out: &mut dyn Write) -> Result<Exit, WhyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(WhyError::System)?;
    let facts = runtime.block_on(async {
        let client = crate::cluster::client(xos_engine::API_TIMEOUT, None).await?;
        gather::facts(&client, args, SystemClock.now()).await
    })?;
    let explained = explain::explain(&facts);
    match args.format {
        Format::Text => write!(out, "{explained}")?,
        Format::Json => writeln!(out, "{:#}", explained.to_json())?,
    }
    Ok(Exit::Success)
}
