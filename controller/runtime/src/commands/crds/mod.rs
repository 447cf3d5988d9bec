//! `crds`: prints the custom resource definitions of models as YAML, or what `run` would change in the cluster.

mod diff;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use kube::ResourceExt as _;
use xos_crds::yaml::{YamlError, to_yaml};
use xos_xproto::ModelSet;

use super::format::Format;
use super::{CommandError, Exit};
use crate::config::{Config, ConfigError};
use crate::content::{self, ContentError};
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;
use diff::DiffError;

#[derive(Debug, Args)]
#[command(after_help = "\
`xos run` applies the definitions itself. This command is for reading and reviewing them, \
and for clusters where only administrators may apply them:
  xos crds models/ | kubectl apply --server-side -f -
--diff compares with the cluster (the one that kubectl uses) and shows what `run` would change there. \
It writes nothing. It names the stored objects that a change would break: `run` refuses such a change.
Exit code: 0 printed, 1 errors in the models, 2 wrong usage or unreadable files.
With --diff: 0 no difference, 1 differences that `run` would apply, 2 any error, \
3 differences that `run` would refuse.")]
pub(crate) struct CrdsArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own program has its models built in
    #[arg(value_name = "PATH", conflicts_with = "config")]
    paths: Vec<PathBuf>,
    /// The synchronizer's configuration file: its models, with those of XOS's core that its documents use; repeat the option
    /// for overlays, whose values win
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Write each definition into a file of this folder, <plural>.<group>.yaml, instead of printing
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Show what `run` would change in the cluster, and whether it would refuse, instead of printing
    #[arg(long, conflicts_with = "output")]
    diff: bool,
    /// Output format of the differences: text for people, json for scripts
    #[arg(long, value_enum, default_value_t, requires = "diff")]
    format: Format,
}

/// Why the definitions could not be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CrdsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Models(#[from] ModelsError),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Yaml(#[from] YamlError),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Diff(#[from] DiffError),
}

impl CommandError for CrdsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Models(error) => error.exit(),
            Self::Config(_) | Self::Content(_) | Self::Yaml(_) | Self::Write { .. } => Exit::Failed,
            Self::Diff(_) => Exit::Usage,
        }
    }
}

/// Prints the definitions to `out`, writes them into the folder that the arguments name, or prints the differences.
pub(crate) fn run(synchronizer: &Synchronizer, args: &CrdsArgs, out: &mut dyn Write) -> Result<Exit, CrdsError> {
    if args.diff {
        let models = meant(synchronizer, "crds --diff", args).map_err(|error| DiffError::Models(error.into()))?;
        return Ok(diff::run(&models, args, out)?);
    }
    let models = meant(synchronizer, "crds", args)?;
    for definition in xos_crds::definitions(&models) {
        let text = to_yaml(&definition)?;
        match &args.output {
            None => write!(out, "---\n{text}")
                .map_err(|source| CrdsError::Write { path: "standard output".into(), source })?,
            Some(folder) => write_file(folder, &format!("{}.yaml", definition.name_any()), &text, out)?,
        }
    }
    Ok(Exit::Success)
}

/// Returns the models that the arguments of `command` name.
fn meant(synchronizer: &Synchronizer, command: &str, args: &CrdsArgs) -> Result<Arc<ModelSet>, CrdsError> {
    if args.config.is_empty() {
        return Ok(Arc::new(models::named(synchronizer, command, &args.paths)?));
    }
    Ok(Arc::clone(&content::here(synchronizer, &Config::load_with_environment(&args.config)?.config)?.registry.models))
}

fn write_file(folder: &Path, name: &str, text: &str, out: &mut dyn Write) -> Result<(), CrdsError> {
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| writeln!(out, "{}", path.display()))
        .map_err(|source| CrdsError::Write { path, source })
}
