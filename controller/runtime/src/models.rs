//! Models for `run`, `crds` and `proto`: compiled, or an error that shows all that is wrong with them.

use std::path::PathBuf;

use xos_xproto::{Compiled, ModelSet, Sources, compile, render};

use crate::check::{CheckError, load_models};
use crate::synchronizer::Synchronizer;

/// Why there are no models.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// No models were named and none are built in.
    #[error("which models? name .xproto files or folders: {command} PATH…")]
    Unnamed {
        /// The program and its command.
        command: String,
    },
    /// Files cannot be read.
    #[error(transparent)]
    Files(#[from] CheckError),
    /// The models have errors; the text shows each with its place.
    #[error("the models have errors:\n{0}")]
    Invalid(String),
}

impl ModelsError {
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Files(_) | Self::Unnamed { .. })
    }
}

/// The models that the arguments of `command` name; if they name none, those that the program has built in.
pub(crate) fn named(synchronizer: &Synchronizer, command: &str, paths: &[PathBuf]) -> Result<ModelSet, ModelsError> {
    match (paths, synchronizer.models.as_slice()) {
        ([], []) => Err(ModelsError::Unnamed { command: format!("{} {command}", synchronizer.name) }),
        ([], built_in) => from_texts(built_in),
        (paths, _) => from_paths(paths),
    }
}

/// The models in files and folders.
pub(crate) fn from_paths(paths: &[PathBuf]) -> Result<ModelSet, ModelsError> {
    let (sources, compiled) = load_models(paths)?;
    accept(&sources, compiled)
}

/// The models in texts that were compiled into the program: (name, text).
pub(crate) fn from_texts(files: &[(String, String)]) -> Result<ModelSet, ModelsError> {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(name.as_str(), text.as_str());
    }
    let compiled = compile(&sources);
    accept(&sources, compiled)
}

/// Warnings go to the log; errors are the error.
fn accept(sources: &Sources, compiled: Compiled) -> Result<ModelSet, ModelsError> {
    let text = |d| render(d, sources, false);
    if compiled.has_errors() {
        let all: Vec<_> = compiled.diagnostics.iter().map(text).collect();
        return Err(ModelsError::Invalid(all.join("\n\n")));
    }
    for warning in &compiled.diagnostics {
        tracing::warn!("{}", text(warning));
    }
    Ok(compiled.models)
}
