//! Runs a synchronizer on a cluster: wires watches, engine, pull steps, event steps and monitoring together.

mod error;
mod installing;
mod run;
mod warnings;

use std::sync::Arc;

use kube::Client;
use tokio_util::sync::CancellationToken;
use xos_engine::Registry;
use xos_engine::install::{install, served};

use crate::config::{Config, Definitions};
use crate::dependencies;
use crate::io_steps::IoSteps;
use crate::models;
use crate::synchronizer::Synchronizer;

pub use error::ControllerError;

/// A synchronizer whose models and steps are checked, and that does not run yet.
pub(crate) struct Controller {
    registry: Registry,
    io_steps: IoSteps,
}

/// Runs a synchronizer on the cluster of `client` until `shutdown`.
///
/// # Errors
/// When it cannot start, or the engine stops by itself.
pub async fn run_on(
    client: Client,
    synchronizer: Synchronizer,
    config: &Config,
    shutdown: CancellationToken,
) -> Result<(), ControllerError> {
    Controller::new(synchronizer, config)?.run(client, config, shutdown).await
}

impl Controller {
    /// Checks models and steps. Needs no cluster.
    pub(crate) fn new(synchronizer: Synchronizer, config: &Config) -> Result<Self, ControllerError> {
        let registry = models::registry(&synchronizer, config)?;
        let io_steps = IoSteps::new(synchronizer.steps, config)?;
        Ok(Self { registry, io_steps })
    }

    /// Applies the definitions, then reconciles objects until `shutdown`.
    pub(crate) async fn run(
        self,
        client: Client,
        config: &Config,
        shutdown: CancellationToken,
    ) -> Result<(), ControllerError> {
        let models = Arc::clone(&self.registry.models);
        let definitions = xos_crds::definitions(&models);
        let synchronizer = &config.name;
        let count = definitions.len();
        let ready = async {
            match config.definitions {
                Definitions::Apply => {
                    tracing::info!(synchronizer, definitions = count, "applying custom resource definitions");
                    install(&client, definitions).await
                }
                Definitions::Provided => {
                    tracing::info!(synchronizer, definitions = count, "custom resource definitions are provided");
                    served(&client, &definitions).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            ready = ready => ready?,
        }
        warnings::warn_of_models_without_step(&self.registry);
        warnings::warn_of_unenforced_rules(&models);
        let dependencies = config.dependency_graph.as_deref().map(dependencies::read).transpose()?.unwrap_or_default();
        warnings::log_cycles(&models, &dependencies);
        run::run(self, client, config, dependencies, shutdown).await
    }
}
