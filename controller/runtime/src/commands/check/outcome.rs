//! The outcome of a check, and how it is printed.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use xos_xproto::{Compiled, DiagnosticJson, Sources, render, to_json};

use super::super::Exit;
use crate::config::{self, Config};
use crate::models::PathError;

/// What a check found.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    files: usize,
    models: Option<usize>,
    found: Vec<Found>,
    has_bad_paths: bool,
    /// Warnings of files that are XOS's own, which are not shown.
    silent: usize,
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
        self.silent += compiled.silenced;
        self.models = Some(compiled.models.iter().filter(|model| !model.is_built_in()).count());
        self.found.extend(
            compiled.diagnostics.iter().map(|diagnostic| Found {
                text: render(diagnostic, sources, false),
                json: to_json(diagnostic, sources),
            }),
        );
    }

    /// Adds what is wrong with paths.
    pub(super) fn add_paths(&mut self, errors: &[PathError]) {
        self.has_bad_paths |= !errors.is_empty();
        self.found.extend(errors.iter().map(|error| Found { text: error.render(), json: error.to_json() }));
    }

    /// Reads a configuration and adds its diagnostics.
    pub(super) fn add_configuration(&mut self, files: &[PathBuf]) {
        let unreadable = |path: &PathBuf| fs::File::open(path).err().map(|error| PathError::unreadable(path, &error));
        let bad: Vec<_> = files.iter().filter_map(unreadable).collect();
        if !bad.is_empty() {
            return self.add_paths(&bad);
        }
        self.files += files.len();
        let diagnostics = match Config::check(files) {
            Ok(loaded) => loaded.warnings,
            Err(error) => error.diagnostics,
        };
        let found =
            |diagnostic: config::Diagnostic| Found { text: diagnostic.render(false), json: diagnostic.to_json() };
        self.found.extend(diagnostics.into_iter().map(found));
    }

    /// Returns the exit code that says this.
    pub(super) fn exit(&self) -> Exit {
        match self.errors() {
            _ if self.has_bad_paths => Exit::Usage,
            0 => Exit::Success,
            _ => Exit::Failed,
        }
    }

    /// Returns the number of errors.
    fn errors(&self) -> usize {
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
        let silent = match self.silent {
            0 => String::new(),
            warnings => format!(" ({} of XOS's own files not shown)", counted(warnings, "warning")),
        };
        writeln!(out, "{}{models}: {problems}{silent}", counted(self.files, "file"))
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
