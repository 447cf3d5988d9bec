//! What a check found, for people and for programs.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use xos_xproto::DiagnosticJson;
use xos_xproto::diagnostics::Declared;

use super::Exit;
use crate::models::PathError;

/// Diagnostics, in the order in which they are shown.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Vec<Found>,
    has_bad_paths: bool,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<usize>,
}

impl Findings {
    /// Adds a diagnostic.
    pub(crate) fn add(&mut self, text: String, json: DiagnosticJson) {
        self.found.push(Found { text, json });
    }

    /// Adds diagnostics of YAML files.
    pub(crate) fn add_yaml<P: Declared + fmt::Display>(
        &mut self,
        diagnostics: impl IntoIterator<Item = xos_yaml::Diagnostic<P>>,
    ) {
        for one in diagnostics {
            self.add(one.render(false), one.to_json());
        }
    }

    /// Adds what is wrong with paths.
    pub(crate) fn add_paths(&mut self, errors: &[PathError]) {
        self.has_bad_paths |= !errors.is_empty();
        for error in errors {
            self.add(error.render(), error.to_json());
        }
    }

    /// Returns the exit code that says this.
    pub(crate) fn exit(&self) -> Exit {
        match self.count("error") {
            _ if self.has_bad_paths => Exit::Usage,
            0 => Exit::Success,
            _ => Exit::Failed,
        }
    }

    fn count(&self, severity: &str) -> usize {
        self.found.iter().filter(|found| found.json.severity == severity).count()
    }

    /// Prints for people: each diagnostic, then a line that counts them, which begins and ends with these texts.
    pub(crate) fn print_text(&self, out: &mut dyn Write, head: &str, tail: &str) -> io::Result<()> {
        for found in &self.found {
            writeln!(out, "{}\n", found.text)?;
        }
        let problems = match (self.count("error"), self.count("warning")) {
            (0, 0) => "no problems found".to_owned(),
            (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        };
        let notes = match self.count("note") {
            0 => String::new(),
            notes => format!(", {}", counted(notes, "note")),
        };
        writeln!(out, "{head}: {problems}{notes}{tail}")
    }

    /// Prints one JSON object, with the number of notes where there can be some.
    pub(crate) fn print_json(&self, out: &mut dyn Write, with_notes: bool) -> io::Result<()> {
        let outcome = OutcomeJson {
            diagnostics: self.found.iter().map(|found| &found.json).collect(),
            errors: self.count("error"),
            warnings: self.count("warning"),
            notes: with_notes.then(|| self.count("note")),
        };
        serde_json::to_writer_pretty(&mut *out, &outcome)?;
        writeln!(out)
    }
}

/// Returns a number with a noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
