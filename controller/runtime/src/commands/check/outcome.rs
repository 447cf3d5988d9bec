//! The outcome of a check, and how it is printed.

use std::io::{self, Write};
use std::path::PathBuf;
use std::{fs, iter};

use serde::Serialize;
use xos_xproto::{Compiled, DiagnosticJson, Sources, render, to_json};

use crate::config::{self, Config};
use crate::models::{FilesError, unreadable};

/// What a check found.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    files: usize,
    models: Option<usize>,
    found: Vec<Found>,
}

/// A diagnostic in both of its forms.
#[derive(Debug)]
struct Found {
    text: String,
    json: DiagnosticJson,
}

/// The outcome for programs.
#[derive(Serialize)]
struct OutcomeJson<'a> {
    diagnostics: Vec<&'a DiagnosticJson>,
    errors: usize,
    warnings: usize,
}

impl Outcome {
    /// Adds the diagnostics of models.
    pub(super) fn add_models(&mut self, sources: &Sources, compiled: &Compiled) {
        self.files += sources.len();
        self.models = Some(compiled.models.iter().filter(|model| !model.is_built_in()).count());
        self.found.extend(
            compiled.diagnostics.iter().map(|diagnostic| Found {
                text: render(diagnostic, sources, false),
                json: to_json(diagnostic, sources),
            }),
        );
    }

    /// Reads a configuration and adds its diagnostics.
    pub(super) fn add_configuration(&mut self, files: &[PathBuf]) -> Result<(), FilesError> {
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

    /// Returns the number of errors.
    pub(super) fn errors(&self) -> usize {
        self.found.iter().filter(|found| found.json.severity == "error").count()
    }

    fn warnings(&self) -> usize {
        self.found.len() - self.errors()
    }

    /// Prints for people.
    pub(super) fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
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

    /// Prints one JSON object.
    pub(super) fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let diagnostics = self.found.iter().map(|found| &found.json).collect();
        let outcome = OutcomeJson { diagnostics, errors: self.errors(), warnings: self.warnings() };
        serde_json::to_writer_pretty(&mut *out, &outcome)?;
        writeln!(out)
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
