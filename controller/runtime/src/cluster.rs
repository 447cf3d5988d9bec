//! The cluster that the environment names.

use std::time::Duration;

use kube::Client;
use kube::client::ClientBuilder;
use tower::timeout::TimeoutLayer;

/// Why there is no client for the cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(
        "no cluster to connect to: {0}\n\
         Set KUBECONFIG, or run inside a pod; `kubectl cluster-info` shows the cluster that kubectl uses"
    )]
    Unknown(#[from] kube::config::InferConfigError),
    #[error("cannot make a client for the cluster: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// Returns a client for the cluster that kubectl uses, or the one that this program runs in.
///
/// Each answer has to begin within `timeout`, with all retries. A watch may last longer once its answer has begun.
pub(crate) async fn client(timeout: Duration) -> Result<Client, ClusterError> {
    // kube and reqwest use the default of the process. An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = kube::Config::infer().await?;
    let builder = ClientBuilder::try_from(config).map_err(|source| ClusterError::Client(Box::new(source)))?;
    Ok(builder.with_layer(&TimeoutLayer::new(timeout)).build())
}
