//! However a node ends, nothing of it is left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    iter::successors,
    path::Path,
    process::Command,
};

use rustix::process::Signal;
use xos_harness::{Cluster, control::ServeOptions, eventually, node::NodeReady, process};

use crate::{PROBE, SOON, causes, pod, run, within};

/// What kubelet would change for the whole machine if it could.
const LIMITS: [&str; 4] = ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward"];

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_leaves_nothing() {
    let before = Machine::look();
    let cluster = start().await;
    let (node, folder) = (cluster.node().unwrap().clone(), cluster.served().unwrap().ready().data_dir.clone());
    let processes = with_a_pod(&cluster, &node).await;
    drop(cluster);
    // The process that owns the node has ended now: nothing has to be waited for.
    assert_eq!(left(&node, &folder, &processes), Vec::<String>::new());
    assert_eq!(Machine::look(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_node_leaves_is_removed_by_the_next_one() {
    let before = Machine::look();
    let killed = start().await;
    let (node, folder) = (killed.node().unwrap().clone(), killed.served().unwrap().ready().data_dir.clone());
    let processes = with_a_pod(&killed, &node).await;
    process::signal(killed.served().unwrap().ready().pid, Signal::KILL).unwrap();
    drop(killed);
    // The kernel ends the processes, and with them go mounts, interfaces and rules.
    let ended = eventually(SOON, "the node's processes to end", async || {
        let alive: Vec<_> = processes.iter().filter(|id| process::is_alive(**id)).collect();
        if alive.is_empty() && !is_connected(&node) { Ok(()) } else { Err(format!("{alive:?}")) }
    });
    ended.await.unwrap();
    assert_eq!(Machine::look(), before);
    // Cgroups and files are not the kernel's affair. Another node may take their place first.
    let mut others = Vec::new();
    while !left(&node, &folder, &processes).is_empty() {
        assert!(others.len() < 3, "still there: {:?}", left(&node, &folder, &processes));
        others.push(start().await);
        if others.iter().any(|other| other.node().unwrap().cgroup == node.cgroup) {
            assert!(!folder.exists());
            break;
        }
    }
}

async fn start() -> Cluster {
    Cluster::start(ServeOptions::with_node()).await.unwrap_or_else(|error| panic!("{}", causes(&error)))
}

/// Runs a pod, and returns the processes of the node while it runs.
async fn with_a_pod(cluster: &Cluster, node: &NodeReady) -> BTreeSet<u32> {
    within(cluster, "exit", async |namespace| {
        run(namespace, &pod("server", PROBE, &["serve", ":8080", "hello"]), "Running").await;
        let processes = processes_of(node.pid);
        let names: BTreeSet<_> = processes.iter().filter_map(|id| name_of(*id)).collect();
        for name in ["containerd", "kubelet", "kube-proxy", "dns", "pause", "probe"] {
            assert!(names.contains(name), "{names:?}");
        }
        processes
    })
    .await
}

/// Says what of a node is still there.
fn left(node: &NodeReady, folder: &Path, processes: &BTreeSet<u32>) -> Vec<String> {
    let mut left: Vec<String> =
        processes.iter().filter(|id| process::is_alive(**id)).map(|id| format!("process {id}")).collect();
    left.extend(is_connected(node).then(|| format!("interface {}", node.interface)));
    left.extend(folder.exists().then(|| format!("folder {}", folder.display())));
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap() {
        let path = hierarchy.unwrap().path().join(&node.cgroup);
        left.extend(path.exists().then(|| format!("cgroup {}", path.display())));
    }
    let only = Path::new("/sys/fs/cgroup").join(&node.cgroup);
    left.extend(only.exists().then(|| format!("cgroup {}", only.display())));
    left
}

fn is_connected(node: &NodeReady) -> bool {
    Path::new("/sys/class/net").join(&node.interface).exists()
}

/// Returns the processes below process `root`. Orphans among them have the first process of their namespace as parent,
/// so all of them are below it, also those of pods.
fn processes_of(root: u32) -> BTreeSet<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let parents: BTreeMap<u32, u32> = all.filter_map(|id| Some((id, parent_of(id)?))).collect();
    let is_below = |id: u32| successors(Some(id), |id| parents.get(id).copied()).any(|above| above == root);
    parents.keys().copied().filter(|id| is_below(*id)).collect()
}

fn parent_of(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

fn name_of(id: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{id}/comm")).ok()?.trim().to_owned())
}

/// What a node must not change of this machine.
#[derive(Debug, PartialEq, Eq)]
struct Machine {
    mounts: String,
    rules: String,
    limits: Vec<String>,
    namespaces: Vec<String>,
}

impl Machine {
    fn look() -> Self {
        let rules = Command::new("nft").args(["list", "ruleset"]).output().unwrap();
        let limits = LIMITS.map(|name| fs::read_to_string(format!("/proc/sys/{name}")).unwrap());
        let named = fs::read_dir("/run/netns").into_iter().flatten();
        Self {
            mounts: fs::read_to_string("/proc/self/mounts").unwrap(),
            rules: String::from_utf8(rules.stdout).unwrap(),
            limits: limits.to_vec(),
            namespaces: named.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect(),
        }
    }
}
