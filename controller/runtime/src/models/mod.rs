//! The models of a synchronizer: compiled, or an error that shows everything that is wrong with them.

mod files;

use std::path::PathBuf;

use xos_xproto::{Compiled, ModelSet, Options, Sources, compile, render};

use crate::synchronizer::Synchronizer;

pub(crate) use files::{Files, FilesError, PathError, PathProblem, compile_files, has_extension, has_models, texts};

/// Why there are no models.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The command line names no models and none are built in.
    #[error("which models? name .xproto files or folders: {command} PATH…")]
    Unnamed {
        /// The program and its command.
        command: String,
    },
    /// Files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The models have errors; the text shows each with its place.
    #[error("the models have errors:\n{0}")]
    Invalid(String),
}

/// Returns the models that the arguments of `command` name; if they name none, those built into the program.
pub(crate) fn named(synchronizer: &Synchronizer, command: &str, paths: &[PathBuf]) -> Result<ModelSet, ModelsError> {
    match (paths, synchronizer.models.as_slice()) {
        ([], []) => Err(ModelsError::Unnamed { command: format!("{} {command}", synchronizer.name) }),
        ([], built_in) => from_texts(built_in),
        (paths, _) => from_paths(paths),
    }
}

/// Compiles the models in files and folders.
fn from_paths(paths: &[PathBuf]) -> Result<ModelSet, ModelsError> {
    let (sources, compiled) = compile_files(paths, Options::default())?;
    accept(&sources, compiled)
}

/// Compiles models that are built into the program: (name, text).
fn from_texts(files: &[(String, String)]) -> Result<ModelSet, ModelsError> {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(name.as_str(), text.as_str());
    }
    let compiled = compile(&sources);
    accept(&sources, compiled)
}

/// Logs warnings, and returns errors as one error.
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
