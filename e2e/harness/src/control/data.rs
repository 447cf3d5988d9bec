//! The folder of a cluster, and the files that are made before its processes start.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    keys::{self, Keys},
    kubeconfig::Kubeconfig,
    network::Network,
    ports,
    serve::RunOptions,
};
use crate::files::{FileError, at};

/// The administrator's kubeconfig.
pub(super) const KUBECONFIG: &str = "kubeconfig";

/// A cluster's folder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys could not be made.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There are no free ports.
    #[error("cannot find free ports")]
    Ports(#[from] io::Error),
}

/// The configuration of the cluster's processes.
#[derive(Debug)]
pub(super) struct Data {
    folder: PathBuf,
    /// etcd's port for its clients.
    pub(super) etcd: u16,
    /// The API server's port.
    pub(super) api: u16,
    /// Whether every write to the API server is recorded.
    pub(super) audit: bool,
    /// More flags of the API server.
    pub(super) api_server_flags: Vec<String>,
    /// The addresses.
    pub(super) network: Network,
}

impl Data {
    /// Makes keys, kubeconfigs and the audit policy in `folder`, which must be empty.
    pub(super) fn make(folder: &Path, options: &RunOptions, network: Network) -> Result<Self, Error> {
        let [etcd, api] = ports::free()?;
        let RunOptions { audit, api_server_flags, .. } = options.clone();
        let data = Self { folder: folder.to_owned(), etcd, api, audit, api_server_flags, network };
        let keys = Keys::make(folder, &network)?;
        let users = keys.users.iter().map(|(name, identity)| (*name, identity));
        for (name, identity) in users.chain([(KUBECONFIG, &keys.admin)]) {
            let config = Kubeconfig { server: &data.server(), authority: &keys.authority, user: identity };
            config.write(&data.file(name))?;
        }
        if data.audit {
            let policy = data.file("audit-policy.json");
            std::fs::write(&policy, AUDIT_POLICY).map_err(at(&policy))?;
        }
        Ok(data)
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a file in the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the path of a component's log.
    pub(super) fn log(&self, component: &str) -> PathBuf {
        self.file(&format!("{component}.log"))
    }

    /// Returns the URL of the API server.
    pub(super) fn server(&self) -> String {
        format!("https://{}:{}", self.network.listen(), self.api)
    }
}

/// One line for each request that may have changed something, and for each of a test's ServiceAccounts: who, what, which
/// object, and the answer.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [
    {"level": "None", "verbs": ["get", "list", "watch"], "userGroups": ["system:serviceaccounts:kube-system"]},
    {"level": "Metadata", "verbs": ["get", "list", "watch"], "userGroups": ["system:serviceaccounts"]},
    {"level": "None", "verbs": ["get", "list", "watch"]},
    {"level": "Metadata"}
  ]
}"#;
