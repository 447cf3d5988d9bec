//! The outcome of a check, and how it is printed.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use xos_documents::Folder;
use xos_steps::Properties;
use xos_xproto::{ModelSet, Options, compile_with, render, to_json};

use super::super::Exit;
use super::super::findings::{Findings, counted};
use crate::config::Config;
use crate::models::{Files, PathError};

/// What a check found.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    files: usize,
    models: Option<usize>,
    findings: Findings,
    /// Warnings of files that are XOS's own, which are not shown.
    silent: usize,
}

impl Outcome {
    /// Compiles models and their properties, and adds what is wrong with them. Returns the models, if there are files of
    /// any.
    pub(super) fn add_models(&mut self, files: Files, options: Options) -> Option<(ModelSet, Arc<Properties>)> {
        let Files { sources, convenience, .. } = files;
        if sources.is_empty() && convenience.is_empty() {
            return None;
        }
        let sources = &sources;
        self.files += convenience.files();
        let compiled = compile_with(sources, options);
        self.files += sources.len();
        self.silent += compiled.silenced;
        self.models = Some(compiled.models.iter().filter(|model| !model.is_built_in()).count());
        for diagnostic in &compiled.diagnostics {
            self.findings.add(render(diagnostic, sources, false), to_json(diagnostic, sources));
        }
        match convenience.compile(&compiled.models) {
            Ok((models, properties)) => Some((models, Arc::new(properties))),
            Err(found) => {
                self.findings.add_yaml(found);
                Some((compiled.models, Properties::none()))
            }
        }
    }

    /// Adds what is wrong with paths.
    pub(super) fn add_paths(&mut self, errors: &[PathError]) {
        self.findings.add_paths(errors);
    }

    /// Reads a configuration and adds its diagnostics. Returns it, if it can be used.
    pub(super) fn add_configuration(&mut self, files: &[PathBuf]) -> Option<Config> {
        let unreadable = |path: &PathBuf| fs::File::open(path).err().map(|error| PathError::unreadable(path, &error));
        let bad: Vec<_> = files.iter().filter_map(unreadable).collect();
        if !bad.is_empty() {
            self.add_paths(&bad);
            return None;
        }
        self.files += files.len();
        let (config, diagnostics) = match Config::check(files) {
            Ok(loaded) => (Some(loaded.config), loaded.warnings),
            Err(error) => (None, error.diagnostics),
        };
        self.findings.add_yaml(diagnostics);
        config
    }

    /// Reads documents, and adds what is wrong with them.
    pub(super) fn add_documents(&mut self, folders: &[Folder], models: &ModelSet, properties: &Arc<Properties>) {
        match xos_documents::read(folders) {
            Ok(documents) => {
                self.files += documents.files();
                self.findings.add_yaml(documents.compile_with(models, properties).err().unwrap_or_default());
            }
            Err(error) => {
                let path = folders.first().map_or_else(PathBuf::new, |folder| folder.path.clone());
                self.add_paths(&[PathError::unreadable(&path, &error)]);
            }
        }
    }

    /// Returns the exit code that says this.
    pub(super) fn exit(&self) -> Exit {
        self.findings.exit()
    }

    /// Prints for people.
    pub(super) fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let models = self.models.map(|models| format!(", {}", counted(models, "model"))).unwrap_or_default();
        let silent = match self.silent {
            0 => String::new(),
            warnings => format!(" ({} of XOS's own files not shown)", counted(warnings, "warning")),
        };
        self.findings.print_text(out, &format!("{}{models}", counted(self.files, "file")), &silent)
    }

    /// Prints one JSON object.
    pub(super) fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        self.findings.print_json(out, false)
    }
}
