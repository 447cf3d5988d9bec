//! The starter's end of `xos-cluster serve`.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::paths;

/// The line that lets a server go on without its starter.
pub(super) const DETACH: &str = "detach";

/// A server that did not come up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its process.
    #[error("cannot start `xos-cluster serve`")]
    Start(#[source] io::Error),
    /// Its own words.
    #[error("the control plane did not start: {0}")]
    Refused(String),
    /// It ended without any.
    #[error("`xos-cluster serve` ended before the cluster was ready")]
    Ended,
    /// It cannot be told to go on alone.
    #[error("cannot let `xos-cluster serve` go")]
    Detach(#[source] io::Error),
}

/// Where everything of a running cluster is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// The cluster's folder, gone when it ends.
    pub data_dir: PathBuf,
    /// The folder of kubectl.
    pub bin_dir: PathBuf,
    /// The serving process.
    pub pid: u32,
}

/// The one line that a server writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// All is up.
    Ready(Ready),
    /// It is not, and why.
    Error(String),
}

/// What a server can be asked for.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Record every request that may change something in `audit.log`, beside the kubeconfig.
    pub audit: bool,
    /// Hold the lock of, and describe the cluster in, this folder: for `xos-cluster up`.
    pub(super) state: Option<PathBuf>,
}

impl ServeOptions {
    /// With an audit log.
    #[must_use]
    pub fn audited() -> Self {
        Self { audit: true, state: None }
    }
}

/// A server that ends when this value is dropped, or its process ends.
#[derive(Debug)]
pub struct Served {
    ready: Ready,
    child: Option<Child>,
}

impl Served {
    /// Starts one and waits until it is ready: seconds, or minutes when the programs have to be built. Blocks.
    ///
    /// # Errors
    /// With the server's own words when it did not start.
    pub fn start(options: &ServeOptions) -> Result<Self, Error> {
        let mut child = command(options)?.spawn().map_err(Error::Start)?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(Error::Start)?;
        }
        match serde_json::from_str(&line) {
            Ok(Line::Ready(ready)) => Ok(Self { ready, child: Some(child) }),
            Ok(Line::Error(words)) => Err(Error::Refused(words)),
            Err(_) => Err(Error::Ended),
        }
    }

    /// Where everything is.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Lets it go on when this process ends.
    ///
    /// # Errors
    /// When it is gone.
    pub fn detach(mut self) -> Result<Ready, Error> {
        if let Some(mut stdin) = self.child.take().and_then(|child| child.stdin) {
            writeln!(stdin, "{DETACH}").map_err(Error::Detach)?;
        }
        Ok(self.ready.clone())
    }
}

fn command(options: &ServeOptions) -> Result<Command, Error> {
    let mut command = Command::new(paths::program("xos-cluster")?);
    command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
    if options.audit {
        command.arg("--audit");
    }
    if let Some(folder) = &options.state {
        // It will outlive the terminal, or pipe, that this process writes to.
        let log = std::fs::File::create(folder.join("serve.log")).map_err(Error::Start)?;
        command.arg("--state").arg(folder).stderr(log);
    }
    Ok(command)
}

impl Drop for Served {
    /// Waits until all of it is gone, unless it was let go.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            // A child that cannot be waited for is gone already.
            let _gone = child.wait();
        }
    }
}

/// A client for the user of a kubeconfig. It belongs to the runtime that it is made in.
pub(crate) async fn client(kubeconfig: &Path) -> Result<kube::Client, ClientError> {
    crate::choose_cryptography();
    let file = kube::config::Kubeconfig::read_from(kubeconfig)?;
    let mut config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?;
    // A test wants to see a refusal, not to wait behind it.
    config.default_retry = false;
    Ok(kube::Client::try_from(config)?)
}

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// From its kubeconfig.
    #[error("cannot read the kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// For its cluster.
    #[error("cannot make a client")]
    Client(#[from] kube::Error),
}
