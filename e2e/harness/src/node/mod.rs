//! A real node beside the control plane: kubelet, containerd and runc, the routing of Services, DNS. Pods run on it.
//!
//! The node's processes live in namespaces of their own (network, mounts, processes), which are those of one process:
//! `xos-cluster node`, see [`init`]. When it ends, however it ends, the kernel ends all others, and with them go all
//! mounts, interfaces and firewall rules. What the kernel keeps are cgroups and files; `claim` removes these, at the
//! node's end or before the next start.
//!
//! A pair of network interfaces connects the node with this machine. The API server listens on this machine's end.
//! Addresses of pods and Services can be reached from here, too: routes lead to them.

mod addresses;
mod cgroups;
mod claim;
mod commands;
mod dns;
mod documents;
mod host;
pub mod images;
pub mod init;
mod namespaces;
mod outside;
mod zombies;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

pub(crate) use addresses::Addresses;
pub(crate) use claim::Claim;
pub use claim::Error as ClaimError;
pub(crate) use dns::USER as DNS_USER;
pub use namespaces::Error as NamespacesError;
pub use outside::Error;
pub(crate) use outside::{Outside, ready};

use crate::{
    cluster::{self, Cluster},
    control::ServeOptions,
};

/// The node's name.
pub const NAME: &str = "xos-node";

/// Where everything of a running node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReady {
    /// The name of the Node.
    pub name: String,
    /// Its address.
    pub address: std::net::Ipv4Addr,
    /// The address of this machine for pods.
    pub host: std::net::Ipv4Addr,
    /// Containerd's socket.
    pub containerd: PathBuf,
    /// Containerd's command line.
    pub ctr: PathBuf,
    /// The cgroup of all pods, below each hierarchy's root.
    pub cgroup: String,
    /// The network interface of this machine that leads to the node.
    pub interface: String,
    /// The process in whose namespaces the node lives.
    pub pid: u32,
}

/// Returns the cluster with a node that all tests of this process share. It starts when it is first asked for.
///
/// # Errors
/// When it does not start; the next call tries again.
pub async fn shared() -> Result<&'static Cluster, cluster::Error> {
    static SHARED: OnceCell<Cluster> = OnceCell::const_new();
    SHARED.get_or_try_init(|| Cluster::start(ServeOptions::with_node())).await
}

impl NodeReady {
    /// Returns a Service and its endpoint: a program of this machine that listens on `port` of the address [`Self::host`].
    #[must_use]
    pub fn service_of_host(&self, name: &str, port: u16) -> serde_json::Value {
        host::service(name, self.host, port)
    }

    /// Imports images from OCI archives, for pods of this node.
    ///
    /// # Errors
    /// When containerd refuses.
    pub async fn import(&self, archives: &[PathBuf]) -> Result<(), images::Error> {
        images::import(&self.ctr, &self.containerd, archives).await
    }
}
