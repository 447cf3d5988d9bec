//! `xos check`: models and configuration without a cluster.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{fs, iter};

use clap::ValueEnum;
use serde::Serialize;
use xos_xproto::{Compiled, DiagnosticJson, Options, Sources, compile_with, render, to_json};

use crate::config::{self, Config};

/// How what was found is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object.
    Json,
}

/// How a check is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// How what was found is printed.
    pub format: Format,
    /// Whether XOS's own rules on options are errors.
    pub strict: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Nothing is wrong, though there may be warnings: exit code 0.
    Clean,
    /// There are errors: exit code 1.
    Diagnostics,
}

/// Why nothing could be checked: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A path cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder has no models.
    #[error("there is no .xproto file in {}", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file is neither a model nor a configuration.
    #[error("{} is neither an .xproto nor a .yaml file", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// The outcome cannot be printed.
    #[error("cannot write the outcome: {0}")]
    Output(#[from] io::Error),
}

/// Checks models and configurations and prints what is wrong to `out`.
///
/// A path is an `.xproto` file, a folder of such files, or a YAML file. All models form one set. All YAML files form
/// one configuration, each an overlay of those before it; environment variables are not looked at.
///
/// # Errors
/// When a path cannot be read, is of no known kind, or is a folder without models.
pub fn check(paths: &[PathBuf], options: CheckOptions, out: &mut dyn Write) -> Result<ExitStatus, CheckError> {
    let (configs, models): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| is_yaml(path));
    let mut outcome = Outcome::default();
    if !models.is_empty() {
        let (sources, compiled) = load_models_with(&models, Options { strict: options.strict })?;
        outcome.add_models(&sources, &compiled);
    }
    if !configs.is_empty() {
        outcome.add_configuration(&configs)?;
    }
    match options.format {
        Format::Text => outcome.print_text(out)?,
        Format::Json => outcome.print_json(out)?,
    }
    Ok(if outcome.errors() == 0 { ExitStatus::Clean } else { ExitStatus::Diagnostics })
}

/// Compiles the models in files and folders as one set.
///
/// # Errors
/// When a path cannot be read, is no `.xproto` file, or is a folder without any. What is wrong with the models
/// themselves is in [`Compiled`].
pub fn load_models(paths: &[PathBuf]) -> Result<(Sources, Compiled), CheckError> {
    load_models_with(paths, Options::default())
}

fn load_models_with(paths: &[PathBuf], options: Options) -> Result<(Sources, Compiled), CheckError> {
    let mut sources = Sources::new();
    let mut seen = HashSet::new();
    for path in paths {
        for file in model_files(path)? {
            let bytes = fs::read(&file).map_err(|source| unreadable(&file, source))?;
            // A file may be given by itself and with its folder.
            if seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                sources.add(file.display().to_string(), bytes);
            }
        }
    }
    let compiled = compile_with(&sources, options);
    Ok((sources, compiled))
}

/// The path itself, or the models in the folder, sorted.
fn model_files(path: &Path) -> Result<Vec<PathBuf>, CheckError> {
    if !fs::metadata(path).map_err(|source| unreadable(path, source))?.is_dir() {
        let path = path.to_owned();
        return if has_extension(&path, &["xproto"]) { Ok(vec![path]) } else { Err(CheckError::UnknownKind { path }) };
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut files: Vec<_> =
        entries.map_err(|source| unreadable(path, source))?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| has_extension(file, &["xproto"]));
    files.sort();
    if files.is_empty() { Err(CheckError::EmptyFolder { path: path.to_owned() }) } else { Ok(files) }
}

fn unreadable(path: &Path, source: io::Error) -> CheckError {
    CheckError::Unreadable { path: path.to_owned(), source }
}

fn is_yaml(path: &Path) -> bool {
    !path.is_dir() && has_extension(path, &["yaml", "yml"])
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// What was found.
#[derive(Debug, Default)]
struct Outcome {
    files: usize,
    models: Option<usize>,
    found: Vec<Found>,
}

/// One diagnostic in both of its forms.
#[derive(Debug)]
struct Found {
    text: String,
    json: DiagnosticJson,
}

/// What programs get.
#[derive(Serialize)]
struct OutcomeJson<'a> {
    diagnostics: Vec<&'a DiagnosticJson>,
    errors: usize,
    warnings: usize,
}

impl Outcome {
    fn add_models(&mut self, sources: &Sources, compiled: &Compiled) {
        self.files += sources.len();
        self.models = Some(compiled.models.iter().filter(|model| !model.is_built_in()).count());
        self.found.extend(
            compiled.diagnostics.iter().map(|diagnostic| Found {
                text: render(diagnostic, sources, false),
                json: to_json(diagnostic, sources),
            }),
        );
    }

    fn add_configuration(&mut self, files: &[PathBuf]) -> Result<(), CheckError> {
        for path in files {
            fs::File::open(path).map_err(|source| unreadable(path, source))?;
        }
        self.files += files.len();
        let diagnostics = match Config::load(files, iter::empty()) {
            Ok(loaded) => loaded.warnings,
            Err(error) => error.diagnostics,
        };
        let found =
            |diagnostic: config::Diagnostic| Found { text: diagnostic.render(false), json: diagnostic.to_json() };
        self.found.extend(diagnostics.into_iter().map(found));
        Ok(())
    }

    fn errors(&self) -> usize {
        self.found.iter().filter(|found| found.json.severity == "error").count()
    }

    fn warnings(&self) -> usize {
        self.found.len() - self.errors()
    }

    fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for found in &self.found {
            writeln!(out, "{}\n", found.text)?;
        }
        let models = self.models.map(|models| format!(", {}", counted(models, "model"))).unwrap_or_default();
        let problems = match (self.errors(), self.warnings()) {
            (0, 0) => "no problems found".to_owned(),
            (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        };
        writeln!(out, "{}{models}: {problems}", counted(self.files, "file"))
    }

    fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let diagnostics = self.found.iter().map(|found| &found.json).collect();
        let outcome = OutcomeJson { diagnostics, errors: self.errors(), warnings: self.warnings() };
        serde_json::to_writer_pretty(&mut *out, &outcome)?;
        writeln!(out)
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
