//! Takes up changed models and steps while a controller runs.

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_bus::EventSteps;
use xos_engine::install::InstallError;
use xos_engine::pull::PullSteps;
use xos_engine::watch::WatchEvent;
use xos_engine::{Difference, LiveRegistry, RegistryChange};
use xos_model::graph::{ExtraDependency, Graph, GraphError};
use xos_steps::Services;

use super::installing::Installed;
use super::prepare::Preparing;
use super::warnings as told;
use super::watching::Watching;
use crate::content::Service;
use crate::io_steps::{self, IoStepsError};

/// Why changed models and steps are not taken up. Then nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    /// The definitions cannot be applied, as they would break stored objects, or the API server refuses them.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// Pull steps or event steps cannot run.
    #[error(transparent)]
    IoSteps(#[from] IoStepsError),
    /// Dependencies do not match the models.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The controller ends.
    #[error("the controller ends")]
    Ends,
}

/// A service that is to take the place of the one that runs.
struct Change {
    service: Service,
    done: oneshot::Sender<Result<(), TakeUpError>>,
}

/// Lets a running controller take up other models and steps. Clones are the same one.
#[derive(Clone)]
pub(crate) struct TakeUp(mpsc::Sender<Change>);

/// What a controller is asked to take up.
pub(crate) struct Changes(mpsc::Receiver<Change>);

impl TakeUp {
    /// Returns one, and what the controller takes.
    pub(crate) fn new() -> (Self, Changes) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), Changes(receiver))
    }

    /// Lets models and steps take the place of those that run. Steps that have changed end first; objects of other models
    /// take no notice.
    ///
    /// # Errors
    /// When they cannot. Then those before go on.
    pub(crate) async fn take_up(&self, service: Service) -> Result<(), TakeUpError> {
        let (done, taken_up) = oneshot::channel();
        self.0.send(Change { service, done }).await.map_err(|_| TakeUpError::Ends)?;
        taken_up.await.unwrap_or(Err(TakeUpError::Ends))
    }
}

/// The parts of a controller that change with its models and steps.
pub(super) struct Parts {
    pub(super) registry: LiveRegistry,
    pub(super) preparing: Arc<Preparing>,
    pub(super) watching: Watching,
    pub(super) pulls: PullSteps,
    /// None without an event bus.
    pub(super) events: Option<EventSteps>,
    pub(super) installed: Arc<Installed>,
    /// What is done once with steps that are taken up, and what it has.
    pub(super) starting: Option<AbortOnDropHandle<()>>,
    pub(super) services: Arc<Services>,
    pub(super) shutdown: CancellationToken,
}

impl Parts {
    /// Takes up what is asked for, for ever.
    pub(super) async fn run(mut self, Changes(mut changes): Changes) {
        while let Some(Change { service, done }) = changes.recv().await {
            let result = self.take_up(service).await;
            // Who asked for it may have gone.
            let _ = done.send(result);
        }
        // Watches run as long as this is there.
        std::future::pending::<()>().await;
    }

    async fn take_up(&mut self, service: Service) -> Result<(), TakeUpError> {
        let Service { registry, steps, dependencies, warnings, .. } = service;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        // What can be told is told before anything is changed.
        Graph::new(&registry.models, &dependencies)?;
        if let Some(events) = &self.events {
            events.check(steps.event_steps.clone()).map_err(IoStepsError::from)?;
        }
        self.preparing.change(xos_crds::definitions(&registry.models)).await?;
        let before = self.registry.now();
        let difference = Difference::between(&before, &registry);
        self.pulls.keep(steps.pull_steps.clone()).await;
        if let Some(events) = &self.events {
            events.keep(steps.event_steps.clone()).await.map_err(IoStepsError::from)?;
        }
        for model in difference.unwatched() {
            self.watching.stop(model).await;
        }
        let changed = self.change_engine(&registry, dependencies).await;
        // If the engine has refused, these are the watches as before.
        self.watching.start(&self.registry.now()).await;
        changed?;
        self.pulls.set(steps.pull_steps).await;
        if let Some(events) = &self.events {
            events.set(steps.event_steps).await.map_err(IoStepsError::from)?;
        }
        let starting = io_steps::start(steps.at_start, Arc::clone(&self.services), self.shutdown.clone());
        self.starting = Some(AbortOnDropHandle::new(tokio::spawn(starting)));
        self.installed.change(&registry);
        told::warn_of_change(&registry, &difference);
        Ok(())
    }

    /// Gives the engine another registry, and waits until it uses it.
    async fn change_engine(
        &self,
        registry: &Arc<xos_engine::Registry>,
        dependencies: Vec<ExtraDependency>,
    ) -> Result<(), TakeUpError> {
        let (done, mut changed) = unbounded_channel();
        let change = RegistryChange { registry: Arc::clone(registry), dependencies, done };
        self.watching.events().send(WatchEvent::Registry(change)).await.map_err(|_| TakeUpError::Ends)?;
        changed.recv().await.ok_or(TakeUpError::Ends)?.map_err(TakeUpError::from)
    }
}
