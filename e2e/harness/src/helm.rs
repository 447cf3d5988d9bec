//! Running helm.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::{
    Cluster,
    files::FileError,
    kubectl::Output,
    paths,
    tools::{self, helm as program},
};

/// helm failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is missing and cannot be built.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// A thread was lost while it was built.
    #[error("the build of helm was interrupted")]
    CutShort,
    /// It has no folder to work in.
    #[error(transparent)]
    File(#[from] FileError),
    /// It could not be started.
    #[error("cannot run helm")]
    Run(#[from] std::io::Error),
    /// It refused.
    #[error("`helm {command}` failed ({}): {}", output.status, output.all())]
    Failed {
        /// The command.
        command: String,
        /// Its output.
        output: Box<Output>,
    },
}

/// helm, with or without a cluster.
#[derive(Clone, Debug)]
pub struct Helm {
    program: PathBuf,
    kubeconfig: Option<PathBuf>,
    home: PathBuf,
}

/// Returns the folder of the chart.
#[must_use]
pub fn chart() -> PathBuf {
    paths::repository().join("charts/xos-controller")
}

impl Helm {
    /// Returns helm without a cluster. It keeps its files in `home`.
    ///
    /// # Errors
    /// When it cannot be built.
    pub async fn alone(home: &Path) -> Result<Self, Error> {
        let program = tokio::task::spawn_blocking(program).await.map_err(|_| Error::CutShort)??;
        Ok(Self { program, kubeconfig: None, home: home.join("helm") })
    }

    /// Returns helm with the rights of the cluster's administrator.
    ///
    /// # Errors
    /// When it cannot be built.
    pub async fn of(cluster: &Cluster, home: &Path) -> Result<Self, Error> {
        Ok(Self { kubeconfig: Some(cluster.kubeconfig().to_owned()), ..Self::alone(home).await? })
    }

    /// The path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Runs helm, and returns its output, also when it refuses.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run(&self, arguments: &[&str]) -> Result<Output, Error> {
        let mut command = Command::new(&self.program);
        // Paths in arguments are relative to the repository.
        command.args(arguments).current_dir(paths::repository()).stdin(Stdio::null()).kill_on_drop(true);
        for kind in ["CONFIG", "CACHE", "DATA"] {
            command.env(format!("HELM_{kind}_HOME"), self.home.join(kind.to_lowercase()));
        }
        // Without a cluster it must not find one.
        let nowhere = self.home.join("no-kubeconfig");
        command.env("KUBECONFIG", self.kubeconfig.as_deref().unwrap_or(&nowhere));
        let output = command.output().await?;
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs helm, and returns its output; a refusal is an error.
    ///
    /// # Errors
    /// When it cannot be started, or refuses.
    pub async fn ok(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = self.run(arguments).await?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Error::Failed { command: arguments.join(" "), output: Box::new(output) })
    }
}
