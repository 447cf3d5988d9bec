//! What the programs have in common: their last words, and lines for the program that started them.

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use serde::Serialize;

/// An error with all its causes, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Tells the error, if there is one, and gives what the program ends with.
#[must_use]
pub fn exit_code(program: &str, result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone; the exit code is not.
            let _told = writeln!(io::stderr(), "{program}: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line of JSON.
///
/// # Errors
/// When standard output is gone.
pub fn say(line: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    out.flush()
}
