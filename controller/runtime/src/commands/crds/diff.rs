//! `crds --diff`: prints what `run` would change in the cluster.

use std::io::{self, Write};

use serde_json::json;
use xos_crds::change::{Change, Report, Verdict};
use xos_engine::install::{ExamineError, examine};
use xos_xproto::ModelSet;

use super::{CrdsArgs, CrdsError};
use crate::cluster::{self, ClusterError};
use crate::commands::Exit;
use crate::commands::format::Format;

/// Why the definitions could not be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiffError {
    #[error(transparent)]
    Models(Box<CrdsError>),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Examine(#[from] ExamineError),
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot write the differences: {0}")]
    Output(#[from] io::Error),
}

/// Prints the differences of all definitions. The exit code says what `run` would do about them.
pub(super) fn run(models: &ModelSet, args: &CrdsArgs, out: &mut dyn Write) -> Result<Exit, DiffError> {
    let definitions = xos_crds::definitions(models);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DiffError::System)?;
    let changes = runtime.block_on(async {
        let client = cluster::client(xos_engine::API_TIMEOUT, None).await?;
        Ok::<_, DiffError>(examine(&client, definitions).await?)
    })?;
    match args.format {
        Format::Text => writeln!(out, "{}", Report(&changes))?,
        Format::Json => print_json(&changes, out)?,
    }
    Ok(match Report(&changes).verdict() {
        Verdict::Unchanged => Exit::Success,
        Verdict::Apply => Exit::Failed,
        Verdict::Refuse => Exit::Refused,
    })
}

/// Prints `{definitions: [{definition, verdict, differences}], verdict}`.
fn print_json(changes: &[Change], out: &mut dyn Write) -> io::Result<()> {
    let all: Vec<_> = changes.iter().map(Change::to_json).collect();
    let outcome = json!({"definitions": all, "verdict": Report(changes).verdict().word()});
    serde_json::to_writer_pretty(&mut *out, &outcome)?;
    writeln!(out)
}
