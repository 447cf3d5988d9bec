//! The models of a synchronizer together with the steps that work on them.

use std::io;

use xos_documents::Documents;
use xos_engine::Registry;
use xos_steps::Steps;
use xos_xproto::ModelSet;

use super::{ModelsError, Uses, from_paths, from_texts};
use crate::config::Config;
use crate::dependencies;
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
    /// A folder of documents cannot be read.
    #[error("cannot read a folder of steps: {0}")]
    Folder(#[from] io::Error),
    /// The documents have errors; the text shows each with its place.
    #[error("the steps have errors:\n{0}")]
    Documents(String),
}

/// Returns the registry of a synchronizer: the models of its configuration, or those built in, and its steps and
/// policies.
pub(crate) fn registry(synchronizer: &Synchronizer, config: &Config) -> Result<Registry, RegistryError> {
    loaded(synchronizer, config).map(|(registry, _)| registry)
}

/// Returns the registry of a synchronizer, and all its steps: those that are built in, then those that are documents.
pub(crate) fn loaded(synchronizer: &Synchronizer, config: &Config) -> Result<(Registry, Steps), RegistryError> {
    let documents = xos_documents::read(&config.documents)?;
    let mut uses = uses(config, &documents);
    uses.extend(synchronizer.steps.names_of_models());
    let models = configured(synchronizer, config, &uses)?;
    let steps = synchronizer.steps.clone().steps(compiled(documents, &models)?);
    Ok((Registry::new(&config.name, &models, &steps)?, steps))
}

/// Returns the models of XOS's core that a configuration and its documents use: those in `uses`, `required_models` and
/// `dependency_graph`, and those that a document names.
pub(crate) fn uses(config: &Config, documents: &Documents) -> Uses {
    let mut uses: Uses = config.uses.iter().cloned().collect();
    uses.extend(documents.names_of_models());
    // What is wrong with the file is told when it is read to be used.
    let edges = config.dependency_graph.as_deref().and_then(|file| dependencies::read(file).ok());
    uses.extend(edges.into_iter().flatten().flat_map(|edge| [edge.model, edge.on]));
    uses
}

fn compiled(documents: Documents, models: &ModelSet) -> Result<Steps, RegistryError> {
    documents.compile(models).map_err(|found| {
        let all: Vec<_> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
        RegistryError::Documents(all.join("\n\n"))
    })
}

fn configured(synchronizer: &Synchronizer, config: &Config, uses: &Uses) -> Result<ModelSet, RegistryError> {
    match &config.models_dir {
        Some(folder) => Ok(from_paths(std::slice::from_ref(folder), uses)?),
        None if synchronizer.models.is_empty() => Err(RegistryError::NoModels),
        None => Ok(from_texts(&synchronizer.models, uses)?),
    }
}
