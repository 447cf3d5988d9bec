//! The cluster that the environment names.

use std::time::Duration;

use kube::Client;
use kube::client::ClientBuilder;
use tower::timeout::TimeoutLayer;

/// Until an answer has to begin, where nothing else is configured.
pub(crate) const ANSWERED: Duration = Duration::from_secs(30);

/// Why there is no client for a cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// No cluster is known.
    #[error(
        "no cluster to talk to: {0}\nSet KUBECONFIG, or run inside a pod; `kubectl cluster-info` shows what kubectl would use"
    )]
    Unknown(#[from] kube::config::InferConfigError),
    /// The cluster's client cannot be made.
    #[error("cannot make a client for the cluster: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// A client for the cluster that kubectl would talk to, or the one that this program runs in.
///
/// Whatever is asked for has to begin to be answered within `timeout`, retries and all: also a watch, which may then last.
pub(crate) async fn client(timeout: Duration) -> Result<Client, ClusterError> {
    // Both kube and reqwest take the process's default; to find one in place is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = kube::Config::infer().await?;
    let builder = ClientBuilder::try_from(config).map_err(|source| ClusterError::Client(Box::new(source)))?;
    Ok(builder.with_layer(&TimeoutLayer::new(timeout)).build())
}
