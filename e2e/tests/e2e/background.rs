//! `xos-cluster up` and `down`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use rustix::process::Signal;
use xos_harness::{
    control::Ready,
    paths, process,
    tools::{Tool, Tools},
};

#[test]
fn a_background_cluster_is_started_once_and_stopped() {
    let cache = tempfile::tempdir().unwrap();
    let first = cluster(cache.path(), "up");
    assert!(first.contains("export KUBECONFIG=") && first.contains("export PATH="), "{first}");
    assert_eq!(cluster(cache.path(), "up"), first);

    let ready = described(cache.path());
    let namespaces = Command::new(ready.bin_dir.join(Tool::Kubectl.name()))
        .args(["get", "namespaces"])
        .env("KUBECONFIG", &ready.kubeconfig)
        .env("KUBECACHEDIR", cache.path())
        .output()
        .unwrap();
    assert!(text(&namespaces).contains("kube-system"), "{}", text(&namespaces));

    assert!(cluster(cache.path(), "down").contains("is stopped"));
    assert!(!process::is_alive(ready.pid) && !ready.data_dir.exists());
    assert!(cluster(cache.path(), "down").contains("no cluster"));
}

#[test]
fn a_crashed_background_cluster_is_no_obstacle() {
    let cache = tempfile::tempdir().unwrap();
    let first = cluster(cache.path(), "up");
    let crashed = described(cache.path());
    process::signal(crashed.pid, Signal::KILL).unwrap();
    while process::is_alive(crashed.pid) {
        std::thread::yield_now();
    }
    let second = cluster(cache.path(), "up");
    assert_ne!(first, second);
    assert!(!crashed.data_dir.exists());
    assert!(cluster(cache.path(), "down").contains("is stopped"));
}

/// Runs `xos-cluster` with its own cache, and with the programs of the usual cache.
fn cluster(cache: &Path, command: &str) -> String {
    let output = Command::new(paths::program("xos-cluster").unwrap())
        .arg(command)
        .env("XOS_CACHE_DIR", cache)
        .env("KUBEBUILDER_ASSETS", Tools::ready().unwrap().bin_dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn described(cache: &Path) -> Ready {
    let text = fs::read_to_string(cache.join("cluster/cluster.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}
