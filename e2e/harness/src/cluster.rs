//! The cluster of tests and of the demo.

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::OnceCell;

use crate::{
    control::{self, ClientError, ServeOptions, Served},
    kubectl::Kubectl,
    node::{self, NodeReady},
    paths,
    tools::{self, Tool, Tools},
};

/// Set to `1`, it makes tests use the cluster of `KUBECONFIG`. `KUBECONFIG` alone is not enough: it may name a
/// production cluster.
const USE_KUBECONFIG: &str = "XOS_E2E_USE_KUBECONFIG";
/// The kubeconfig of a cluster that a parent process started.
const KUBECONFIG: &str = "XOS_E2E_KUBECONFIG";

/// There is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The control plane did not start.
    #[error(transparent)]
    Control(#[from] control::Error),
    /// kubectl is missing and cannot be built.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// There is no folder for kubectl's cache.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// A thread was lost while the cluster started.
    #[error("the start of the cluster was interrupted")]
    CutShort,
    /// The environment asks for a cluster and does not name it.
    #[error("{USE_KUBECONFIG}=1 asks for the cluster of KUBECONFIG, and KUBECONFIG is not set")]
    NoKubeconfig,
}

/// A control plane to test with. One that this process started ends when the last clone of this value is dropped, or
/// when the process ends.
#[derive(Clone, Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    served: Option<Arc<Served>>,
}

impl Cluster {
    /// Returns the cluster that all tests of this process share. It starts when it is first asked for.
    ///
    /// # Errors
    /// When it does not start; the next call tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::given_or_own).await
    }

    /// Returns the cluster that the environment names, or starts a new one.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn given_or_own() -> Result<Self, Error> {
        match given()? {
            Some(kubeconfig) => Self::given(kubeconfig).await,
            None => Self::start(ServeOptions::default()).await,
        }
    }

    /// Starts a new cluster, whatever the environment names.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(options: ServeOptions) -> Result<Self, Error> {
        let served = blocking(move || Ok(control::start(&options)?)).await?;
        let ready = served.ready();
        let kubectl = ready.bin_dir.join(Tool::Kubectl.name());
        let kubectl = Kubectl::new(kubectl, &ready.kubeconfig, ready.data_dir.join("kubectl"));
        Ok(Self { kubeconfig: ready.kubeconfig.clone(), kubectl, served: Some(Arc::new(served)) })
    }

    async fn given(kubeconfig: PathBuf) -> Result<Self, Error> {
        let program = match in_path(Tool::Kubectl.name()) {
            Some(program) => program,
            None => blocking(|| Ok(Tools::ready()?)).await?.path(Tool::Kubectl),
        };
        let kubectl = Kubectl::new(program, &kubeconfig, paths::cache()?.join("kubectl"));
        Ok(Self { kubeconfig, kubectl, served: None })
    }

    /// Returns a client with all rights. Each test makes its own: a client belongs to the runtime in which it is made.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn admin(&self) -> Result<kube::Client, ClientError> {
        control::client(&self.kubeconfig).await
    }

    /// Returns a client for another user of this cluster.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client_of(&self, kubeconfig: &Path) -> Result<kube::Client, ClientError> {
        control::client(kubeconfig).await
    }

    /// Returns kubectl with all rights.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The kubeconfig of the cluster's administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Makes a folder for files that belong to the cluster. It is removed with the cluster at the latest, also when
    /// this process is killed; if another process started the cluster, the folder stays in that case.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn folder(&self, prefix: &str) -> io::Result<tempfile::TempDir> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix(prefix);
        match &self.served {
            Some(served) => folder.tempdir_in(&served.ready().data_dir),
            None => folder.tempdir(),
        }
    }

    /// The cluster's node, if it is one of ours.
    #[must_use]
    pub fn node(&self) -> Option<&NodeReady> {
        self.served.as_ref()?.ready().node.as_ref()
    }

    /// Imports images from OCI archives, for pods of the cluster's node.
    ///
    /// # Errors
    /// When there is no node, or containerd refuses.
    pub async fn import(&self, archives: &[PathBuf]) -> Result<(), node::images::Error> {
        let node = self.node().ok_or(node::images::Error::NoNode)?;
        node.import(archives).await
    }

    /// The process that serves the cluster, if this process started it.
    #[must_use]
    pub fn served(&self) -> Option<&Served> {
        self.served.as_deref()
    }
}

fn given() -> Result<Option<PathBuf>, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if set(USE_KUBECONFIG).is_some_and(|value| value == "1") {
        return set("KUBECONFIG").map(|path| Some(path.into())).ok_or(Error::NoKubeconfig);
    }
    Ok(set(KUBECONFIG).map(PathBuf::from))
}

fn in_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::CutShort)?
}
