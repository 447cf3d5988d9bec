//! The starter's side of `xos-cluster serve`.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    files::{FileError, at},
    node::NodeReady,
    process,
    serving::{self, Server},
};

/// A control plane did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program that serves it.
    #[error("the control plane did not start")]
    Serving(#[from] serving::Error),
    /// The program's log.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where everything of a running cluster is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// The cluster's folder. It is removed when the cluster ends.
    pub data_dir: PathBuf,
    /// The folder that has kubectl in it.
    pub bin_dir: PathBuf,
    /// The process that serves the cluster.
    pub pid: u32,
    /// The node, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeReady>,
}

/// How a control plane is started.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Record every request that may change something in `audit.log`, beside the kubeconfig.
    pub audit: bool,
    /// More flags of the API server, as `--feature-gates=WatchList=false`.
    pub api_server_flags: Vec<String>,
    /// Run a node, too.
    pub node: bool,
    /// Hold the lock of this folder, and describe the cluster in it: for `xos-cluster up`.
    pub(super) state: Option<PathBuf>,
}

impl ServeOptions {
    /// Returns options with an audit log.
    #[must_use]
    pub fn audited() -> Self {
        Self { audit: true, ..Self::default() }
    }

    /// Returns options with a node.
    #[must_use]
    pub fn with_node() -> Self {
        Self { node: true, ..Self::default() }
    }

    /// Returns options with more flags of the API server, as `--feature-gates=WatchList=false`.
    #[must_use]
    pub fn with_api_server_flags(flags: &[&str]) -> Self {
        Self { api_server_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(), ..Self::default() }
    }
}

/// A control plane that ends when this value is dropped, or when this process ends.
pub type Served = Server<Ready>;

impl Served {
    /// Has the API server killed and started again. Does not wait for either.
    ///
    /// # Errors
    /// When the control plane has ended.
    pub fn restart_api_server(&self) -> io::Result<()> {
        process::signal(self.ready().pid, Signal::HUP)
    }
}

/// Starts a control plane and waits until it is ready: seconds, or minutes when its programs have to be built. Blocks.
///
/// # Errors
/// With the message of `xos-cluster serve` when it did not start.
pub fn start(options: &ServeOptions) -> Result<Served, Error> {
    // It will outlive the terminal, or pipe, that this process writes to.
    let log = match &options.state {
        Some(folder) => Some(create(&folder.join("serve.log"))?),
        None => None,
    };
    let served = Server::start("xos-cluster", |command| {
        if options.audit {
            command.arg("--audit");
        }
        if options.node {
            command.arg("--node");
        }
        for flag in &options.api_server_flags {
            command.arg(format!("--api-server-flag={flag}"));
        }
        if let Some(folder) = &options.state {
            command.arg("--state").arg(folder);
        }
        if let Some(log) = log {
            command.stderr(log);
        }
    });
    Ok(served?)
}

fn create(path: &Path) -> Result<File, FileError> {
    File::create(path).map_err(at(path))
}

/// A client for the user of a kubeconfig. It belongs to the runtime in which it is made.
pub(crate) async fn client(kubeconfig: &Path) -> Result<kube::Client, ClientError> {
    crate::choose_cryptography();
    let file = kube::config::Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?;
    // A test wants to see the first refusal.
    config.default_retry = false;
    Ok(kube::Client::try_from(config)?)
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig.
    #[error("cannot read the kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// The client itself.
    #[error("cannot make a client")]
    Client(#[from] kube::Error),
}
