//! A namespace for each test.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{
    Api, Client,
    api::{DeleteParams, ObjectMeta, PostParams},
};
use serde_json::Value;

use crate::{
    cluster::{self, Cluster},
    control::ClientError,
    example::SOON,
    finalizers, process,
    wait::{Timeout, eventually},
};

/// Until a namespace's ServiceAccount is made.
const MADE: Duration = Duration::from_secs(30);
/// How much of each log a failure shows.
const SHOWN_LINES: usize = 60;

/// A namespace could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// For want of a cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// For want of a client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// Its ServiceAccount did not come.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// No folder for logs.
    #[error("cannot make a folder for logs")]
    Folder(#[source] std::io::Error),
}

/// A test's own corner of a cluster, with a folder for its files.
pub struct TestNamespace {
    name: String,
    client: Client,
    folder: tempfile::TempDir,
    cluster: Cluster,
    logs: RefCell<Vec<PathBuf>>,
}

impl TestNamespace {
    /// Makes one in the shared cluster. Prefer [`with`], which also ends it.
    ///
    /// # Errors
    /// When there is no cluster, or it refuses.
    pub async fn new(title: &str) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = Cluster::shared().await?.clone();
        let client = cluster.admin().await?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{title}-{}-{count}", std::process::id());
        let folder = cluster.folder("xos-e2e-").map_err(Error::Folder)?;
        let namespace = Self { name, cluster, client, folder, logs: RefCell::default() };
        namespace.make().await?;
        Ok(namespace)
    }

    async fn make(&self) -> Result<(), Error> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.name);
        let look = async || accounts.get("default").await.map(drop);
        Ok(eventually(MADE, "the namespace's ServiceAccount", look).await?)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A client with all rights.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A folder for the test's files, removed in the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A log in that folder, to be shown when the test fails.
    #[must_use]
    pub fn log(&self, program: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{program}.log"));
        let mut logs = self.logs.borrow_mut();
        if !logs.contains(&path) {
            logs.push(path.clone());
        }
        path
    }

    /// `kubectl -n <this namespace>`; a refusal is an error.
    ///
    /// # Errors
    /// When kubectl fails.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String, crate::kubectl::Error> {
        self.cluster.kubectl().ok(&self.with_namespace(arguments)).await
    }

    /// Waits until this namespace has exactly one Event of this type and reason, and returns it.
    ///
    /// # Errors
    /// When there is none, or there are several, in the end.
    pub async fn one_event(&self, kind: &str, reason: &str) -> Result<Value, Timeout> {
        eventually(SOON, format!("an Event {reason}"), async || {
            let text = self.kubectl(&["get", "events", "-o", "json"]).await.map_err(|error| error.to_string())?;
            let all: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            let all = all["items"].as_array().into_iter().flatten();
            let found: Vec<_> = all.filter(|one| one["type"] == kind && one["reason"] == reason).collect();
            match found[..] {
                [one] => Ok(one.clone()),
                _ => Err(format!("{found:#?} in {text}")),
            }
        })
        .await
    }

    /// `kubectl apply -f -` here.
    ///
    /// # Errors
    /// When kubectl fails.
    pub async fn apply(&self, manifest: &str) -> Result<String, crate::kubectl::Error> {
        self.cluster.kubectl().apply(&self.with_namespace(&[]), manifest).await
    }

    /// `kubectl -n <this namespace>` with `input` on standard input; whatever the answer is.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub async fn feed(&self, arguments: &[&str], input: &str) -> Result<crate::kubectl::Output, crate::kubectl::Error> {
        self.cluster.kubectl().feed(&self.with_namespace(arguments), input).await
    }

    fn with_namespace<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        ["-n", &self.name].into_iter().chain(arguments.iter().copied()).collect()
    }

    /// Prints what somebody wants to see who asks why a test failed.
    async fn report(&self) {
        for log in self.logs.borrow().iter() {
            eprintln!("--- the end of {} ---\n{}", log.display(), process::tail(log, SHOWN_LINES));
        }
        for what in ["xos", "events"] {
            let shown = match self.cluster.kubectl().run(&["-n", &self.name, "get", what, "-o", "yaml"]).await {
                Ok(output) => output.all(),
                Err(error) => error.to_string(),
            };
            eprintln!("--- kubectl -n {} get {what} -o yaml ---\n{shown}", self.name);
        }
    }

    /// Asks for its end; the namespace controller does the rest while other tests go on.
    async fn delete(&self) -> Result<(), Error> {
        // The controller that would remove them is gone by now.
        finalizers::remove(&self.client, self.cluster.kubectl(), &self.name).await;
        Api::<Namespace>::all(self.client.clone()).delete(&self.name, &DeleteParams::background()).await?;
        Ok(())
    }
}

/// Runs `test` in a namespace of its own, which is deleted in the end; when the test panics, the logs and the objects
/// of the namespace are printed first.
///
/// # Errors
/// When the namespace cannot be made or deleted. A panic of the test goes on as one.
pub async fn with<T>(title: &str, test: impl AsyncFnOnce(&TestNamespace) -> T) -> Result<T, Error> {
    let namespace = TestNamespace::new(title).await?;
    let outcome = AssertUnwindSafe(test(&namespace)).catch_unwind().await;
    match outcome {
        Ok(value) => namespace.delete().await.map(|()| value),
        Err(panic) => {
            namespace.report().await;
            if let Err(error) = namespace.delete().await {
                eprintln!("namespace {} is not deleted: {error}", namespace.name);
            }
            resume_unwind(panic)
        }
    }
}
