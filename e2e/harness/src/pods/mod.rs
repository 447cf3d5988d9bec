//! Runs the pods of a namespace as processes of this machine, where there is no node.
//!
//! Deployments, Jobs and everything else about pods is done by the real controllers; this stands in for the kubelet
//! alone. A pod's container is the program of its image with exactly its arguments, environment and files, and with the
//! token of its ServiceAccount; what differs is where the files and ports are (see `files`).
//!
//! A finalizer holds a pod until its process has ended, as a kubelet would.

mod files;
mod process;
mod status;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt as _,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{Cluster, TestNamespace, kubectl::Kubectl};

/// Holds a pod while its process runs.
const FINALIZER: &str = "xos-e2e/process";

/// Running pods. They are killed when this value is dropped.
pub struct Pods {
    shared: Arc<Shared>,
    running: AbortOnDropHandle<()>,
}

/// What all pods of a namespace share.
struct Shared {
    client: Client,
    admin: Kubectl,
    namespace: String,
    folder: PathBuf,
    /// The ports of this machine that stand for those of Services, by `name:port`.
    services: Mutex<BTreeMap<String, u16>>,
    /// Environment variables of all processes, beside their own.
    env: Vec<(String, String)>,
    /// Until it is true no pod is started.
    is_open: watch::Receiver<bool>,
    opener: watch::Sender<bool>,
}

impl Pods {
    /// Begins to run the pods of a test's namespace.
    #[must_use]
    pub fn run(namespace: &TestNamespace) -> Self {
        Self::run_in(namespace.cluster(), namespace.client(), namespace.name(), namespace.folder().join("pods"), &[])
    }

    /// Begins to run the pods of any namespace, with files in a folder and more environment variables.
    #[must_use]
    pub fn run_in(cluster: &Cluster, client: Client, namespace: &str, folder: PathBuf, env: &[(&str, &str)]) -> Self {
        let (opener, is_open) = watch::channel(true);
        let shared = Arc::new(Shared {
            client,
            admin: cluster.kubectl().clone(),
            namespace: namespace.to_owned(),
            folder,
            services: Mutex::default(),
            env: env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            is_open,
            opener,
        });
        let running = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&shared).watch()));
        Self { shared, running }
    }

    /// Starts no more pods until [`resume`](Self::resume); those that run go on.
    pub fn pause(&self) {
        self.shared.opener.send_replace(false);
    }

    /// Starts pods again.
    pub fn resume(&self) {
        self.shared.opener.send_replace(true);
    }

    /// Returns the URL that stands for a port of a Service.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn url(&self, service: &str, port: i32) -> std::io::Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.shared.port_of(service, port)?))
    }

    /// The folder with the logs of all pods: `<pod>.log`.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.shared.folder
    }

    /// Whether the task still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.running.is_finished()
    }
}

impl Shared {
    /// Watches the pods, each with a task of its own.
    async fn watch(self: Arc<Self>) {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut tasks: HashMap<String, (CancellationToken, AbortOnDropHandle<()>)> = HashMap::new();
        let pods = watcher(api, watcher::Config::default()).default_backoff().touched_objects();
        let mut pods = std::pin::pin!(pods);
        loop {
            let pod = match pods.try_next().await {
                Ok(Some(pod)) => pod,
                Ok(None) => return,
                Err(error) => {
                    eprintln!("pods of {}: {error}", self.namespace);
                    continue;
                }
            };
            let uid = pod.uid().unwrap_or_default();
            let is_deleted = pod.metadata.deletion_timestamp.is_some();
            if let Some((stop, _)) = tasks.get(&uid) {
                if is_deleted {
                    stop.cancel();
                }
                continue;
            }
            if is_deleted && !pod.finalizers().iter().any(|one| one == FINALIZER) {
                continue;
            }
            let stop = CancellationToken::new();
            if is_deleted {
                stop.cancel();
            }
            let task = tokio::spawn(process::live(Arc::clone(&self), pod, stop.clone()));
            tasks.insert(uid, (stop, AbortOnDropHandle::new(task)));
        }
    }

    /// Returns the port of this machine that stands for a port of a Service.
    fn port_of(&self, service: &str, port: i32) -> std::io::Result<u16> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{service}:{port}");
        if let Some(port) = services.get(&key) {
            return Ok(*port);
        }
        let [free] = crate::control::free_ports()?;
        services.insert(key, free);
        Ok(free)
    }
}
