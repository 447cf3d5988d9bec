//! A controller as it runs in the field: a process of its own, under a ServiceAccount of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use serde_json::Value;

mod access;
mod rights;

pub use access::{Access, Error as AccessError};

use crate::{
    files::{FileError, at},
    paths,
    process::{self, Child},
};

/// Until it has finished what it was doing.
const STOPPED: Duration = Duration::from_secs(20);

/// A synchronizer could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Its overlay, or its program.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How a synchronizer is started, as often as it is.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    kubeconfig: PathBuf,
    configs: Vec<PathBuf>,
    log: PathBuf,
}

impl Launch {
    /// `program` of this workspace, with a configuration and an overlay for it that is written into `folder`.
    ///
    /// # Errors
    /// When the program is not built, or the overlay cannot be written.
    pub fn new(
        program: &str,
        config: &Path,
        overlay: &Value,
        folder: &Path,
        log: &Path,
        access: &Access,
    ) -> Result<Self, Error> {
        Self::with_kubeconfig(program, config, overlay, folder, log, access.kubeconfig().to_owned())
    }

    /// The same with the rights of a kubeconfig.
    ///
    /// # Errors
    /// As for [`Launch::new`].
    pub fn with_kubeconfig(
        program: &str,
        config: &Path,
        overlay: &Value,
        folder: &Path,
        log: &Path,
        kubeconfig: PathBuf,
    ) -> Result<Self, Error> {
        let path = folder.join("overlay.yaml");
        // JSON is YAML.
        fs::write(&path, format!("{overlay:#}")).map_err(at(&path))?;
        Ok(Self {
            program: paths::program(program)?,
            kubeconfig,
            configs: vec![config.to_owned(), path],
            log: log.to_owned(),
        })
    }

    /// Runs another of its commands with the same configuration, such as `events parked`; its output, and whether it succeeded.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn command(&self, arguments: &[&str]) -> Result<(String, bool), Error> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(arguments).kill_on_drop(true).stdin(std::process::Stdio::null());
        for config in &self.configs {
            command.arg("--config").arg(config);
        }
        let run = command.output().await.map_err(at(&self.program))?;
        let all = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        Ok((all, run.status.success()))
    }

    /// Starts it. Its log goes on where that of an earlier one ended.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&self) -> Result<Synchronizer, Error> {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy();
        let child = Child::start(&name, &self.log, &self.program, |command| {
            command.arg("run");
            for config in &self.configs {
                command.arg("--config").arg(config);
            }
            command.env("KUBECONFIG", &self.kubeconfig);
        })?;
        Ok(Synchronizer { child })
    }
}

/// A running synchronizer, killed when this value is dropped or its thread ends.
#[derive(Debug)]
pub struct Synchronizer {
    child: Child,
}

impl Synchronizer {
    /// Asks it to end. The status is nothing when it did not, and was killed.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn stop(&mut self) -> Result<Option<ExitStatus>, Error> {
        Ok(self.child.stop(STOPPED).await?)
    }

    /// Kills it, as a power cut would.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        Ok(self.child.wait().await?)
    }

    /// Its process's id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.child.log()
    }
}
