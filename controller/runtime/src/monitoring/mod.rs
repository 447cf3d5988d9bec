//! What monitors ask by HTTP: `/livez`, `/readyz` and `/metrics`.

mod metrics;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::ConsumerStates;
use xos_engine::pull::PullStates;

/// OpenMetrics, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address} (`monitoring_address`): {source}")]
pub struct MonitoringError {
    /// The address.
    address: SocketAddr,
    /// Why.
    source: std::io::Error,
}

/// What is monitored.
#[derive(Clone, Debug)]
pub(crate) struct Monitored {
    /// Whether the engine knows all objects.
    pub(crate) engine: watch::Receiver<bool>,
    /// The pull steps.
    pub(crate) pulls: PullStates,
    /// The consumers of event steps.
    pub(crate) consumers: ConsumerStates,
}

impl Monitored {
    /// What is not ready yet, or no longer; empty if all is.
    fn lacks(&self, now: Timestamp) -> Vec<String> {
        if !*self.engine.borrow() {
            return vec!["the engine does not know all objects yet".to_owned()];
        }
        let silent = self.consumers.all().into_iter().filter(|consumer| !consumer.is_alive(now));
        silent.map(|consumer| format!("the consumer of {} does not ask for events", consumer.step)).collect()
    }
}

/// A server that listens.
pub(crate) struct Server(TcpListener);

impl Server {
    /// Listens, and answers nothing yet.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, MonitoringError> {
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|source| MonitoringError { address, source })?;
        tracing::info!(address = %listener.local_addr().unwrap_or(address), "serving /metrics, /livez and /readyz");
        Ok(Self(listener))
    }

    /// Answers until `shutdown`.
    pub(crate) async fn run(self, monitored: Monitored, shutdown: CancellationToken) {
        let routes = routes(monitored);
        let serving = axum::serve(self.0, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "nobody is told how the controller fares any more");
        }
    }
}

fn routes(monitored: Monitored) -> Router {
    let metrics = Arc::new(metrics::registry(monitored.clone()));
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async |State(monitored): State<Monitored>| ready(&monitored.lacks(Timestamp::now()))))
        .with_state(monitored)
        .route("/metrics", get(async move || text(&metrics)))
}

fn ready(lacks: &[String]) -> (StatusCode, String) {
    let status = if lacks.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let lines = if lacks.is_empty() { "ok".to_owned() } else { lacks.join("\n") };
    (status, format!("{lines}\n"))
}

fn text(metrics: &Registry) -> impl IntoResponse + use<> {
    let mut text = String::new();
    match encode(&mut text, metrics) {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, OPEN_METRICS)], String::new()),
    }
}

#[cfg(test)]
mod tests;
