//! What the programs have in common: how they run, are stopped, and report an error.

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

/// Returns an error with all its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Prints the error, if there is one, and returns the program's exit code.
#[must_use]
pub fn exit_code(program: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed, the exit code still shows the failure.
            let _printed = writeln!(io::stderr(), "{program}: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line of JSON.
///
/// # Errors
/// When standard output is closed.
pub fn say(line: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    out.flush()
}

/// Runs a program's work on the main thread only: processes that it starts are killed when that thread ends.
///
/// # Errors
/// With the error of the work.
pub fn block_on<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Returns a future that ends when SIGTERM or SIGINT comes. Needs a runtime.
///
/// # Errors
/// When signals cannot be caught.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
