//! The load generator (e2e/bench/load). It gets its commands as lines on standard input.

use std::{path::Path, process::Stdio};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdin, ChildStdout},
};

use xos_harness::process::{self, Child};

/// The load generator failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not start.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// It has ended.
    #[error("the load generator has ended; the end of its log:\n{0}")]
    Gone(String),
    /// Its answer cannot be read.
    #[error("the answer of the load generator cannot be read: {0:?}")]
    Words(String),
    /// It did not measure the times of single objects.
    #[error("the load generator did not tell how long each object took to {0}")]
    Unmeasured(String),
    /// A command failed.
    #[error("{command}: {error}")]
    Failed {
        /// The command.
        command: String,
        /// The error.
        error: String,
    },
}

/// Who writes finalizers and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// The controller.
    Controller,
    /// The load generator; it sets the finalizer with a separate write.
    Raw,
    /// The load generator; it creates the objects with the finalizer.
    RawWithFinalizer,
}

/// The distribution of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// How long a command took.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Answer {
    command: String,
    /// Until the last object was seen.
    pub(super) seconds: f64,
    millis: Option<Spread>,
    #[serde(default)]
    error: String,
}

impl Answer {
    /// Returns how long single objects took.
    ///
    /// # Errors
    /// When that was not measured.
    pub(super) fn millis(&self) -> Result<Spread, Error> {
        self.millis.ok_or_else(|| Error::Unmeasured(self.command.clone()))
    }
}

/// A running load generator, for one kind in one namespace.
pub(super) struct Load {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
}

impl Load {
    /// Starts a load generator.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(
        program: &Path,
        kubeconfig: &Path,
        of: Target<'_>,
        writes: Writes,
        log: &Path,
    ) -> Result<Self, Error> {
        let mut child = Child::start("load", log, program, |command| {
            command.arg("-kubeconfig").arg(kubeconfig).args(["-resource", of.resource, "-kind", of.kind]);
            command.args(["-namespace", of.namespace]).stdin(Stdio::piped()).stdout(Stdio::piped());
            match writes {
                Writes::Controller => {}
                Writes::Raw => drop(command.arg("-raw")),
                Writes::RawWithFinalizer => drop(command.args(["-raw", "-born", "-finalizers=false"])),
            }
        })?;
        let input = child.take_stdin();
        let output = child.take_stdout().map(|out| BufReader::new(out).lines());
        Ok(Self { child, input, output })
    }

    /// Runs a command for `n` objects, and returns the answer.
    ///
    /// # Errors
    /// When the command fails.
    pub(super) async fn run(&mut self, command: &str, n: u32) -> Result<Answer, Error> {
        let line = self.ask(&format!("{command} {n}\n")).await;
        let line = line.ok_or_else(|| Error::Gone(process::tail(self.child.log(), 5)))?;
        let answer: Answer = serde_json::from_str(&line).map_err(|_| Error::Words(line))?;
        if answer.error.is_empty() {
            return Ok(answer);
        }
        Err(Error::Failed { command: answer.command, error: answer.error })
    }

    async fn ask(&mut self, line: &str) -> Option<String> {
        self.input.as_mut()?.write_all(line.as_bytes()).await.ok()?;
        self.output.as_mut()?.next_line().await.ok()?
    }
}

/// The objects of a load generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// Group, version and plural, with slashes.
    pub(super) resource: &'a str,
    /// The kind.
    pub(super) kind: &'a str,
    /// The namespace.
    pub(super) namespace: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer: Answer = serde_json::from_str(r#"{"command":"create","objects":2,"seconds":0.5}"#).unwrap();
        assert!(answer.error.is_empty() && answer.seconds > 0.4);
        assert!(matches!(answer.millis(), Err(Error::Unmeasured(_))));
        let spread = r#"{"command":"change","seconds":1,"millis":{"mean":1,"p50":1,"p99":2,"max":3}}"#;
        assert_eq!(
            serde_json::from_str::<Answer>(spread).unwrap().millis().unwrap(),
            Spread { mean: 1.0, p50: 1.0, p99: 2.0, max: 3.0 }
        );
    }
}
