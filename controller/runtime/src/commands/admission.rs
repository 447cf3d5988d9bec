//! `admission`: prints the policies that set finalizers on new objects, as YAML.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use xos_crds::yaml::{YamlError, to_yaml};
use xos_engine::admission::policies;

use super::{CommandError, Exit};
use crate::config::{Config, ConfigError};
use crate::models::{self, RegistryError};
use crate::synchronizer::Synchronizer;

#[derive(Debug, Args)]
#[command(after_help = "\
`run` applies these policies itself if it has the right to. This command is for clusters \
where only administrators may, and for removing them:
  example-synchronizer admission --config config.yaml | kubectl apply --server-side -f -
  kubectl delete mutatingadmissionpolicybindings,mutatingadmissionpolicies -l xos.opencord.org/synchronizer=example
Without the policies the controller sets finalizers itself, which costs one more write for each object. \
Remove the policies together with the synchronizer: only the synchronizer removes the finalizers that they set.")]
pub(crate) struct AdmissionArgs {
    /// Configuration file; repeat the option for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    config: Vec<PathBuf>,
}

/// Why the policies could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for AdmissionError {}

/// Prints the policies of a synchronizer with this configuration, each with its binding.
pub(crate) fn run(
    synchronizer: &Synchronizer,
    args: &AdmissionArgs,
    out: &mut dyn Write,
) -> Result<Exit, AdmissionError> {
    let config = Config::load_with_environment(&args.config)?.config;
    let registry = models::registry(synchronizer, &config)?;
    for (policy, binding) in policies(&registry, &config.engine.namespaces).wanted {
        print(&policy, out)?;
        print(&binding, out)?;
    }
    Ok(Exit::Success)
}

fn print(resource: &impl Serialize, out: &mut dyn Write) -> Result<(), AdmissionError> {
    Ok(write!(out, "---\n{}", to_yaml(resource)?)?)
}
