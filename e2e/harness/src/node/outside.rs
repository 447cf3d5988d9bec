//! The owner's side of a node: its namespaces are made, connected with this machine, and told what to run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use tokio::{io::AsyncWriteExt as _, process::ChildStdin};

use super::{
    Addresses, Claim, NAME, NodeReady, claim,
    commands::{Places, Plan},
    dns,
    namespaces::{self, run},
};
use crate::{
    files::{FileError, at},
    paths,
    process::{self, Child},
    tools::node::{NodeTool, NodeTools},
    wait::{Timeout, eventually},
};

/// How long the node may take to be ready. It takes seconds when the machine is idle.
const STARTED: Duration = Duration::from_secs(120);
/// How long the kernel may take to make namespaces.
const MADE: Duration = Duration::from_secs(30);
/// How long one of its programs may take to answer.
const ANSWERED: Duration = Duration::from_secs(2);
/// How long it may take to end all processes of a node.
const ENDED: Duration = Duration::from_secs(60);
/// The folder of the node's files in the cluster's.
const FOLDER: &str = "node";

/// A node did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no place for it.
    #[error(transparent)]
    Claim(#[from] claim::Error),
    /// It is not connected.
    #[error("cannot connect the node")]
    Network(#[from] namespaces::Error),
    /// A process cannot be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The first process of its namespaces has ended.
    #[error("the node has ended before it was told what to run; see {}", log.display())]
    Ended {
        /// Its log.
        log: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// A program of this workspace is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// It is not ready in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
}

/// A node, as the process sees it that owns it.
#[derive(Debug)]
pub(crate) struct Outside {
    claim: Claim,
    /// `unshare`, which waits for the first process of the node.
    child: Child,
    /// The node ends when this is closed.
    input: Option<ChildStdin>,
}

impl Outside {
    /// Makes the namespaces of a node whose files will be in `folder`, and the interface that leads there.
    pub(crate) async fn begin(folder: &Path) -> Result<Self, Error> {
        let claim = Claim::take().await?;
        claim.begin(folder)?;
        let myself = paths::program("xos-cluster")?;
        let mut child = Child::start("node", &folder.join("node.log"), Path::new("unshare"), |command| {
            command.args(["--net", "--mount", "--uts", "--pid", "--propagation", "slave", "--fork", "--mount-proc"]);
            command.arg("--kill-child=SIGKILL").arg(myself).arg("node").stdin(Stdio::piped());
        })?;
        let input = child.take_stdin();
        let outside = Self { claim, child, input };
        outside.connect().await?;
        Ok(outside)
    }

    pub(crate) const fn addresses(&self) -> Addresses {
        self.claim.addresses()
    }

    /// The process that ends when the node does.
    pub(crate) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Joins this machine and the node by a pair of interfaces. Routes to pods and Services go with it.
    async fn connect(&self) -> Result<(), Error> {
        let id = self.child.id().unwrap_or_default();
        let mine = fs::read_link("/proc/self/ns/net").ok();
        eventually(MADE, "the node's network", async || match fs::read_link(format!("/proc/{id}/ns/net")) {
            Ok(its) if Some(&its) != mine.as_ref() => Ok(()),
            Ok(_) => Err(io::Error::other("it is this machine's")),
            Err(error) => Err(error),
        })
        .await?;
        let addresses = self.addresses();
        let (interface, id, node) = (addresses.interface(), id.to_string(), addresses.node().to_string());
        run("ip", &["link", "add", &interface, "type", "veth", "peer", "name", "eth0", "netns", &id])?;
        run("ip", &["address", "add", &format!("{}/30", addresses.host()), "dev", &interface])?;
        run("ip", &["link", "set", &interface, "up"])?;
        for network in [addresses.pods(), addresses.services()] {
            run("ip", &["route", "add", &network, "via", &node, "dev", &interface])?;
        }
        Ok(())
    }

    /// Starts the node's programs. `data` has the cluster's certificates and kubeconfigs.
    pub(crate) async fn run(&mut self, tools: &NodeTools, data: &Path) -> Result<(), Error> {
        let folder = data.join(FOLDER);
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let places = Places { data, folder: &folder };
        let plan = Plan::make(tools, places, self.addresses(), &self.claim.cgroup())?;
        let ended = |source| Error::Ended { log: self.child.log().to_owned(), source };
        let line = serde_json::to_string(&plan).map_err(io::Error::from).map_err(ended)?;
        match &mut self.input {
            Some(input) => {
                let told = async {
                    input.write_all(format!("{line}\n").as_bytes()).await?;
                    input.flush().await
                };
                told.await.map_err(ended)
            }
            None => Err(ended(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Says where everything is.
    pub(crate) fn describe(&self, tools: &NodeTools, data: &Path) -> NodeReady {
        let addresses = self.addresses();
        NodeReady {
            name: NAME.to_owned(),
            address: addresses.node(),
            host: addresses.host(),
            containerd: Places { data, folder: &data.join(FOLDER) }.socket(),
            ctr: tools.path(NodeTool::Ctr),
            cgroup: self.claim.cgroup(),
            interface: addresses.interface(),
            pid: self.child.id().unwrap_or_default(),
        }
    }

    /// Ends all processes of the node, and removes what the kernel does not remove with them.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        drop(self.input.take());
        if tokio::time::timeout(ENDED, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(self.claim.release().await?)
    }
}

/// Waits until pods can run, and find Services by their names.
pub(crate) async fn ready(client: Client, node: &NodeReady) -> Result<(), Error> {
    dns::grant(client.clone()).await?;
    let nodes: Api<Node> = Api::all(client);
    eventually(STARTED, "the node to be ready", async || {
        let node = nodes.get(NAME).await.map_err(|error| error.to_string())?;
        if takes_pods(&node) { Ok(()) } else { Err(format!("{:?}", node.status.and_then(|status| status.conditions))) }
    })
    .await?;
    let address = node.address;
    let checks =
        [("names", format!("http://{address}:8181/ready")), ("addresses", format!("http://{address}:10256/healthz"))];
    crate::choose_cryptography();
    for (what, url) in checks {
        eventually(STARTED, format!("the {what} of Services"), async || {
            let http = reqwest::Client::builder().no_proxy().timeout(ANSWERED).build()?;
            http.get(&url).send().await?.error_for_status().map(drop)
        })
        .await?;
    }
    Ok(())
}

/// Whether the scheduler gives pods to a node.
fn takes_pods(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let is_ready = conditions.filter(|one| one.type_ == "Ready").any(|one| one.status == "True");
    let is_tainted = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).next().is_some();
    is_ready && !is_tainted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_takes_pods_when_it_is_ready_and_has_no_taint() {
        let node = |status: &str, taints: serde_json::Value| {
            let node = json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}, "spec": {"taints": taints},
                "status": {"conditions": [{"type": "Ready", "status": status}]},
            });
            takes_pods(&serde_json::from_value(node).unwrap())
        };
        assert!(node("True", json!(null)));
        assert!(!node("False", json!(null)));
        assert!(!node("True", json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])));
        assert!(!takes_pods(&Node::default()));
    }
}
