//! The control plane's programs: taken from `KUBEBUILDER_ASSETS`, from the cache, or built with Go.

mod build;
mod go;
pub(crate) mod key;
pub mod node;
pub mod python;

use std::{
    env,
    path::{Path, PathBuf},
};

pub use build::{Error as BuildError, helm, programs};
pub use go::Error as GoError;

use crate::{
    files::{FileError, at, lock_file},
    paths,
};

/// A program of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The API server's store.
    Etcd,
    /// The API server.
    ApiServer,
    /// Deletes namespaces, makes ServiceAccounts, collects garbage.
    ControllerManager,
    /// The command line.
    Kubectl,
}

impl Tool {
    /// All programs, in the order in which they are built.
    pub const ALL: [Self; 4] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Kubectl];

    /// The program's file name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
        }
    }

    /// Returns the Go package of the program, and about how many seconds its build takes on two cores, in the order of
    /// `ALL`.
    const fn package(self) -> (&'static str, u64) {
        match self {
            Self::Etcd => ("go.etcd.io/etcd/server/v3", 90),
            Self::ApiServer => ("k8s.io/kubernetes/cmd/kube-apiserver", 240),
            Self::ControllerManager => ("k8s.io/kubernetes/cmd/kube-controller-manager", 100),
            Self::Kubectl => ("k8s.io/kubernetes/cmd/kubectl", 45),
        }
    }
}

/// The programs are missing and cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cache folder is unknown.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Go is missing or too old.
    #[error(transparent)]
    Go(#[from] GoError),
    /// A build failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// `KUBEBUILDER_ASSETS` is set, and a program is missing there.
    #[error(
        "KUBEBUILDER_ASSETS is set to {}, and there is no {} in it: unset it to have the programs built here",
        folder.display(),
        tool.name()
    )]
    Assets {
        /// The folder.
        folder: PathBuf,
        /// The missing program.
        tool: Tool,
    },
    /// A file or folder cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where each program is.
#[derive(Clone, Debug)]
pub struct Tools {
    cached: PathBuf,
    assets: Option<PathBuf>,
}

impl Tools {
    /// Finds the programs, and builds those that are missing. Reports progress on standard error.
    ///
    /// If two processes call this at the same time, the second waits for the first. Blocks for minutes the first time.
    ///
    /// # Errors
    /// When Go is missing or too old, or a build fails.
    pub fn ready() -> Result<Self, Error> {
        let assets = env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(folder) = &assets {
            let needed = [Tool::Etcd, Tool::ApiServer, Tool::Kubectl];
            if let Some(tool) = needed.into_iter().find(|tool| !folder.join(tool.name()).is_file()) {
                return Err(Error::Assets { folder: folder.clone(), tool });
            }
            if folder.join(Tool::ControllerManager.name()).is_file() {
                return Ok(Self { cached: folder.clone(), assets });
            }
        }
        let go = go::Go::find()?;
        let modules = paths::repository().join("e2e/harness/controlplane");
        let flags = build::flags(&modules)?;
        let cached = paths::cache()?.join("tools").join(key::of(&modules, &flags, go.version()).map_err(at(&modules))?);
        let tools = Self { cached, assets };
        tools.build_missing(&modules, &flags)?;
        Ok(tools)
    }

    /// Returns the path of a program.
    #[must_use]
    pub fn path(&self, tool: Tool) -> PathBuf {
        let of_assets = self.assets.as_ref().map(|folder| folder.join(tool.name()));
        of_assets.filter(|path| path.is_file()).unwrap_or_else(|| self.cached.join(tool.name()))
    }

    /// Returns the folder that has kubectl in it.
    #[must_use]
    pub fn bin_dir(&self) -> PathBuf {
        self.path(Tool::Kubectl).parent().unwrap_or(&self.cached).to_owned()
    }

    fn build_missing(&self, modules: &Path, flags: &[String]) -> Result<(), Error> {
        let missing = || Tool::ALL.into_iter().filter(|tool| !self.path(*tool).is_file()).collect::<Vec<_>>();
        if missing().is_empty() {
            return Ok(());
        }
        let lock = lock_file(&self.cached)?;
        if lock.try_lock().is_err() {
            eprintln!("another process is building the control plane; waiting for it …");
            lock.lock().map_err(at(&self.cached))?;
        }
        let missing = missing();
        build::all(modules, flags, &missing, &self.cached)?;
        Ok(())
    }
}
