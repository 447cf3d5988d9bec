//! The process that owns a control plane: `xos-cluster serve`.

use std::{io, path::Path, time::Duration};

use super::{
    components,
    data::{self, Data, KUBECONFIG},
    served::Ready,
};
use crate::{
    process::{self, Child},
    serving::told_to_stop,
    tools::{self, Tool, Tools},
    wait::{Timeout, eventually},
};
use futures::future::{FutureExt as _, select_all};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use tokio::signal::unix::{SignalKind, signal};

/// How long the start may take. It takes seconds when the machine is idle.
const STARTED: Duration = Duration::from_secs(120);
/// How often the start is tried: another process may take a free port before it is used.
const ATTEMPTS: usize = 3;
/// How much of a dead component's log the message shows.
const SHOWN_LINES: usize = 15;

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
    #[error("{name} ended by itself ({status}); the end of its log:\n{end}")]
    Died {
        /// The process.
        name: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The last lines of its log.
        end: String,
    },
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
    let tools = Tools::ready()?;
    let folder = tempfile::Builder::new().prefix(super::FOLDER_PREFIX).tempdir()?;
    let mut children = Vec::new();
    let end = tokio::select! {
        ended = live(&tools, folder.path(), options, &mut children, ready) => ended,
        () = stop => Ok(()),
    };
    kill(&mut children).await?;
    folder.close()?;
    end
}

/// Returns only with an error. The processes are in `children`, however it ends.
async fn live(
    tools: &Tools,
    folder: &Path,
    options: &RunOptions,
    children: &mut Vec<Child>,
    ready: impl FnOnce(Ready) -> io::Result<()>,
) -> Result<(), Error> {
    let data = start(tools, folder, options, children).await?;
    let kubeconfig = data.file(KUBECONFIG);
    let mut restart = signal(SignalKind::hangup())?;
    ready(Ready { kubeconfig, data_dir: folder.to_owned(), bin_dir: tools.bin_dir(), pid: std::process::id() })?;
    loop {
        tokio::select! {
            died = first_death(children) => return Err(died?),
            Some(()) = restart.recv() => restart_api_server(tools, &data, children).await?,
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

/// Kills the processes. None of their data is kept.
async fn kill(children: &mut Vec<Child>) -> Result<(), process::Error> {
    for mut child in children.drain(..).rev() {
        child.kill().await?;
    }
    Ok(())
}

async fn start(tools: &Tools, folder: &Path, options: &RunOptions, children: &mut Vec<Child>) -> Result<Data, Error> {
    let mut attempt = 1;
    loop {
        let folder = folder.join(attempt.to_string());
        std::fs::create_dir(&folder)?;
        let data = Data::make(&folder, options)?;
        match start_once(tools, &data, children).await {
            Ok(()) => return Ok(data),
            Err(Error::Died { end, .. }) if attempt < ATTEMPTS && is_port_taken(&end) => {
                kill(children).await?;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_port_taken(log: &str) -> bool {
    log.contains("address already in use")
}

async fn start_once(tools: &Tools, data: &Data, children: &mut Vec<Child>) -> Result<(), Error> {
    children.push(components::etcd(tools, data)?);
    children.push(components::api_server(tools, data)?);
    let kubeconfig = data.file(KUBECONFIG);
    until(children, api_server_ready(&kubeconfig)).await?;
    // It starts second, because it ends if there is no API server within ten seconds.
    children.push(components::controller_manager(tools, data)?);
    until(children, accounts_made(&kubeconfig)).await
}

async fn until(children: &mut [Child], ready: impl Future<Output = Result<(), Timeout>>) -> Result<(), Error> {
    tokio::select! {
        ready = ready => Ok(ready?),
        died = first_death(children) => Err(died?),
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

async fn first_death(children: &mut [Child]) -> Result<Error, process::Error> {
    let waits = children.iter_mut().map(|child| {
        async move {
            let status = child.wait().await?;
            Ok(Error::Died { name: child.name().to_owned(), status, end: process::tail(child.log(), SHOWN_LINES) })
        }
        .boxed_local()
    });
    select_all(waits).await.0
}
