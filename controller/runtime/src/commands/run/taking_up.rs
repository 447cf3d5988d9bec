//! Takes up a service in the place of the one that runs.

use std::pin::Pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::RunError;
use crate::cluster;
use crate::config::Config;
use crate::content::{Attending, Service};
use crate::controller::{Beside, Controller};

type Controlling = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;

/// Why a service is not taken up: the one before goes on.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Refused(RunError);

/// What runs.
pub(super) struct Running {
    config: Arc<Config>,
    attending: Attending,
    shutdown: CancellationToken,
    service: Service,
    stop: CancellationToken,
    controlling: Controlling,
}

impl Running {
    /// Runs the first service.
    pub(super) fn start(
        controller: Controller,
        service: Service,
        config: &Arc<Config>,
        (attending, shutdown): (Attending, CancellationToken),
    ) -> Self {
        let stop = shutdown.child_token();
        let beside = Beside { attending: attending.clone(), begun: CancellationToken::new() };
        let controlling = control(controller, config, beside, stop.clone());
        Self { config: Arc::clone(config), attending, shutdown, service, stop, controlling }
    }

    /// Waits until it ends by itself, or as it was asked to.
    pub(super) async fn ended(&mut self) -> Result<(), RunError> {
        (&mut self.controlling).await
    }

    /// Lets running steps end, and runs another service. If that does not begin to work, the one before runs again.
    ///
    /// # Errors
    /// [`Refused`] when the one before runs again; else when nothing runs any more.
    pub(super) async fn take_up(&mut self, service: Service) -> Result<Result<(), Refused>, RunError> {
        let controller = match Controller::of(&service, &self.config) {
            Ok(controller) => controller,
            Err(error) => return Ok(Err(Refused(error.into()))),
        };
        self.stop.cancel();
        self.ended().await?;
        match self.begin(controller).await {
            Ok(()) => {
                self.service = service;
                Ok(Ok(()))
            }
            Err(_) if self.shutdown.is_cancelled() => Ok(Ok(())),
            Err(error) => {
                let before = Controller::of(&self.service, &self.config)?;
                self.begin(before).await?;
                Ok(Err(Refused(error)))
            }
        }
    }

    /// Runs a controller, and waits until it works, or stands by.
    async fn begin(&mut self, controller: Controller) -> Result<(), RunError> {
        self.stop = self.shutdown.child_token();
        let begun = CancellationToken::new();
        let beside = Beside { attending: self.attending.clone(), begun: begun.clone() };
        self.controlling = control(controller, &self.config, beside, self.stop.clone());
        tokio::select! {
            biased;
            ended = &mut self.controlling => {
                // It has ended, and is not asked again.
                let is_asked = self.shutdown.is_cancelled();
                self.controlling = Box::pin(std::future::ready(Ok(())));
                ended.and_then(|()| if is_asked { Ok(()) } else { Err(RunError::Ended) })
            }
            () = begun.cancelled() => Ok(()),
        }
    }
}

fn control(controller: Controller, config: &Arc<Config>, beside: Beside, stop: CancellationToken) -> Controlling {
    let config = Arc::clone(config);
    Box::pin(async move {
        let (client, writing) = cluster::clients(config.api_timeout, &config.name).await?;
        Ok(controller.run((client, Box::new(writing)), &config, beside, stop).await?)
    })
}
