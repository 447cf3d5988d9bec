//! Errors of models and documents.

use std::io;

use xos_model::graph::GraphError;

use crate::dependencies::DependenciesError;
use crate::models::ModelsError;

use super::Unusable;

/// Why models and documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
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
    /// The file of dependencies cannot be used.
    #[error(transparent)]
    Dependencies(#[from] DependenciesError),
    /// Dependencies do not match the models.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An object in the cluster is wrong.
    #[error("{0}")]
    Object(String),
}

impl From<Unusable> for ContentError {
    fn from(unusable: Unusable) -> Self {
        unusable.error
    }
}
