//! The process that owns a control plane: `xos-cluster serve`.

use std::{io, path::Path, time::Duration};

use super::{
    components,
    data::{self, Data, KUBECONFIG},
    network::Network,
    served::{ClientError, Ready},
};
use crate::{
    node::{self, NodeReady, Outside},
    process::{self, Child, Death, first_death},
    serving::told_to_stop,
    tools::{self, Tool, Tools, node::NodeTools},
    wait::{Timeout, eventually},
};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use tokio::signal::unix::{SignalKind, signal};

/// How long the start may take. It takes seconds when the machine is idle.
const STARTED: Duration = Duration::from_secs(120);
/// How often the start is tried: another process may take a free port before it is used.
const ATTEMPTS: usize = 3;

/// A control plane did not start, or one of its processes ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its programs cannot be built.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// Its folder cannot be made.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// A process cannot be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// It is not ready in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// One of its processes ended by itself.
    #[error(transparent)]
    Died(Death),
    /// The node.
    #[error(transparent)]
    Node(#[from] node::Error),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The operating system refused.
    #[error("cannot run a cluster")]
    System(#[from] io::Error),
}

/// How a control plane runs.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Record every request that may change something in `audit.log`, beside the kubeconfig.
    pub audit: bool,
    /// More flags of the API server, as `--feature-gates=WatchList=false`.
    pub api_server_flags: Vec<String>,
    /// Run a node, too.
    pub node: bool,
}

/// The programs that are run.
struct Programs {
    control: Tools,
    node: Option<NodeTools>,
}

/// All that runs.
#[derive(Default)]
struct Running {
    children: Vec<Child>,
    node: Option<Outside>,
}

impl Running {
    fn all(&mut self) -> impl Iterator<Item = &mut Child> {
        self.children.iter_mut().chain(self.node.as_mut().map(Outside::child))
    }

    /// Kills the control plane. None of its data is kept.
    async fn kill(&mut self) -> Result<(), process::Error> {
        for mut child in self.children.drain(..).rev() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Ends everything.
    async fn end(&mut self) -> Result<(), Error> {
        let node = match self.node.take() {
            Some(node) => node.end().await,
            None => Ok(()),
        };
        self.kill().await?;
        Ok(node?)
    }
}

/// Runs a control plane until SIGTERM, SIGINT or the end of standard input. Calls `ready` once. At SIGHUP it kills the
/// API server and starts it again.
///
/// Needs a runtime of the main thread: the components are killed when the thread that started them ends.
///
/// # Errors
/// When it does not start, or one of its processes ends by itself.
pub async fn run(options: &RunOptions, ready: impl FnOnce(Ready) -> io::Result<()>) -> Result<(), Error> {
    let stop = told_to_stop()?;
    let node = if options.node { Some(NodeTools::ready()?) } else { None };
    let programs = Programs { control: Tools::ready()?, node };
    let folder = tempfile::Builder::new().prefix(super::FOLDER_PREFIX).tempdir()?;
    let mut running = Running::default();
    let end = tokio::select! {
        ended = live(&programs, folder.path(), options, &mut running, ready) => ended,
        () = stop => Ok(()),
    };
    running.end().await?;
    folder.close()?;
    end
}

/// Returns only with an error. The processes are in `running`, however it ends.
async fn live(
    programs: &Programs,
    folder: &Path,
    options: &RunOptions,
    running: &mut Running,
    ready: impl FnOnce(Ready) -> io::Result<()>,
) -> Result<(), Error> {
    if programs.node.is_some() {
        // First, because the API server listens on an address of its network.
        running.node = Some(Outside::begin(folder).await?);
    }
    let data = start(&programs.control, folder, options, running).await?;
    let kubeconfig = data.file(KUBECONFIG);
    let node = match &programs.node {
        Some(tools) => start_node(tools, &data, running).await?,
        None => None,
    };
    let mut restart = signal(SignalKind::hangup())?;
    let bin_dir = programs.control.bin_dir();
    ready(Ready { kubeconfig, data_dir: folder.to_owned(), bin_dir, pid: std::process::id(), node })?;
    loop {
        tokio::select! {
            died = first_death(running.all()) => return Err(Error::Died(died?)),
            Some(()) = restart.recv() => restart_api_server(&programs.control, &data, &mut running.children).await?,
        }
    }
}

/// Kills the API server, and starts it again with the same data. Everything else goes on.
async fn restart_api_server(tools: &Tools, data: &Data, children: &mut [Child]) -> Result<(), process::Error> {
    if let Some(child) = children.iter_mut().find(|child| child.name() == Tool::ApiServer.name()) {
        child.kill().await?;
        *child = components::api_server(tools, data)?;
    }
    Ok(())
}

async fn start(tools: &Tools, folder: &Path, options: &RunOptions, running: &mut Running) -> Result<Data, Error> {
    let network = Network { node: running.node.as_ref().map(Outside::addresses) };
    let mut attempt = 1;
    loop {
        let folder = folder.join(attempt.to_string());
        std::fs::create_dir(&folder)?;
        let data = Data::make(&folder, options, network)?;
        match start_once(tools, &data, running).await {
            Ok(()) => return Ok(data),
            Err(Error::Died(Death { end, .. })) if attempt < ATTEMPTS && is_port_taken(&end) => {
                running.kill().await?;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_port_taken(log: &str) -> bool {
    log.contains("address already in use")
}

async fn start_once(tools: &Tools, data: &Data, running: &mut Running) -> Result<(), Error> {
    running.children.push(components::etcd(tools, data)?);
    running.children.push(components::api_server(tools, data)?);
    let kubeconfig = data.file(KUBECONFIG);
    until(running, api_server_ready(&kubeconfig)).await?;
    // It starts second, because it ends if there is no API server within ten seconds.
    running.children.push(components::controller_manager(tools, data)?);
    until(running, accounts_made(&kubeconfig)).await
}

/// Starts the node's programs, and waits until it takes pods.
async fn start_node(tools: &NodeTools, data: &Data, running: &mut Running) -> Result<Option<NodeReady>, Error> {
    running.children.push(components::scheduler(tools, data)?);
    let Some(node) = &mut running.node else {
        return Ok(None);
    };
    node.run(tools, data.folder()).await?;
    let described = node.describe(tools, data.folder());
    let client = super::served::client(&data.file(KUBECONFIG)).await?;
    tokio::select! {
        ready = node::ready(client, &described) => ready?,
        died = first_death(running.all()) => return Err(Error::Died(died?)),
    }
    Ok(Some(described))
}

async fn until(running: &mut Running, ready: impl Future<Output = Result<(), Timeout>>) -> Result<(), Error> {
    tokio::select! {
        ready = ready => Ok(ready?),
        died = first_death(running.all()) => Err(Error::Died(died?)),
    }
}

async fn api_server_ready(kubeconfig: &Path) -> Result<(), Timeout> {
    eventually(STARTED, "the API server to be ready", async || {
        let request = http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
        let client = super::served::client(kubeconfig).await.map_err(|error| error.to_string())?;
        client.request_text(request).await.map(drop).map_err(|error| error.to_string())
    })
    .await
}

/// Waits for the sign that the controllers work: a ServiceAccount.
async fn accounts_made(kubeconfig: &Path) -> Result<(), Timeout> {
    eventually(STARTED, "the ServiceAccount `default` in namespace default", async || {
        let client = super::served::client(kubeconfig).await.map_err(|error| error.to_string())?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
        accounts.get("default").await.map(drop).map_err(|error| error.to_string())
    })
    .await
}
