//! Gives ids to objects that were not made by the API, and shows those of the others.

use std::sync::Arc;
use std::time::Duration;

use xos_model::{Object, ObjectKey, Reference};
use xos_steps::{Store, StoreError};

use super::{IdError, Sequences, SharedIds, root};

/// How often it is looked for them. A synchronizer that has a step for an object shows the id sooner.
const EVERY: Duration = Duration::from_secs(1);

/// Gives objects their ids, as long as it runs.
pub struct Assigner {
    /// The objects.
    pub store: Arc<dyn Store>,
    /// Their ids.
    pub ids: SharedIds,
    /// New ids.
    pub sequences: Arc<Sequences>,
    /// Whether this process is the one that does it.
    pub leads: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl std::fmt::Debug for Assigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assigner").finish_non_exhaustive()
    }
}

/// Why an object has no id yet.
#[derive(Debug, thiserror::Error)]
enum AssignError {
    #[error(transparent)]
    Id(#[from] IdError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Assigner {
    /// Works for ever.
    pub async fn run(self) {
        let mut told: Option<String> = None;
        loop {
            tokio::time::sleep(EVERY).await;
            if !(self.leads)() {
                continue;
            }
            let result = self.once().await;
            match result {
                Ok(()) if told.take().is_some() => tracing::info!("objects get ids again"),
                Ok(()) => {}
                Err(error) => {
                    let error = error.to_string();
                    if told.as_ref() != Some(&error) {
                        tracing::warn!(error, "objects get no ids in XOS's API; tried again every {EVERY:?}");
                        told = Some(error);
                    }
                }
            }
        }
    }

    /// Gives all that are waiting their ids.
    async fn once(&self) -> Result<(), AssignError> {
        for key in self.ids.untold() {
            if !(self.leads)() {
                break;
            }
            match self.assign(&key).await {
                // It is another one by now, or gone: the view will say.
                Err(AssignError::Store(StoreError::Gone(_) | StoreError::Unsettled { .. })) => self.ids.give_up(&key),
                result => result?,
            }
        }
        Ok(())
    }

    async fn assign(&self, key: &ObjectKey) -> Result<(), AssignError> {
        let Some(object) = self.find(key)? else {
            self.ids.give_up(key);
            return Ok(());
        };
        let id = match object.status.id {
            Some(id) => id,
            None => {
                let models = self.store.models();
                let Some(model) = models.get(&key.model) else { return Ok(()) };
                self.sequences.next(&models, root(&models, model), &self.ids).await?
            }
        };
        self.store.number(object, id).await?;
        Ok(())
    }

    fn find(&self, key: &ObjectKey) -> Result<Option<Arc<Object>>, StoreError> {
        let found = self.store.at(&key.model, &key.namespace, &Reference::to(&key.name))?;
        Ok(found.into_iter().find(|object| object.key() == *key))
    }
}
