//! The HTTP server for monitoring: `/livez`, `/readyz`, `/metrics` and `/loglevel`.

mod log_level;
mod metrics;
mod model_metrics;
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
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use xos_bus::{ConsumerState, ConsumerStates};
use xos_engine::heartbeat::Heartbeat;
use xos_engine::leader::{LeaderState, Leadership};
use xos_engine::presence::{Others, Process};
use xos_engine::pull::PullStates;
use xos_engine::stats::Stats;
use xos_engine::watch::{Interruption, WatchId, WatchState, WatchStates};

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
    /// Whether its loop turns.
    pub(crate) heartbeat: Heartbeat,
}

/// The states to serve.
#[derive(Clone)]
pub(crate) struct Monitored {
    /// The engine.
    pub(crate) reconciler: Reconciler,
    /// Whether this process leads.
    pub(crate) leadership: Leadership,
    /// The watches.
    pub(crate) watches: WatchStates,
    /// The other processes of the same name that work.
    pub(crate) others: Others,
    /// The pull steps.
    pub(crate) pulls: PullStates,
    /// The consumers of event steps.
    pub(crate) consumers: ConsumerStates,
}

impl Monitored {
    /// Returns the reasons why the process has to be restarted; empty if it runs well.
    fn failures(&self, now: Timestamp) -> Vec<String> {
        let stuck = self.reconciler.heartbeat.failure(Instant::now());
        let consumers = self.consumers.all();
        stuck.into_iter().chain(consumers.iter().filter_map(|consumer| consumer.failure(now))).collect()
    }

    /// Returns the reasons why the controller is not ready; empty if it is.
    fn not_ready(&self, now: Timestamp) -> Vec<String> {
        let mut reasons: Vec<_> = self.reconciler.heartbeat.failure(Instant::now()).into_iter().collect();
        reasons.extend(self.leadership.state().problem);
        let is_known = *self.reconciler.ready.borrow();
        if !is_known {
            reasons.push("the engine does not know all objects yet".to_owned());
        }
        reasons.extend(self.watches.all().iter().filter_map(|(watch, state)| interrupted(watch, state)));
        // Consumers start when all objects are known.
        if is_known {
            let is_stopped = |consumer: &ConsumerState| consumer.stopped.is_none() && !consumer.is_polling(now);
            let stopped = self.consumers.all().into_iter().filter(is_stopped);
            reasons
                .extend(stopped.map(|one| format!("the consumer of event step {} does not poll for events", one.step)));
        }
        reasons.extend(self.consumers.all().into_iter().filter_map(|one| one.stopped));
        reasons
    }
}

impl Monitored {
    /// Returns what is told of a controller that is ready: whether it stands by, and what is not as it should be. It stays ready: else a rolling update, which starts the new
    /// process before it ends the old one, would never come to its end.
    fn notes(&self) -> Vec<String> {
        let leader = self.leadership.state();
        if !leader.leads {
            return std::iter::once(standing_by(&leader)).chain(self.away()).collect();
        }
        let warning = |Process { host, pid, since, .. }: Process| {
            format!(
                "warning: another process of the name {} works on the same objects: on {host} (process {pid}), since \
                 {since:.0}",
                self.reconciler.synchronizer
            )
        };
        self.others.all().into_iter().map(warning).chain(self.away()).collect()
    }

    /// Returns which event steps wait for their target. A restart would not help: the process goes on by itself when the
    /// target is there again.
    fn away(&self) -> impl Iterator<Item = String> + use<> {
        let away = self.consumers.all().into_iter().filter_map(|consumer| consumer.away);
        away.map(|outage| format!("warning: {}: its events wait", outage.message))
    }
}

/// Returns what is told of a process that does not lead.
fn standing_by(leader: &LeaderState) -> String {
    match (&leader.leader, leader.since) {
        (Some(leader), Some(since)) => format!("standing by: {leader} leads since {since:.0}"),
        (Some(leader), None) => format!("standing by: {leader} leads"),
        (None, _) => "standing by: nobody leads".to_owned(),
    }
}

/// Returns what is told of a watch that does not work.
fn interrupted(watch: &WatchId, state: &WatchState) -> Option<String> {
    let Interruption { since, cause } = state.interrupted.as_ref()?;
    let place = watch.namespace().map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    Some(format!("changes of {}{place} are not seen since {since:.0}: {cause}", watch.model()))
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
        let routes = routes(monitored).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(self.0, routes).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the monitoring server failed: /metrics, /livez and /readyz are gone");
        }
    }
}

fn routes(monitored: Monitored) -> Router {
    let metrics = Arc::new(metrics::registry(monitored.clone()));
    Router::new()
        .route(
            "/livez",
            get(async |State(monitored): State<Monitored>| health(&monitored.failures(Timestamp::now()), &[])),
        )
        .route(
            "/readyz",
            get(async |State(monitored): State<Monitored>| {
                health(&monitored.not_ready(Timestamp::now()), &monitored.notes())
            }),
        )
        .with_state(monitored)
        .route("/metrics", get(async move || text(&metrics)))
        .route("/loglevel", log_level::log_level())
}

/// Returns 200 `ok` if there are no problems, else 503 with one problem per line; then the notes, one per line.
fn health(problems: &[String], notes: &[String]) -> (StatusCode, String) {
    let (status, first) = match problems {
        [] => (StatusCode::OK, "ok".to_owned()),
        problems => (StatusCode::SERVICE_UNAVAILABLE, problems.join("\n")),
    };
    let lines: Vec<_> = std::iter::once(&first).chain(notes).map(|line| format!("{line}\n")).collect();
    (status, lines.concat())
}

fn text(metrics: &Registry) -> impl IntoResponse + use<> {
    let mut text = String::new();
    match encode(&mut text, metrics) {
        Ok(()) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, OPEN_METRICS)], String::new()),
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
