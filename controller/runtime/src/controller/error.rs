//! Errors of the controller.

use tokio::task::JoinError;
use xos_engine::EngineError;
use xos_engine::install::InstallError;
use xos_model::graph::GraphError;

use crate::content::ContentError;
use crate::io_steps::IoStepsError;
use crate::monitoring::MonitoringError;

use super::api::ApiServingError;
use super::trust::TrustError;

/// Why a controller could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// There are no models, they have errors, or the steps do not match them.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The client for writes cannot be made.
    #[error("cannot make a client for the cluster: {0}")]
    Client(#[source] Box<kube::Error>),
    /// The HTTP client of the steps cannot be made.
    #[error("cannot make the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// It cannot trust the configured authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Pull steps, event steps or the event bus.
    #[error(transparent)]
    IoSteps(#[from] IoStepsError),
    /// Dependencies do not match the models.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Metrics and probes cannot be served.
    #[error(transparent)]
    Monitoring(#[from] MonitoringError),
    /// XOS's API cannot be served.
    #[error(transparent)]
    Api(#[from] ApiServingError),
    /// The custom resource definitions cannot be applied.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A watch ended, which never happens without a bug.
    #[error("a watch ended: please report this{}", .0.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
    WatchEnded(Option<JoinError>),
}
