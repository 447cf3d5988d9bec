//! The signals that stop the program, or let it read its configuration again.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::logging;

/// Returns a token that SIGTERM and SIGINT cancel.
pub(super) fn shutdown_on_signal() -> io::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(shutdown)
}

/// Lets SIGHUP read the level of the log again. For a program in a terminal it means that the terminal is closed: then it
/// stops it.
pub(super) fn reread_on_hangup(files: Vec<PathBuf>, shutdown: CancellationToken) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let is_in_terminal = io::stdin().is_terminal();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if is_in_terminal {
                return shutdown.cancel();
            }
            reread(&files);
        }
    });
    Ok(())
}

fn reread(files: &[PathBuf]) {
    match Config::load_with_environment(files) {
        Ok(loaded) => logging::configured(&loaded.config.logging.level),
        Err(error) => tracing::error!(%error, "the configuration is not read again: the level of the log stays"),
    }
}
