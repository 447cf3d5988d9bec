//! A namespace for each test.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, ObjectMeta, PostParams},
};
use serde_json::Value;

use crate::{
    cluster::{self, Cluster},
    control::ClientError,
    example::SOON,
    finalizers,
    kstatus::{Findings, Follower},
    process,
    wait::{Timeout, eventually},
};

/// How long the ServiceAccount of a new namespace may take.
const MADE: Duration = Duration::from_secs(30);
/// How much of each log a failure shows.
const SHOWN_LINES: usize = 60;

/// A namespace could not be made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// The ServiceAccount was not made.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// There is no folder for logs.
    #[error("cannot make a folder for logs")]
    Folder(#[source] std::io::Error),
}

/// A namespace of a test, with a folder for its files.
pub struct TestNamespace {
    name: String,
    client: Client,
    folder: tempfile::TempDir,
    cluster: Cluster,
    logs: RefCell<Vec<PathBuf>>,
    findings: Findings,
    followers: RefCell<BTreeMap<String, Follower>>,
}

impl TestNamespace {
    /// Makes a namespace in the shared cluster. Prefer [`with`], which also deletes it.
    ///
    /// # Errors
    /// When there is no cluster, or the API server refuses.
    pub async fn new(title: &str) -> Result<Self, Error> {
        Self::new_in(Cluster::shared().await?.clone(), title).await
    }

    /// Makes a namespace in a cluster. Prefer [`with_in`], which also deletes it.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn new_in(cluster: Cluster, title: &str) -> Result<Self, Error> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let client = cluster.admin().await?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{title}-{}-{count}", std::process::id());
        let folder = cluster.folder("xos-e2e-").map_err(Error::Folder)?;
        let (logs, findings, followers) = (RefCell::default(), Findings::default(), RefCell::default());
        let namespace = Self { name, cluster, client, folder, logs, findings, followers };
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

    /// The name of the namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster of the namespace.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns a client with all rights.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The folder for the test's files. It is removed at the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of a log in that folder. The log is shown when the test fails.
    #[must_use]
    pub fn log(&self, program: &str) -> PathBuf {
        let path = self.folder.path().join(format!("{program}.log"));
        let mut logs = self.logs.borrow_mut();
        if !logs.contains(&path) {
            logs.push(path.clone());
        }
        path
    }

    /// Returns where it is noted what breaks a rule of [`kstatus`](crate::kstatus). The test fails at its end if anything
    /// does.
    #[must_use]
    pub fn findings(&self) -> Findings {
        self.findings.clone()
    }

    /// Looks at every state that the objects of a kind have in this namespace from now on.
    pub fn follow(&self, resource: &ApiResource) {
        let kind = format!("{}.{}", resource.plural, resource.group);
        let start = || Follower::start(self.client.clone(), &self.name, resource, self.findings.clone());
        self.followers.borrow_mut().entry(kind).or_insert_with(start);
    }

    /// Looks at all objects of the namespace as they are now, also of kinds that nobody follows.
    async fn look_at_all(&self) {
        let listed = self.kubectl(&["get", "xos", "-o", "json", "--show-managed-fields"]).await.unwrap_or_default();
        let listed: Value = serde_json::from_str(&listed).unwrap_or_default();
        listed["items"].as_array().into_iter().flatten().for_each(|object| self.findings.look(object));
    }

    /// Runs `kubectl -n <this namespace>`, and returns its output; a refusal is an error.
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

    /// Runs `kubectl apply -f -` in this namespace.
    ///
    /// # Errors
    /// When kubectl fails.
    pub async fn apply(&self, manifest: &str) -> Result<String, crate::kubectl::Error> {
        self.cluster.kubectl().apply(&self.with_namespace(&[]), manifest).await
    }

    /// Runs `kubectl -n <this namespace>` with `input` on standard input, and returns its answer, also a refusal.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub async fn feed(&self, arguments: &[&str], input: &str) -> Result<crate::kubectl::Output, crate::kubectl::Error> {
        self.cluster.kubectl().feed(&self.with_namespace(arguments), input).await
    }

    fn with_namespace<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        ["-n", &self.name].into_iter().chain(arguments.iter().copied()).collect()
    }

    /// Prints what helps to find out why a test failed: logs, objects and Events.
    async fn report(&self) {
        for log in self.logs.borrow().iter() {
            eprintln!("--- the end of {} ---\n{}", log.display(), process::tail(log, SHOWN_LINES));
        }
        for what in ["xos", "events"] {
            let shown = match self.cluster.kubectl().run(&["-n", &self.name, "get", what, "-o", "yaml"]).await {
                Ok(output) => output.all(),
                Err(error) => error.to_string(),
            };
            eprintln!(
                "--- kubectl -n {} get {what} -o yaml ---\n{}",
                self.name,
                process::last_lines(&shown, SHOWN_LINES)
            );
        }
    }

    /// Asks for the namespace's deletion. The namespace controller does the rest while other tests run.
    async fn delete(&self) -> Result<(), Error> {
        // The controller that would remove them has ended.
        finalizers::remove(&self.client, self.cluster.kubectl(), &self.name).await;
        Api::<Namespace>::all(self.client.clone()).delete(&self.name, &DeleteParams::background()).await?;
        Ok(())
    }
}

/// Runs `test` in a new namespace, and deletes the namespace at the end. When the test panics, the logs and the objects
/// of the namespace are printed first.
///
/// # Errors
/// When the namespace cannot be made or deleted. A panic of the test is passed on.
///
/// # Panics
/// When an object of the namespace has had conditions that break a rule of [`kstatus`](crate::kstatus).
pub async fn with<T>(title: &str, test: impl AsyncFnOnce(&TestNamespace) -> T) -> Result<T, Error> {
    within(TestNamespace::new(title).await?, test).await
}

/// Does the same in a cluster of the test's own.
///
/// # Errors
/// When the namespace cannot be made or deleted. A panic of the test is passed on.
pub async fn with_in<T>(
    cluster: Cluster,
    title: &str,
    test: impl AsyncFnOnce(&TestNamespace) -> T,
) -> Result<T, Error> {
    within(TestNamespace::new_in(cluster, title).await?, test).await
}

async fn within<T>(namespace: TestNamespace, test: impl AsyncFnOnce(&TestNamespace) -> T) -> Result<T, Error> {
    let outcome = AssertUnwindSafe(test(&namespace)).catch_unwind().await;
    match outcome {
        Ok(value) => {
            namespace.look_at_all().await;
            namespace.followers.take();
            let deleted = namespace.delete().await;
            if let Some(report) = namespace.findings.report() {
                let told = format!("in the namespace {}: {report}", namespace.name);
                eprintln!("{told}");
                resume_unwind(Box::new(told));
            }
            deleted.map(|()| value)
        }
        Err(panic) => {
            namespace.report().await;
            // Once more: what was printed first is far above by now.
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            eprintln!("--- the test in the namespace {} has failed ---\n{message}", namespace.name);
            if let Err(error) = namespace.delete().await {
                eprintln!("namespace {} is not deleted: {error}", namespace.name);
            }
            resume_unwind(panic)
        }
    }
}
