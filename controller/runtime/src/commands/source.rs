//! Which models a command is about: those of files, of a configuration, or of the program.

use std::path::PathBuf;

use clap::Args;
use xos_xproto::ModelSet;

use super::{CommandError, Exit};
use crate::config::{Config, ConfigError};
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;

/// The arguments that name models.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SourceArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own program has its models built in
    #[arg(value_name = "PATH", conflicts_with = "config")]
    pub(crate) paths: Vec<PathBuf>,
    /// The synchronizer's configuration file, whose models_dir has the models; repeat the option for overlays
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
}

/// Why there are no models.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Models(#[from] ModelsError),
}

impl CommandError for SourceError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Failed,
            Self::Models(error) => error.exit(),
        }
    }
}

/// Returns the models of files and folders, or else those of a configuration, or else those of the program. `command`
/// is what a user has to write before a path.
pub(crate) fn models(
    synchronizer: &Synchronizer,
    command: &str,
    paths: &[PathBuf],
    config: &[PathBuf],
) -> Result<ModelSet, SourceError> {
    if config.is_empty() {
        return Ok(models::named(synchronizer, command, paths)?);
    }
    Ok(models::of_config(synchronizer, command, &Config::check(config)?.config)?)
}
