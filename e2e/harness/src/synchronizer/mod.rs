//! A controller as it runs in production: in its own process, with its own ServiceAccount.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use serde_json::{Value, json};

mod access;
mod rights;

pub use access::{Access, Error as AccessError};

use crate::{
    files::{FileError, at},
    paths,
    process::{self, Child},
};

/// How long it may take to end.
const STOPPED: Duration = Duration::from_secs(20);

/// A synchronizer could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its process failed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Its overlay cannot be written, or its program cannot be run.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How a synchronizer is started.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    kubeconfig: PathBuf,
    configs: Vec<PathBuf>,
    log: PathBuf,
}

impl Launch {
    /// Returns how `program` of this workspace is started with a configuration and an overlay. The overlay is written
    /// to `folder`. What was there at a start is not looked after again, unless one of them says `resync`: by default
    /// that is spread over ten hours, and one of a thousand objects would come in the middle of a test.
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

    /// Returns the same with the rights of a kubeconfig.
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
        let mut overlay = overlay.clone();
        let says_resync = fs::read_to_string(config).is_ok_and(|text| text.contains("resync"));
        if overlay.get("resync").is_none() && !says_resync {
            overlay["resync"] = json!("off");
        }
        // JSON is YAML.
        fs::write(&path, format!("{overlay:#}")).map_err(at(&path))?;
        Ok(Self {
            program: paths::program(program)?,
            kubeconfig,
            configs: vec![config.to_owned(), path],
            log: log.to_owned(),
        })
    }

    /// Runs another command of the program with the same configuration, such as `events parked`. Returns the output,
    /// and whether the command succeeded.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn command(&self, arguments: &[&str]) -> Result<(String, bool), Error> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(arguments).kill_on_drop(true).stdin(std::process::Stdio::null());
        command.env("KUBECONFIG", &self.kubeconfig);
        for config in &self.configs {
            command.arg("--config").arg(config);
        }
        let run = command.output().await.map_err(at(&self.program))?;
        let all = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        Ok((all, run.status.success()))
    }

    /// Starts the synchronizer. Its output is appended to the log.
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

/// A running synchronizer. It is killed when this value is dropped, or when the thread that started it ends.
#[derive(Debug)]
pub struct Synchronizer {
    child: Child,
}

impl Synchronizer {
    /// Asks the synchronizer to end. Returns the exit status, or nothing if it did not end in time and was killed.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn stop(&mut self) -> Result<Option<ExitStatus>, Error> {
        Ok(self.child.stop(STOPPED).await?)
    }

    /// Kills the synchronizer.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }

    /// Waits until the synchronizer ends by itself.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        Ok(self.child.wait().await?)
    }

    /// The id of its process while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The path of its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        self.child.log()
    }
}
