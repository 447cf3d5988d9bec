//! The cluster that the environment names.

mod writing;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};
use kube::Client;
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::util::MapErrLayer;
use tower::{BoxError, Service};
use xos_engine::api_error::with_causes;
use xos_engine::leader::Leadership;

use crate::instance::instance;

/// Why there is no client for the cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(
        "no cluster to connect to: {0}\n\
         Set KUBECONFIG, or run inside a pod; `kubectl cluster-info` shows the cluster that kubectl uses"
    )]
    Unknown(#[from] kube::config::InferConfigError),
    #[error("cannot use {what}: {}", with_causes(.source))]
    Kubeconfig { what: String, source: KubeconfigError },
    #[error("cannot make a client for the cluster: {0}")]
    Client(#[source] Box<kube::Error>),
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the API server at {address} did not answer within {limit:?}")]
    Late { address: String, limit: Duration },
    #[error("cannot reach the API server at {address}: {}", with_causes(.cause.as_ref()))]
    Failed { address: String, cause: BoxError },
}

/// Which cluster to use, said as to kubectl.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Target {
    /// The context of the kubeconfig, in place of the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig, in place of those that KUBECONFIG names, or of ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl Target {
    /// Returns a client for the cluster.
    pub(crate) async fn client(&self, timeout: Duration) -> Result<Client, ClusterError> {
        if self.context.is_none() && self.kubeconfig.is_none() {
            return client(timeout, None).await;
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let file = self.kubeconfig.as_ref().map(|file| format!("the kubeconfig {}", file.display()));
        let file = file.unwrap_or_else(|| "the kubeconfig".to_owned());
        let what = match &self.context {
            Some(context) => format!("the context `{context}` of {file}"),
            None => file,
        };
        let failed = |source| ClusterError::Kubeconfig { what: what.clone(), source };
        let read = self.kubeconfig.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from).map_err(failed)?;
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let config = kube::Config::from_custom_kubeconfig(read, &options).await.map_err(failed)?;
        client_for(&named(config, None), timeout)
    }
}

/// Returns a client for the cluster that kubectl uses, or the one that this program runs in. `name` is the
/// synchronizer, if the program is one.
///
/// Each answer has to begin within `timeout`, with all retries. A watch may last longer once its answer has begun.
pub(crate) async fn client(timeout: Duration, name: Option<&str>) -> Result<Client, ClusterError> {
    client_for(&config(name).await?, timeout)
}

/// Returns the same, and what makes a client on whose connections nothing is sent while this process does not lead.
pub(crate) async fn clients(
    timeout: Duration,
    name: &str,
) -> Result<(Client, impl FnOnce(&Leadership) -> kube::Result<Client> + Send + use<>), ClusterError> {
    let config = config(Some(name)).await?;
    let client = client_for(&config, timeout)?;
    let writing = move |leadership: &Leadership| {
        let service = writing::service(&config, leadership.clone())?;
        let builder = ClientBuilder::new(service, config.default_namespace.clone());
        Ok(bounded(builder, &config, timeout))
    };
    Ok((client, writing))
}

async fn config(name: Option<&str>) -> Result<kube::Config, ClusterError> {
    // kube and reqwest use the default of the process. An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(named(kube::Config::infer().await?, name))
}

fn named(mut config: kube::Config, name: Option<&str>) -> kube::Config {
    // A name that is no header value is none.
    if let Ok(agent) = HeaderValue::from_str(&user_agent(name)) {
        config.headers.push((USER_AGENT, agent));
    }
    config
}

fn client_for(config: &kube::Config, timeout: Duration) -> Result<Client, ClusterError> {
    let builder = ClientBuilder::try_from(config.clone()).map_err(|source| ClusterError::Client(Box::new(source)))?;
    Ok(bounded(builder, config, timeout))
}

/// Returns a client whose answers begin within a time, and whose errors say which API server it is.
fn bounded<S, B>(builder: ClientBuilder<S>, config: &kube::Config, timeout: Duration) -> Client
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let address = config.cluster_url.to_string();
    let told = MapErrLayer::new(move |error| told(error, &address, timeout));
    builder.with_layer(&TimeoutLayer::new(timeout)).with_layer(&told).build()
}

/// Returns how requests name their sender to the API server, as its audit log shows it: a synchronizer with the process,
/// as there may be several of one name.
fn user_agent(name: Option<&str>) -> String {
    let program = concat!("xos/", env!("CARGO_PKG_VERSION"));
    name.map_or_else(|| program.to_owned(), |name| format!("{program} ({name}; {})", instance()))
}

/// Says which API server it is. What kube says itself, as of a token that cannot be had, stays.
fn told(error: BoxError, address: &str, limit: Duration) -> BoxError {
    let address = address.trim_end_matches('/').to_owned();
    match error {
        error if error.is::<kube::Error>() => error,
        error if error.is::<Elapsed>() => NoAnswer::Late { address, limit }.into(),
        cause => NoAnswer::Failed { address, cause }.into(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use xos_engine::api_error::explain;

    use super::*;

    fn config(address: std::net::SocketAddr) -> kube::Config {
        kube::Config::new(format!("http://{address}").parse().unwrap())
    }

    #[tokio::test]
    async fn requests_say_who_sends_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client =
            client_for(&named(config(listener.local_addr().unwrap()), Some("voip")), Duration::from_secs(9)).unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![];
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            String::from_utf8(request).unwrap().to_lowercase()
        });
        let request = http::Request::get("/version").body(vec![]).unwrap();
        client.request_text(request).await.unwrap();
        let request = serving.await.unwrap();
        let line = format!("user-agent: xos/{} (voip; {})", env!("CARGO_PKG_VERSION"), instance().to_lowercase());
        assert!(request.lines().any(|there| there == line), "{request}");
        assert_eq!(user_agent(None), format!("xos/{}", env!("CARGO_PKG_VERSION")));
    }

    #[tokio::test]
    async fn the_context_and_the_kubeconfig_are_named_as_for_kubectl() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        let text = "{apiVersion: v1, kind: Config, current-context: a,
            clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {}}],
            contexts: [{name: a, context: {cluster: a, user: u}},
                {name: b, context: {cluster: a, user: u, namespace: east}}]}";
        std::fs::write(&file, text).unwrap();
        let client = async |context: Option<&str>| {
            let target = Target { context: context.map(str::to_owned), kubeconfig: Some(file.clone()) };
            target.client(Duration::from_secs(1)).await
        };
        assert_eq!(client(None).await.unwrap().default_namespace(), "default");
        assert_eq!(client(Some("b")).await.unwrap().default_namespace(), "east");
        let error = client(Some("c")).await.err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("cannot use the context `c` of the kubeconfig {}: ", file.display())),
            "{error}"
        );
        let nowhere = Target { context: None, kubeconfig: Some("/nowhere".into()) };
        let error = nowhere.client(Duration::from_secs(1)).await.err().unwrap().to_string();
        assert!(error.starts_with("cannot use the kubeconfig /nowhere: "), "{error}");
    }

    #[tokio::test]
    async fn without_an_api_server_the_message_names_address_and_cause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(50);
        let client = client_for(&config(address), limit).unwrap();
        let error = client.apiserver_version().await.unwrap_err();
        assert_eq!(explain(&error), format!("the API server at http://{address} did not answer within 50ms"));
        drop(listener);
        let client = client_for(&config(address), Duration::from_secs(9)).unwrap();
        let error = explain(&client.apiserver_version().await.unwrap_err());
        assert!(error.starts_with(&format!("cannot reach the API server at http://{address}: ")), "{error}");
        assert!(error.contains("refused"), "{error}");
    }
}
