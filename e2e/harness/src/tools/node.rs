//! The programs of a node, built with Go: kubelet and its neighbours, containerd, runc, DNS, and what runs in pods of
//! tests.

use std::path::{Path, PathBuf};

use super::{Error, build, go, key};
use crate::{cache, files::at, paths};

/// A program of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeTool {
    /// Runs the pods.
    Kubelet,
    /// Finds a node for each pod.
    Scheduler,
    /// Makes the addresses of Services lead to pods.
    Proxy,
    /// Keeps images, and runs containers.
    Containerd,
    /// Holds on to one pod's containers.
    Shim,
    /// Containerd's command line.
    Ctr,
    /// Makes a container.
    Runc,
    /// Answers for the names of Services.
    Dns,
    /// Holds the namespaces of a pod.
    Pause,
    /// What tests run in pods.
    Probe,
}

/// How a program is built.
struct Recipe {
    package: &'static str,
    /// About how many seconds it takes on two cores, in the order of `ALL`.
    about: u64,
    with_c: bool,
}

impl NodeTool {
    /// All programs, in the order in which they are built.
    pub const ALL: [Self; 10] = [
        Self::Kubelet,
        Self::Scheduler,
        Self::Proxy,
        Self::Containerd,
        Self::Shim,
        Self::Ctr,
        Self::Runc,
        Self::Dns,
        Self::Pause,
        Self::Probe,
    ];

    /// The program's file name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::Scheduler => "kube-scheduler",
            Self::Proxy => "kube-proxy",
            Self::Containerd => "containerd",
            // Containerd looks for a program of this name.
            Self::Shim => "containerd-shim-runc-v2",
            Self::Ctr => "ctr",
            Self::Runc => "runc",
            Self::Dns => "dns",
            Self::Pause => "pause",
            Self::Probe => "probe",
        }
    }

    /// Whether it is a part of Kubernetes, and so of its module.
    const fn is_kubernetes(self) -> bool {
        matches!(self, Self::Kubelet | Self::Scheduler | Self::Proxy)
    }

    const fn recipe(self) -> Recipe {
        let (package, about, with_c) = match self {
            Self::Kubelet => ("k8s.io/kubernetes/cmd/kubelet", 60, false),
            Self::Scheduler => ("k8s.io/kubernetes/cmd/kube-scheduler", 15, false),
            Self::Proxy => ("k8s.io/kubernetes/cmd/kube-proxy", 15, false),
            Self::Containerd => ("github.com/containerd/containerd/v2/cmd/containerd", 60, false),
            Self::Shim => ("github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", 5, false),
            Self::Ctr => ("github.com/containerd/containerd/v2/cmd/ctr", 10, false),
            Self::Runc => ("github.com/opencontainers/runc", 20, true),
            Self::Dns => ("./dns", 30, false),
            Self::Pause => ("./pause", 1, false),
            Self::Probe => ("./probe", 5, false),
        };
        Recipe { package, about, with_c }
    }
}

/// Where each program of a node is.
#[derive(Clone, Debug)]
pub struct NodeTools {
    kubernetes: PathBuf,
    runtime: PathBuf,
}

impl NodeTools {
    /// Finds the programs in the cache, and builds those that are missing. Reports progress on standard error.
    ///
    /// If two processes call this at the same time, the second waits for the first. Blocks for minutes the first time.
    ///
    /// # Errors
    /// When Go is missing or too old, or a build fails.
    pub fn ready() -> Result<Self, Error> {
        let go = go::Go::find()?;
        let modules = modules("kubernetes");
        let kubernetes = built(&go, &modules, "node", &build::flags(&modules)?, &[])?;
        let modules = self::modules("runtime");
        let mut sources = Vec::new();
        for package in [NodeTool::Dns, NodeTool::Pause, NodeTool::Probe] {
            sources.extend(build::texts(&modules.join(package.name()))?);
        }
        let runtime = built(&go, &modules, "node-runtime", &build::plain_flags(), &sources)?;
        Ok(Self { kubernetes, runtime })
    }

    /// Returns the path of a program.
    #[must_use]
    pub fn path(&self, tool: NodeTool) -> PathBuf {
        let folder = if tool.is_kubernetes() { &self.kubernetes } else { &self.runtime };
        folder.join(tool.name())
    }

    /// Returns the folder of what is made of these programs; it is as old as they are.
    pub(crate) fn runtime_dir(&self) -> &Path {
        &self.runtime
    }
}

fn modules(name: &str) -> PathBuf {
    paths::repository().join("e2e/harness/node").join(name)
}

/// Returns the folder of a module's programs. One that is there is not built again, also after an interruption.
fn built(
    go: &go::Go,
    modules: &Path,
    title: &str,
    flags: &[String],
    sources: &[String],
) -> Result<PathBuf, build::Error> {
    let parts = [flags, sources].concat();
    let key = key::of(modules, &parts, go.version()).map_err(at(modules))?;
    let is_kubernetes = modules.ends_with("kubernetes");
    cache::filled(&format!("tools/{title}-{key}"), |folder| {
        let tools: Vec<_> = NodeTool::ALL.into_iter().filter(|tool| tool.is_kubernetes() == is_kubernetes).collect();
        for (index, tool) in tools.iter().enumerate() {
            let Recipe { package, about, with_c } = tool.recipe();
            let place = folder.join(tool.name());
            if place.is_file() {
                continue;
            }
            let step = format!("building {} ({} of {} for a node)", tool.name(), index + 1, tools.len());
            eprintln!("{step}, once; about {about} s");
            let mut flags = flags.to_vec();
            // runc filters system calls only if it is told to.
            flags.extend(with_c.then(|| "-tags=seccomp".to_owned()));
            let made = folder.join("making");
            let build = go::Build { modules, flags: &flags, package, with_c };
            go::build(&step, build, &made, &folder.join(format!("{}.log", tool.name())))?;
            std::fs::rename(&made, &place).map_err(at(&place))?;
        }
        Ok::<_, build::Error>(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_and_control_plane_are_of_one_kubernetes() {
        let version = |folder: &str| {
            let path = paths::repository().join("e2e/harness").join(folder).join("go.mod");
            let text = std::fs::read_to_string(path).unwrap();
            let line = text.lines().find(|line| line.trim().starts_with("k8s.io/kubernetes v")).unwrap().to_owned();
            line.replace("// indirect", "").trim().to_owned()
        };
        assert_eq!(version("node/kubernetes"), version("controlplane"));
    }

    #[test]
    fn every_program_has_a_name_of_its_own() {
        let mut names = NodeTool::ALL.map(NodeTool::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NodeTool::ALL.len());
    }
}
