//! The models of a synchronizer together with the steps that work on them.

use xos_engine::Registry;
use xos_xproto::ModelSet;

use super::{ModelsError, from_paths, from_texts};
use crate::config::Config;
use crate::synchronizer::Synchronizer;

/// Why the registry of a synchronizer cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The models have errors or cannot be read.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// Neither the configuration nor the program has models.
    #[error("there are no models: set models_dir in the configuration to a folder of .xproto files")]
    NoModels,
    /// The steps do not match the models.
    #[error(transparent)]
    Steps(#[from] xos_engine::RegistryError),
}

/// Returns the registry of a synchronizer: the models of its configuration, or those built in, and its steps and
/// policies.
pub(crate) fn registry(synchronizer: &Synchronizer, config: &Config) -> Result<Registry, RegistryError> {
    let models = configured(synchronizer, config)?;
    Ok(Registry::new(&config.name, &models, &synchronizer.steps)?)
}

fn configured(synchronizer: &Synchronizer, config: &Config) -> Result<ModelSet, RegistryError> {
    match &config.models_dir {
        Some(folder) => Ok(from_paths(std::slice::from_ref(folder))?),
        None if synchronizer.models.is_empty() => Err(RegistryError::NoModels),
        None => Ok(from_texts(&synchronizer.models)?),
    }
}
