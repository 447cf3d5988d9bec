//! The harness: namespaces are isolated, and no process or file is left over.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use rustix::process::Signal;
use serde_json::json;
use xos_harness::{
    Cluster,
    control::{Ready, ServeOptions},
    eventually,
    inprocess::{Controller, Objects},
    namespace, process,
};
use xos_runtime::Synchronizer;

/// How long processes may take to notice that another one has ended.
const GONE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn namespaces_are_apart() {
    namespace::with("apart-a", async |one| {
        namespace::with("apart-b", async |other| {
            let metadata = ObjectMeta { name: Some("mine".into()), ..ObjectMeta::default() };
            let map = ConfigMap { metadata, ..ConfigMap::default() };
            let here: Api<ConfigMap> = Api::namespaced(one.client(), one.name());
            here.create(&PostParams::default(), &map).await.unwrap();
            let there: Api<ConfigMap> = Api::namespaced(other.client(), other.name());
            assert!(there.get_opt("mine").await.unwrap().is_none());
        })
        .await
        .unwrap();
    })
    .await
    .unwrap();
}

/// A state that is there for a moment only is seen, too.
#[tokio::test]
async fn a_condition_that_breaks_a_rule_fails_its_test() {
    const MODELS: &str = "option app_label = \"lint\"; message Thing (XOSBase) { optional bool b = 1; }";
    let test = namespace::with("lint", async |namespace| {
        let synchronizer = Synchronizer::new("lint").models(&[("lint.xproto", MODELS)]);
        let controller = Controller::start(namespace, "lint", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        objects.create("Thing", "a", json!({})).await.unwrap();
        objects.ready("Thing", "a").await.unwrap();
        assert_eq!(namespace.findings().report(), None);
        let bad = json!({"type": "Ready", "status": "False", "reason": "no reason", "message": "no",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T12:00:00Z"});
        let writer = PatchParams { field_manager: Some("xos/lint/status".to_owned()), ..PatchParams::default() };
        let bad = Patch::Merge(json!({"status": {"conditions": [bad]}}));
        objects.api("Thing").unwrap().patch_status("a", &writer, &bad).await.unwrap();
        objects.delete("Thing", "a").await.unwrap();
        eventually(GONE, "a finding", async || namespace.findings().report().ok_or("nothing")).await.unwrap();
        controller.stop().await.unwrap();
    });
    let panic = AssertUnwindSafe(test).catch_unwind().await.unwrap_err();
    let told = panic.downcast_ref::<String>().unwrap();
    for rule in ["its reason is a CamelCase word", "what is not Ready is Reconciling or Stalled"] {
        assert!(told.contains(rule), "{told}");
    }
}

#[tokio::test]
async fn a_cluster_leaves_nothing() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    let ready = cluster.served().unwrap().ready().clone();
    let processes = processes_of(&ready.data_dir);
    assert_eq!(processes.len(), 3, "etcd, kube-apiserver, kube-controller-manager");
    drop(cluster);
    assert_nothing_left(&ready, &processes).await;
    assert!(!ready.data_dir.exists());
}

#[tokio::test]
async fn a_killed_starter_leaves_nothing() {
    let mut starter = Command::new(std::env::current_exe().unwrap())
        .args(["harness::starter_for_the_test_above", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(starter.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ready: Ready = lines.find_map(|line| serde_json::from_str(line.get(line.find('{')?..)?).ok()).unwrap();
    let processes = processes_of(&ready.data_dir);
    assert_eq!(processes.len(), 3);
    starter.kill().unwrap();
    starter.wait().unwrap();
    assert_nothing_left(&ready, &processes).await;
    assert!(!ready.data_dir.exists());
}

#[tokio::test]
#[ignore = "the starter that another test kills"]
async fn starter_for_the_test_above() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    println!("{}", serde_json::to_string(cluster.served().unwrap().ready()).unwrap());
    // Runs until this process or its parent is killed.
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn a_killed_server_takes_its_processes_along() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap();
    let ready = cluster.served().unwrap().ready().clone();
    let processes = processes_of(&ready.data_dir);
    process::signal(ready.pid, Signal::KILL).unwrap();
    assert_nothing_left(&ready, &processes).await;
    // No process is left to remove it.
    fs::remove_dir_all(&ready.data_dir).unwrap();
}

#[tokio::test]
async fn an_audit_log_is_kept_on_demand() {
    let cluster = Cluster::start(ServeOptions::audited()).await.unwrap();
    cluster.kubectl().ok(&["create", "namespace", "audited"]).await.unwrap();
    let log = cluster.kubeconfig().with_file_name("audit.log");
    eventually(GONE, "the request in the audit log", async || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        if text.lines().any(|line| line.contains(r#""name":"audited""#)) { Ok(()) } else { Err(text) }
    })
    .await
    .unwrap();
}

async fn assert_nothing_left(ready: &Ready, processes: &[u32]) {
    let all: Vec<u32> = processes.iter().copied().chain([ready.pid]).collect();
    eventually(GONE, "all processes to be gone", async || {
        let left: Vec<u32> = all.iter().copied().filter(|id| process::is_alive(*id)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
    .unwrap();
    // Including processes that started after the first look.
    eventually(GONE, "no process with the cluster's folder", async || {
        let left = processes_of(&ready.data_dir);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
    .unwrap();
}

/// Returns the processes that have `folder` on their command line.
fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.to_string_lossy();
    let told = |path: PathBuf| {
        let id = path.file_name()?.to_str()?.parse().ok()?;
        let line = fs::read(path.join("cmdline")).ok()?;
        (String::from_utf8_lossy(&line).contains(&*folder) && process::is_alive(id)).then_some(id)
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| told(entry.ok()?.path())).collect()
}
