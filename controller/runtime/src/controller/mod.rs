//! Runs a synchronizer on a cluster: wires watches, engine, pull steps, event steps and monitoring together.

mod error;
mod fenced;
mod installing;
mod leading;
mod prepare;
mod run;
mod trust;
mod warnings;

use std::sync::Arc;

use kube::Client;
use tokio_util::sync::CancellationToken;
use xos_engine::Registry;
use xos_steps::Steps;

use crate::config::Config;
use crate::dependencies;
use crate::io_steps::IoSteps;
use crate::models;
use crate::synchronizer::Synchronizer;

pub use error::ControllerError;
use fenced::Writing;

/// A synchronizer whose models and steps are checked, and that does not run yet.
pub(crate) struct Controller {
    registry: Arc<Registry>,
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
    let writing = client.clone();
    let (_, controller) = Service::read(&synchronizer, config)?;
    controller.run((client, Box::new(|_| Ok(writing))), config, shutdown).await
}

/// Models and steps that fit each other.
#[derive(Clone)]
pub(crate) struct Service {
    registry: Arc<Registry>,
    steps: Steps,
}

impl Service {
    /// Reads models and documents, and checks all. Returns them, and a synchronizer of them that does not run yet. Needs no
    /// cluster.
    pub(crate) fn read(synchronizer: &Synchronizer, config: &Config) -> Result<(Self, Controller), ControllerError> {
        let (registry, steps) = models::loaded(synchronizer, config)?;
        let service = Self { registry: Arc::new(registry), steps };
        let controller = service.controller(config)?;
        Ok((service, controller))
    }

    /// Returns a synchronizer that does not run yet. Pull steps and event steps are checked.
    pub(crate) fn controller(&self, config: &Config) -> Result<Controller, ControllerError> {
        let io_steps = IoSteps::new(self.steps.clone(), config)?;
        Ok(Controller { registry: Arc::clone(&self.registry), io_steps })
    }
}

impl Controller {
    /// Waits until it is known who leads; a leader applies the definitions. Then reconciles objects until `shutdown`, or
    /// stands by.
    pub(crate) async fn run(
        self,
        clients: (Client, Writing),
        config: &Config,
        shutdown: CancellationToken,
    ) -> Result<(), ControllerError> {
        warnings::warn_of_models_without_step(&self.registry);
        warnings::warn_of_unenforced_rules(&self.registry.models);
        let dependencies = config.dependency_graph.as_deref().map(dependencies::read).transpose()?.unwrap_or_default();
        warnings::log_cycles(&self.registry.models, &dependencies);
        run::run(self, clients, config, dependencies, shutdown).await
    }
}
