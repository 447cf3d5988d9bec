//! Runs a synchronizer on a cluster: wires watches, engine, pull steps, event steps and monitoring together.

mod api;
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

use crate::config::Config;
use crate::content::{self, Attending, Service};
use crate::io_steps::IoSteps;
use crate::synchronizer::Synchronizer;

pub use api::ApiServingError;
pub use error::ControllerError;
use fenced::Writing;
pub use taking_up::TakeUpError;
pub(crate) use taking_up::{Changes, TakeUp};

/// A synchronizer whose models and steps are checked, and that does not run yet.
pub(crate) struct Controller {
    registry: Arc<Registry>,
    dependencies: Vec<ExtraDependency>,
    io_steps: IoSteps,
}

/// Runs a synchronizer on the cluster of `client` until `shutdown`. It takes models and documents from folders and from the
/// program only.
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
    let controller = Controller::of(&content::here(&synchronizer, config)?, config)?;
    let (_take_up, changes) = TakeUp::new();
    let beside = Beside { attending: Attending::default(), changes };
    controller.run((client, Box::new(|_| Ok(writing))), config, beside, shutdown).await
}

/// What goes on beside a controller.
pub(crate) struct Beside {
    /// What is done for the objects that it is made of.
    pub(crate) attending: Attending,
    /// What it is asked to take up.
    pub(crate) changes: Changes,
}

impl Controller {
    /// Returns a synchronizer that does not run yet. Pull steps and event steps are checked.
    pub(crate) fn of(service: &Service, config: &Config) -> Result<Self, ControllerError> {
        let io_steps = IoSteps::new(service.steps.clone(), config)?;
        service.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(Self { registry: Arc::clone(&service.registry), dependencies: service.dependencies.clone(), io_steps })
    }

    /// Waits until it is known who leads; a leader applies the definitions. Then reconciles objects until `shutdown`, or
    /// stands by. Takes up the `changes` that it is asked to.
    pub(crate) async fn run(
        self,
        clients: (Client, Writing),
        config: &Config,
        beside: Beside,
        shutdown: CancellationToken,
    ) -> Result<(), ControllerError> {
        warnings::warn_of_models_without_step(&self.registry);
        warnings::warn_of_unenforced_rules(&self.registry.models);
        warnings::log_cycles(&self.registry.models, &self.dependencies);
        run::run(self, clients, config, beside, shutdown).await
    }
}
