//! A cluster, as tests and the demo hold it.

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::OnceCell;

use crate::{
    control::{self, ClientError, ServeOptions, Served},
    kubectl::Kubectl,
    paths,
    tools::{self, Tool, Tools},
};

/// Set to `1` on purpose, it makes the cluster of `KUBECONFIG` be used. `KUBECONFIG` alone never does: it may well name
/// somebody's real cluster.
const USE_KUBECONFIG: &str = "XOS_E2E_USE_KUBECONFIG";
/// The kubeconfig of a cluster that a parent process has started.
const KUBECONFIG: &str = "XOS_E2E_KUBECONFIG";

/// There is no cluster to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not start.
    #[error(transparent)]
    Control(#[from] control::Error),
    /// kubectl is not there and cannot be built.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// No folder for what kubectl keeps.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// A thread was lost while it started.
    #[error("the start of the cluster was cut short")]
    CutShort,
    /// A cluster was named, and then not.
    #[error("{USE_KUBECONFIG}=1 asks for the cluster of KUBECONFIG, and KUBECONFIG is not set")]
    NoKubeconfig,
}

/// A control plane to test against. It ends with the last clone of this value that started it, or with the process.
#[derive(Clone, Debug)]
pub struct Cluster {
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    served: Option<Arc<Served>>,
}

impl Cluster {
    /// The one that all tests of this process share. It is started by the first that asks.
    ///
    /// # Errors
    /// When it does not start; the next one to ask tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::given_or_own).await
    }

    /// The one that the environment names, or one of its own.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn given_or_own() -> Result<Self, Error> {
        match given()? {
            Some(kubeconfig) => Self::given(kubeconfig).await,
            None => Self::start(ServeOptions::default()).await,
        }
    }

    /// Starts one of its own, whatever the environment names.
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

    /// A client with all rights. Each test makes its own: a client belongs to the runtime that it is made in.
    ///
    /// # Errors
    /// When the kubeconfig is not one.
    pub async fn admin(&self) -> Result<kube::Client, ClientError> {
        control::client(&self.kubeconfig).await
    }

    /// A client for another user of this cluster.
    ///
    /// # Errors
    /// When the kubeconfig is not one.
    pub async fn client_of(&self, kubeconfig: &Path) -> Result<kube::Client, ClientError> {
        control::client(kubeconfig).await
    }

    /// kubectl with all rights.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// The file that names this cluster and its administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A folder for files that belong to it. It goes with the cluster at the latest, also when this process is killed;
    /// only of a cluster that somebody else started it stays then.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, prefix: &str) -> io::Result<tempfile::TempDir> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix(prefix);
        match &self.served {
            Some(served) => folder.tempdir_in(&served.ready().data_dir),
            None => folder.tempdir(),
        }
    }

    /// The process that serves it, if this process started it.
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
