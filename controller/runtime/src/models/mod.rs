//! The models of a synchronizer: compiled, or an error that shows everything that is wrong with them.

mod files;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use xos_documents::Documents;
use xos_properties::{Convenience, has_properties};
use xos_xproto::{ModelSet, Sources, compile, render};

use crate::config::Config;
use crate::dependencies;
use crate::synchronizer::Synchronizer;

pub(crate) use files::{Files, FilesError, PathError, PathProblem, has_extension, has_models, texts};

/// Names of models of XOS's core that are used beside those that files of models name.
pub(crate) type Uses = BTreeSet<String>;

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
        ([], built_in) => from_texts(built_in, &synchronizer.steps.names_of_models()),
        (paths, _) => from_paths(paths, &Uses::new()),
    }
}

/// Returns the models of a configuration, or else those built into the program.
pub(crate) fn of_config(synchronizer: &Synchronizer, command: &str, config: &Config) -> Result<ModelSet, ModelsError> {
    // What is wrong with documents is told by those who run them.
    let mut uses = uses(config, &xos_documents::read(&config.documents).unwrap_or_default());
    uses.extend(synchronizer.steps.names_of_models());
    match &config.models_dir {
        Some(folder) => from_paths(std::slice::from_ref(folder), &uses),
        None if synchronizer.models.is_empty() => named(synchronizer, command, &[]),
        None => from_texts(&synchronizer.models, &uses),
    }
}

/// Returns the models of XOS's core that a configuration and its documents use: those in `uses`, `required_models` and
/// `dependency_graph`, and those that a document names.
pub(crate) fn uses(config: &Config, documents: &Documents) -> Uses {
    let mut uses: Uses = config.uses.iter().cloned().collect();
    uses.extend(documents.names_of_models());
    // What is wrong with the file is told when it is read to be used.
    let edges = config.dependency_graph.as_deref().and_then(|file| dependencies::read(file).ok());
    uses.extend(edges.into_iter().flatten().flat_map(|edge| [edge.model, edge.on]));
    uses
}

/// Compiles the models in files and folders.
fn from_paths(paths: &[PathBuf], uses: &Uses) -> Result<ModelSet, ModelsError> {
    let mut files = Files::read(paths, &mut io::stdin().lock());
    if !files.errors.is_empty() {
        return Err(FilesError(files.errors).into());
    }
    files.sources.add_uses(uses);
    accept(&files.sources, files.convenience)
}

/// Compiles models that are built into the program: (name, text).
fn from_texts(files: &[(String, String)], uses: &Uses) -> Result<ModelSet, ModelsError> {
    let mut sources = Sources::new();
    sources.add_uses(uses);
    let mut convenience = Convenience::default();
    for (name, text) in files {
        if has_properties(name) {
            convenience.add(name.as_str(), text.as_str());
        } else {
            sources.add(name.as_str(), text.as_str());
        }
    }
    convenience.announce(&mut sources);
    accept(&sources, convenience)
}

/// Compiles a set. Logs warnings, and returns errors as one error.
fn accept(sources: &Sources, convenience: Convenience) -> Result<ModelSet, ModelsError> {
    let compiled = compile(sources);
    let text = |d| render(d, sources, false);
    if compiled.has_errors() {
        let all: Vec<_> = compiled.diagnostics.iter().map(text).collect();
        return Err(ModelsError::Invalid(all.join("\n\n")));
    }
    for warning in &compiled.diagnostics {
        tracing::warn!("{}", text(warning));
    }
    let (models, _) = convenience.compile(&compiled.models).map_err(|found| {
        let all: Vec<_> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
        ModelsError::Invalid(all.join("\n\n"))
    })?;
    Ok(models)
}
