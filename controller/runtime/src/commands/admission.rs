//! `admission`: prints the policy that sets finalizers on new objects, as YAML.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use xos_crds::yaml::{YamlError, to_yaml};
use xos_engine::admission::policy;
use xos_engine::installation::{Installation, Run, definition};

use super::{CommandError, Exit};
use crate::config::{Config, ConfigError};
use crate::content::{self, ContentError};
use crate::synchronizer::Synchronizer;

#[derive(Debug, Args)]
#[command(after_help = "\
`run` applies this policy itself if it has the right to. This command is for clusters where only administrators may:
  example-synchronizer admission --config config.yaml | kubectl apply --server-side -f -
The policy sets what the object `Synchronizer` of the synchronizer says, which `run` writes and `xos uninstall` deletes: \
without it the policy sets nothing. Without the policy the controller sets finalizers itself, which costs one more \
write for each object.")]
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
    Content(#[from] ContentError),
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error("cannot write to standard output: {0}")]
    Write(#[from] io::Error),
}

impl CommandError for AdmissionError {}

/// Prints the policy of a synchronizer with this configuration, its binding, and the definition of its parameter.
pub(crate) fn run(
    synchronizer: &Synchronizer,
    args: &AdmissionArgs,
    out: &mut dyn Write,
) -> Result<Exit, AdmissionError> {
    let config = Config::load_with_environment(&args.config)?.config;
    let registry = content::here(synchronizer, &config)?.registry;
    let run = Run { started_at: Timestamp::now(), instance: String::new(), stopped_at: None };
    let (policy, binding) = policy(&Installation::of(&registry, &config.engine.namespaces, true, run));
    print(&definition(), out)?;
    print(&policy, out)?;
    print(&binding, out)?;
    Ok(Exit::Success)
}

fn print(resource: &impl Serialize, out: &mut dyn Write) -> Result<(), AdmissionError> {
    Ok(write!(out, "---\n{}", to_yaml(resource)?)?)
}
