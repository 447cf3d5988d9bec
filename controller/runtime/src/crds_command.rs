//! `xos crds`: the definitions of models as YAML.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kube::ResourceExt as _;
use xos_crds::yaml::{YamlError, to_yaml};

use crate::cli::CrdsArgs;
use crate::models::{self, ModelsError};
use crate::synchronizer::Synchronizer;

/// Why the definitions could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum CrdsError {
    /// No models are named, or they have errors or cannot be read.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// A definition has no YAML form.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The output could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

impl CrdsError {
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Models(error) => error.is_usage(),
            Self::Yaml(_) | Self::Write { .. } => false,
        }
    }
}

/// Prints the definitions to `out`, or writes them into the folder that the arguments name.
pub(crate) fn run(synchronizer: &Synchronizer, args: &CrdsArgs, out: &mut dyn Write) -> Result<(), CrdsError> {
    let models = models::named(synchronizer, "crds", &args.paths)?;
    for definition in xos_crds::definitions(&models) {
        let text = to_yaml(&definition)?;
        match &args.output {
            None => write!(out, "---\n{text}")
                .map_err(|source| CrdsError::Write { path: "standard output".into(), source })?,
            Some(folder) => write_file(folder, &format!("{}.yaml", definition.name_any()), &text, out)?,
        }
    }
    Ok(())
}

fn write_file(folder: &Path, name: &str, text: &str, out: &mut dyn Write) -> Result<(), CrdsError> {
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| writeln!(out, "{}", path.display()))
        .map_err(|source| CrdsError::Write { path, source })
}
