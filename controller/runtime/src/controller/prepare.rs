//! What a leader does before the engine works: it applies the definitions, unless somebody else does.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition as Definition;
use kube::{Client, ResourceExt};
use tokio::sync::Notify;
use xos_engine::install::{InstallError, check, install, served};
use xos_engine::leader::Leadership;

use super::ControllerError;
use crate::config::Definitions;

/// How long changed definitions that somebody else applies are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prepares each term.
pub(super) struct Preparing {
    /// A client that changes something only while this process leads.
    pub(super) client: Client,
    pub(super) synchronizer: String,
    pub(super) definitions: RwLock<Vec<Definition>>,
    /// Who applies them.
    pub(super) by: Definitions,
    pub(super) leadership: Leadership,
    /// Told when definitions were changed: what was listed before may be read otherwise now.
    pub(super) relist: Arc<Notify>,
}

impl Preparing {
    fn definitions(&self) -> Vec<Definition> {
        self.definitions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes other definitions. If this process leads they are applied; else it is only checked whether they can be. Those
    /// that somebody else applies are waited for.
    ///
    /// # Errors
    /// When the definitions cannot be applied. Then those before stay.
    pub(super) async fn change(&self, definitions: Vec<Definition>) -> Result<(), InstallError> {
        match (self.by, self.leadership.term()) {
            (Definitions::Provided, _) => {
                let served = tokio::time::timeout(PATIENCE, served(&self.client, &definitions)).await;
                let name = definitions.first().map(ResourceExt::name_any).unwrap_or_default();
                served.map_err(|_| InstallError::NotEstablished { name })?;
            }
            (Definitions::Apply, Some(term)) => {
                let installed = self.leadership.guard_in(term.number, install(&self.client, definitions.clone())).await;
                match installed {
                    Ok(installed) => drop(installed?),
                    // Who leads now applies them.
                    Err(_) => check(&self.client, definitions.clone()).await?,
                }
            }
            (Definitions::Apply, None) => check(&self.client, definitions.clone()).await?,
        }
        *self.definitions.write().unwrap_or_else(PoisonError::into_inner) = definitions;
        Ok(())
    }

    /// Checks whether the definitions can be applied: better a process that does not start than one that cannot take
    /// over. Those that somebody else applies are waited for. Then waits until it is known who leads; if it is this
    /// process, everything is prepared before anything is listed. `client` only reads.
    ///
    /// # Errors
    /// When the definitions cannot be applied.
    pub(super) async fn begin(&self, client: &Client) -> Result<(), ControllerError> {
        match self.by {
            Definitions::Apply => check(client, self.definitions()).await?,
            Definitions::Provided => {
                let (synchronizer, definitions) = (&self.synchronizer, self.definitions().len());
                tracing::info!(synchronizer, definitions, "custom resource definitions are provided");
                served(client, &self.definitions()).await;
            }
        }
        self.leadership.known().await;
        if let Some(term) = self.leadership.term() {
            self.once(term.number).await?;
        }
        Ok(())
    }

    /// Prepares the terms of this process, for ever.
    ///
    /// # Errors
    /// When the definitions cannot be applied.
    pub(super) async fn run(&self) -> InstallError {
        loop {
            let term = self.leadership.begun().await.number;
            if let Err(error) = self.once(term).await {
                return error;
            }
            self.leadership.over(term).await;
        }
    }

    /// Prepares a term. If it is over before that is done, it is left.
    ///
    /// # Errors
    /// When the definitions cannot be applied.
    pub(super) async fn once(&self, term: u64) -> Result<(), InstallError> {
        if self.leadership.is_prepared(term) {
            return Ok(());
        }
        if self.by == Definitions::Provided {
            self.leadership.prepared(term);
            return Ok(());
        }
        let (synchronizer, definitions) = (&self.synchronizer, self.definitions().len());
        tracing::info!(synchronizer, definitions, "applying custom resource definitions");
        let installed = self.leadership.guard_in(term, install(&self.client, self.definitions())).await;
        match installed {
            Ok(Ok(has_changed)) => {
                if has_changed {
                    self.relist.notify_waiters();
                }
                self.leadership.prepared(term);
                Ok(())
            }
            Ok(Err(error)) if self.leadership.is_in_force(term) => Err(error),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}
