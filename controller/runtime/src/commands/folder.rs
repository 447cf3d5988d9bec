//! The folder of a service: its configuration, and what is in the folders that this names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use xos_engine::Options;
use xos_steps::{Properties, Steps};
use xos_xproto::ModelSet;

use super::{CommandError, Exit};
use crate::config::{Config, ConfigError};
use crate::content::{self, ContentError, Service};
use crate::synchronizer::Synchronizer;

/// The configuration of a service, in its folder.
const CONFIG: &str = "config.yaml";

/// Why a service cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error("there is no {CONFIG} in {} or above it: name the configuration with --config", .0.display())]
    NoConfig(PathBuf),
}

impl CommandError for FolderError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoConfig(_) => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// A service: its configuration, its models, and the steps and policies that are documents.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) config: Config,
    pub(crate) models: Arc<ModelSet>,
    pub(crate) properties: Arc<Properties>,
    pub(crate) documents: Steps,
    /// The options of the engine, with the dependencies of the configuration.
    pub(crate) options: Options,
}

impl Folder {
    /// Reads a service by the files of its configuration; if none is named, by the `config.yaml` in the folder of a path, or
    /// in the nearest one above it.
    pub(crate) fn read(synchronizer: &Synchronizer, files: &[PathBuf], path: &Path) -> Result<Self, FolderError> {
        let found = if files.is_empty() { vec![config_of(path)?] } else { files.to_vec() };
        let config = Config::check(&found)?.config;
        let (name, models) = (synchronizer.name.clone(), synchronizer.models.clone());
        let bare = Synchronizer { name, models, steps: Steps::new() };
        let Service { registry, steps, dependencies, .. } = content::here(&bare, &config)?;
        let options = Options { dependencies, ..config.engine.clone() };
        let (models, properties) = (Arc::clone(&registry.models), Arc::clone(&registry.properties));
        Ok(Self { models, properties, documents: steps, options, config })
    }
}

/// Returns the configuration of the service that a path belongs to.
fn config_of(path: &Path) -> Result<PathBuf, FolderError> {
    // In the folder itself it is called as the user has called that.
    let beside = if path.is_dir() { path.join(CONFIG) } else { path.with_file_name(CONFIG) };
    if beside.is_file() {
        return Ok(beside);
    }
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let found = whole.ancestors().skip(1).map(|folder| folder.join(CONFIG)).find(|file| file.is_file());
    found.ok_or_else(|| FolderError::NoConfig(path.to_owned()))
}
