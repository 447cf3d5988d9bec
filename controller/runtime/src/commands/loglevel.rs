//! `loglevel`: shows or changes the level of the log of a synchronizer that runs.

use std::io::{self, Write};

use clap::Args;

use super::{CommandError, Exit};

#[derive(Debug, Args)]
#[command(after_help = "\
Works on the same machine, or in the same pod:
  kubectl exec deploy/example -- example-synchronizer loglevel debug
From elsewhere: `kubectl port-forward deploy/example 9100`, and then this command.
It lasts until the process ends, or reads its configuration again (SIGHUP).
Examples: `debug`, `info,xos_engine=debug`, `warn,my_service=trace`")]
pub(crate) struct LogLevelArgs {
    /// A level (`debug`) or a filter (`info,xos_engine=debug`); without it the present one is shown
    filter: Option<String>,
    /// Where the synchronizer serves /metrics (its `monitoring_address`), as seen from here
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9100")]
    address: String,
}

/// Why the level is not known, or not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogLevelCommandError {
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    #[error("cannot make an HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    #[error(
        "no answer from http://{address}/loglevel: {source}; is `monitoring_address` of the synchronizer set, and reached \
         from here at this address (--address)?"
    )]
    Unreached { address: String, source: reqwest::Error },
    #[error("{0}")]
    Refused(String),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for LogLevelCommandError {}

/// Shows or changes the level.
pub(crate) fn run(args: &LogLevelArgs, out: &mut dyn Write) -> Result<Exit, LogLevelCommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.map_err(LogLevelCommandError::System)?.block_on(ask(args))?;
    write!(out, "{answer}")?;
    Ok(Exit::Success)
}

async fn ask(args: &LogLevelArgs) -> Result<String, LogLevelCommandError> {
    // Not by a proxy: the synchronizer answers those who are near.
    let client = xos_steps::http_client_builder().no_proxy().build().map_err(LogLevelCommandError::Client)?;
    let url = format!("http://{}/loglevel", args.address);
    let request = match &args.filter {
        None => client.get(url),
        Some(filter) => client.put(url).body(filter.clone()),
    };
    let unreached = |source| LogLevelCommandError::Unreached { address: args.address.clone(), source };
    let answer = request.send().await.map_err(unreached)?;
    let status = answer.status();
    let text = answer.text().await.map_err(unreached)?;
    if status.is_success() { Ok(text) } else { Err(LogLevelCommandError::Refused(text.trim_end().to_owned())) }
}
