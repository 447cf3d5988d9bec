//! The HTTP server for monitoring: `/livez`, `/readyz` and `/metrics`.

mod metrics;
mod reconcile_metrics;

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
use xos_engine::stats::Stats;

/// The content type of OpenMetrics, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The server cannot listen at its address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address} (`monitoring_address`): {source}")]
pub struct MonitoringError {
    /// The address.
    address: SocketAddr,
    source: std::io::Error,
}

/// What is known of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Reconciler {
    /// The synchronizer's name.
    pub(crate) synchronizer: String,
    /// How many objects may be reconciled at once, slow ones not counted.
    pub(crate) concurrency: usize,
    /// What the engine counts and measures.
    pub(crate) stats: Stats,
    /// Whether the engine knows all objects.
    pub(crate) ready: watch::Receiver<bool>,
}

/// The states to serve.
#[derive(Clone, Debug)]
pub(crate) struct Monitored {
    /// The engine.
    pub(crate) reconciler: Reconciler,
    /// The pull steps.
    pub(crate) pulls: PullStates,
    /// The consumers of event steps.
    pub(crate) consumers: ConsumerStates,
}

impl Monitored {
    /// Returns the reasons why the process has to be restarted; empty if it runs well.
    fn failures(&self, now: Timestamp) -> Vec<String> {
        self.consumers.all().iter().filter_map(|consumer| consumer.failure(now)).collect()
    }

    /// Returns the reasons why the controller is not ready; empty if it is.
    fn not_ready(&self, now: Timestamp) -> Vec<String> {
        if !*self.reconciler.ready.borrow() {
            return vec!["the engine does not know all objects yet".to_owned()];
        }
        let stopped = self.consumers.all().into_iter().filter(|consumer| !consumer.is_polling(now));
        stopped
            .map(|consumer| format!("the consumer of event step {} does not poll for events", consumer.step))
            .collect()
    }
}

/// A server that is listening.
pub(crate) struct Server(TcpListener);

impl Server {
    /// Starts listening; [`run`](Self::run) answers.
    pub(crate) async fn listen(address: SocketAddr) -> Result<Self, MonitoringError> {
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|source| MonitoringError { address, source })?;
        tracing::info!(address = %listener.local_addr().unwrap_or(address), "serving /metrics, /livez and /readyz");
        Ok(Self(listener))
    }

    /// Answers requests until `shutdown`.
    pub(crate) async fn run(self, monitored: Monitored, shutdown: CancellationToken) {
        let routes = routes(monitored);
        let serving = axum::serve(self.0, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the monitoring server failed: /metrics, /livez and /readyz are gone");
        }
    }
}

fn routes(monitored: Monitored) -> Router {
    let metrics = Arc::new(metrics::registry(monitored.clone()));
    Router::new()
        .route("/livez", get(async |State(monitored): State<Monitored>| health(&monitored.failures(Timestamp::now()))))
        .route(
            "/readyz",
            get(async |State(monitored): State<Monitored>| health(&monitored.not_ready(Timestamp::now()))),
        )
        .with_state(monitored)
        .route("/metrics", get(async move || text(&metrics)))
}

/// Returns 200 `ok` if there are no problems, else 503 with one problem per line.
fn health(problems: &[String]) -> (StatusCode, String) {
    if problems.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problems.join("\n")))
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
