//! XOS's gRPC API, served beside the engine: by every process, whichever leads.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_api::ids::{Assigner, Sequences, SharedIds};
use xos_api::{Core, CoreOptions, Gate, GateError, ModelSets, Server, ServerError, Tls};
use xos_engine::Engine;
use xos_engine::leader::Leadership;
use xos_steps::{Services, Store};

use crate::config::{ApiConfig, ClusterDocuments, Config};
use crate::renewal::{self, Contents};

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub enum ApiServingError {
    /// A file cannot be read.
    #[error("`api.{key}` names {path}, which cannot be read: {source}", path = .path.display())]
    File {
        /// The key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The users cannot be read.
    #[error("`api.users_file` names {path}: {source}", path = .path.display())]
    Users {
        /// The file.
        path: PathBuf,
        /// Why.
        source: GateError,
    },
    /// It cannot be served there.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// The API: it listens already, and answers once all objects are known.
pub(super) struct Serving {
    config: ApiConfig,
    /// Where models are objects that clients may load.
    documents: Option<ClusterDocuments>,
    gate: Gate,
    servers: Vec<Server>,
    ids: SharedIds,
}

impl Serving {
    /// Begins to listen, if the configuration says so.
    pub(super) async fn listen(config: &Config) -> Result<Option<Self>, ApiServingError> {
        let documents = config.cluster_documents.clone();
        let Some(config) = config.api.clone() else { return Ok(None) };
        let users = read("users_file", &config.users_file)?;
        let gate = Gate::of(&String::from_utf8_lossy(&users));
        let gate = gate.map_err(|source| ApiServingError::Users { path: config.users_file.clone(), source })?;
        let mut servers = vec![];
        if let (Some(address), Some((certificate, key))) = (config.address, &config.tls) {
            let certificate = read("tls.certificate", certificate)?;
            let tls = Tls { certificate, key: read("tls.key", key)? };
            servers.push(Server::listen(address, Some(tls)).await?);
        }
        if let Some(address) = config.plain_address {
            servers.push(Server::listen(address, None).await?);
        }
        Ok(Some(Self { config, documents, gate, servers, ids: SharedIds::default() }))
    }

    /// Has the ids follow an engine's objects. Before it runs.
    pub(super) fn follow(&self, engine: &Engine) {
        engine.observe(Arc::new(self.ids.clone()));
    }

    /// Serves. `services` are those of every process, `store` is that of the one that leads.
    pub(super) fn start(
        self,
        (client, services, store): (&Client, &Services, Arc<dyn Store>),
        leadership: Leadership,
        ready: &watch::Receiver<bool>,
        shutdown: &CancellationToken,
    ) -> Vec<AbortOnDropHandle<()>> {
        let home = client.default_namespace().to_owned();
        let first = services.store.namespaces().into_iter().next();
        let namespace = self.config.namespace.clone().or(first).unwrap_or_else(|| home.clone());
        let sequences = Arc::new(Sequences::new(client.clone(), &home));
        let core =
            Core::new(Arc::clone(&services.store), self.ids.clone(), Arc::clone(&sequences), CoreOptions { namespace });
        let sets = self
            .documents
            .as_ref()
            .map(|of| ModelSets::new(client.clone(), of.namespace.as_deref().unwrap_or(&home), of.selector.as_deref()));
        let leads = Arc::new(move || leadership.term().is_some());
        let assigner = Assigner { store, ids: self.ids, sequences, leads };
        let mut tasks = vec![tokio::spawn(once(ready.clone(), assigner.run()))];
        for server in self.servers {
            let parts = (core.clone(), self.gate.clone(), sets.clone());
            let shutdown = shutdown.clone();
            tracing::info!(address = %server.address(), "serving XOS's API");
            tasks.push(tokio::spawn(once(ready.clone(), async move {
                if let Err(error) = server.run(parts, shutdown).await {
                    tracing::error!(%error, "XOS's API is served no more");
                }
            })));
        }
        let (gate, files) = (self.gate, vec![self.config.users_file]);
        let known = Contents::read(&files);
        let tell = move |contents: &Contents| renew(&gate, contents);
        tasks.push(tokio::spawn(renewal::watch(known, files, shutdown.clone(), tell)));
        tasks.into_iter().map(AbortOnDropHandle::new).collect()
    }
}

fn renew(gate: &Gate, contents: &Contents) {
    for text in contents.all() {
        if let Err(error) = gate.replace(&String::from_utf8_lossy(text)) {
            tracing::warn!(%error, "`api.users_file` cannot be read: the users stay as they were");
        }
    }
}

/// Waits until all objects are known.
async fn once(mut ready: watch::Receiver<bool>, then: impl Future<Output = ()>) {
    if ready.wait_for(|is_it| *is_it).await.is_ok() {
        then.await;
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, ApiServingError> {
    fs::read(path).map_err(|source| ApiServingError::File { key, path: path.to_owned(), source })
}
