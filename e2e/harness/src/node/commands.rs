//! What the first process of a node is told: where its files are, and which programs it runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Addresses, NAME,
    documents::{self, Kubelet},
    images,
};
use crate::{
    files::{FileError, at},
    tools::node::{NodeTool, NodeTools},
};

/// A program of a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) log: PathBuf,
}

/// All that the first process of a node has to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The folder of the node's files.
    pub(super) folder: PathBuf,
    /// This machine's address and the node's, with the length of their network's prefix.
    pub(super) host: String,
    pub(super) address: String,
    /// Containerd, and its socket. The others need it.
    pub(super) containerd: Program,
    pub(super) socket: PathBuf,
    pub(super) ctr: PathBuf,
    /// The archives of the images that pods cannot do without.
    pub(super) archives: Vec<PathBuf>,
    pub(super) programs: Vec<Program>,
}

/// Where the files of a node are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    /// The cluster's folder, with certificates and kubeconfigs in it.
    pub(super) data: &'a Path,
    /// The node's.
    pub(super) folder: &'a Path,
}

impl Places<'_> {
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("containerd.sock")
    }

    fn kubeconfig(&self, name: &str) -> PathBuf {
        self.data.join(format!("{name}.kubeconfig"))
    }
}

impl Plan {
    /// Writes the configuration files, and returns what is to be run with them.
    pub(super) fn make(
        tools: &NodeTools,
        places: Places<'_>,
        addresses: Addresses,
        cgroup: &str,
    ) -> Result<Self, FileError> {
        let Places { data, folder } = places;
        let socket = places.socket();
        let networks = folder.join("networks");
        fs::create_dir_all(&networks).map_err(at(&networks))?;
        write(&networks.join("10-xos.conflist"), &documents::network(addresses).to_string())?;

        let file = |name: &str, text: String| {
            let path = folder.join(name);
            write(&path, &text).map(|()| path.display().to_string())
        };
        let document = |name: &str, value: Value| file(name, value.to_string());
        let resolver = folder.join("resolv.conf");
        file("resolv.conf", format!("nameserver {}\n", addresses.node()))?;
        let containerd =
            file("containerd.toml", documents::containerd(&socket, &tools.path(NodeTool::Runc), &networks))?;
        let kubelet = Kubelet { addresses, data, socket: &socket, cgroup, resolver: &resolver };
        let kubelet = document("kubelet.json", kubelet.document())?;
        let proxy = document("kube-proxy.json", documents::proxy(&places.kubeconfig("kube-proxy"), addresses))?;
        let dns = file("Corefile", documents::dns(addresses, &places.kubeconfig("dns")))?;

        let program = |tool: NodeTool, arguments: &[String]| Program {
            name: tool.name().to_owned(),
            path: tools.path(tool),
            arguments: arguments.to_vec(),
            log: data.join(format!("{}.log", tool.name())),
        };
        let kubelet = [
            format!("--config={kubelet}"),
            format!("--kubeconfig={}", places.kubeconfig("kubelet").display()),
            format!("--hostname-override={NAME}"),
            format!("--node-ip={}", addresses.node()),
        ];
        Ok(Self {
            folder: folder.to_owned(),
            host: addresses.host().to_string(),
            address: format!("{}/30", addresses.node()),
            containerd: program(NodeTool::Containerd, &["--config".to_owned(), containerd]),
            socket,
            ctr: tools.path(NodeTool::Ctr),
            archives: images::own(tools)?,
            programs: vec![
                program(NodeTool::Kubelet, &kubelet),
                program(NodeTool::Proxy, &[format!("--config={proxy}")]),
                program(NodeTool::Dns, &["-conf".to_owned(), dns]),
            ],
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), FileError> {
    fs::write(path, text).map_err(at(path))
}
