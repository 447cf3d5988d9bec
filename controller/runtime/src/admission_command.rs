//! `admission`: the policies that set finalizers at birth, as YAML.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use xos_crds::yaml::{YamlError, to_yaml};
use xos_engine::birth::births;

use crate::config::{Config, ConfigError};
use crate::serve::{ServeError, registry, variables};
use crate::synchronizer::Synchronizer;

/// Why the policies could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The models and steps.
    #[error(transparent)]
    Registry(#[from] ServeError),
    /// A policy has no YAML form.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The output could not be written.
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

/// Prints the policies of a synchronizer with this configuration, each with its binding.
pub(crate) fn run(synchronizer: Synchronizer, files: &[PathBuf], out: &mut dyn Write) -> Result<(), AdmissionError> {
    let config = Config::load(files, variables())?.config;
    let registry = registry(synchronizer, &config)?;
    for (policy, binding) in births(&registry, &config.namespaces).wanted {
        print(&policy, out)?;
        print(&binding, out)?;
    }
    Ok(())
}

fn print(resource: &impl Serialize, out: &mut dyn Write) -> Result<(), AdmissionError> {
    Ok(write!(out, "---\n{}", to_yaml(resource)?)?)
}
