//! Runs a synchronizer on a cluster: wires watches, engine, pull steps, event steps and monitoring together.

mod error;
mod fenced;
mod installing;
mod leading;
mod prepare;
mod run;
mod taking_up;
mod trust;
mod warnings;
mod watching;

use std::sync::Arc;

use kube::Client;
use tokio_util::sync::CancellationToken;
use xos_engine::Registry;
use xos_model::graph::ExtraDependency;
use xos_steps::Steps;

use crate::config::Config;
use crate::dependencies;
use crate::io_steps::IoSteps;
use crate::models;
use crate::synchronizer::Synchronizer;

pub use error::ControllerError;
use fenced::Writing;
pub use taking_up::TakeUpError;
pub(crate) use taking_up::{Changes, TakeUp};

/// A synchronizer whose models and steps are checked, and that does not run yet.
pub(crate) struct Controller {
    registry: Arc<Registry>,
    io_steps: IoSteps,
    dependencies: Vec<ExtraDependency>,
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
    let controller = Service::read(&synchronizer, config)?.controller(config)?;
    let (_take_up, changes) = TakeUp::new();
    controller.run((client, Box::new(|_| Ok(writing))), config, changes, shutdown).await
}

/// Models and steps that fit each other.
#[derive(Clone)]
pub(crate) struct Service {
    registry: Arc<Registry>,
    steps: Steps,
    dependencies: Vec<ExtraDependency>,
}

impl Service {
    /// Reads models and documents, and checks all but pull steps and event steps. Needs no cluster.
    pub(crate) fn read(synchronizer: &Synchronizer, config: &Config) -> Result<Self, ControllerError> {
        let (registry, steps) = models::loaded(synchronizer, config)?;
        let dependencies = config.dependency_graph.as_deref().map(dependencies::read).transpose()?.unwrap_or_default();
        Ok(Self { registry: Arc::new(registry), steps, dependencies })
    }

    /// Returns a synchronizer that does not run yet. Pull steps and event steps are checked.
    pub(crate) fn controller(self, config: &Config) -> Result<Controller, ControllerError> {
        let Self { registry, steps, dependencies } = self;
        Ok(Controller { registry, io_steps: IoSteps::new(steps, config)?, dependencies })
    }
}

impl Controller {
    /// Waits until it is known who leads; a leader applies the definitions. Then reconciles objects until `shutdown`, or
    /// stands by. Takes up the `changes` that it is asked to.
    pub(crate) async fn run(
        self,
        clients: (Client, Writing),
        config: &Config,
        changes: Changes,
        shutdown: CancellationToken,
    ) -> Result<(), ControllerError> {
        warnings::warn_of_models_without_step(&self.registry);
        warnings::warn_of_unenforced_rules(&self.registry.models);
        warnings::log_cycles(&self.registry.models, &self.dependencies);
        run::run(self, clients, config, changes, shutdown).await
    }
}
