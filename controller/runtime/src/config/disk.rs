//! The part of loading that touches the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::diagnostic::Diagnostic;
use super::file::{File, Place};
use super::merge::merge;
use super::problem::Problem;
use super::read::{Draft, Lookup, read};
use super::section::Report;
use super::yaml::{Node, Value, parse};
use super::{Config, ConfigError, Loaded, Secret, environment};

/// Reads files and variables and looks up what they name.
pub(super) fn load(paths: &[PathBuf], env: &BTreeMap<String, String>) -> Result<Loaded, ConfigError> {
    let mut report = Report::default();
    let mut files: Vec<_> = paths.iter().enumerate().map(|(number, path)| open(path, number, &mut report)).collect();
    let draft = draft(&mut files, env, &mut report);
    let Draft { mut config, lookups, unused } = draft;
    for lookup in lookups {
        look_up(lookup, &mut config, &mut report);
    }
    let mut diagnostics: Vec<_> =
        report.finish().into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, &files)).collect();
    let place =
        |d: &Diagnostic| (files.iter().position(|f| f.path.display().to_string() == d.file), d.range.start.line);
    diagnostics.sort_by_key(place);
    if diagnostics.iter().all(Diagnostic::is_warning) {
        Ok(Loaded { config, warnings: diagnostics, unused })
    } else {
        Err(ConfigError { diagnostics })
    }
}

/// The configuration as far as texts say it.
pub(super) fn draft(files: &mut [File], env: &BTreeMap<String, String>, report: &mut Report) -> Draft {
    let mut tree = Node { value: Value::Null, place: Place::Nowhere };
    for (number, file) in files.iter_mut().enumerate() {
        match parse(file, number) {
            // A file with nothing in it.
            Ok(Node { value: Value::Null, .. }) => {}
            Ok(node @ Node { value: Value::Map(_), .. }) => tree = merge(tree, node),
            Ok(node) => {
                let (key, expected) = ("the configuration".to_owned(), "a map");
                report.push(Problem::WrongType { key, expected, found: node.value.kind() }, &node.place);
            }
            Err(error) => report.push(Problem::InvalidYaml { message: error.message }, &error.place),
        }
    }
    read(merge(tree, environment::overlay(env)), files, report)
}

fn open(path: &Path, number: usize, report: &mut Report) -> File {
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        let place = Place::File { file: number, bytes: 0..0 };
        report.push(Problem::Unreadable { reason: error.to_string() }, &place);
        String::new()
    });
    File { path: path.to_owned(), text, secrets: Vec::new() }
}

fn look_up(lookup: Lookup, config: &mut Config, report: &mut Report) {
    match lookup {
        Lookup::Folder { key, path, place } => {
            if !path.is_dir() {
                report.push(Problem::NoFolder { key, path }, &place);
            }
        }
        Lookup::Steps { key, path, place } => {
            // A folder that is not there has no files.
            if holds_files(&path).unwrap_or(false) {
                report.push(Problem::StepsAtRunTime { key, path }, &place);
            }
        }
        Lookup::Secret { key, path, place } => match fs::read_to_string(&path) {
            Ok(text) => keep(key, Secret::new(text.trim_end_matches(['\r', '\n'])), config),
            Err(error) => {
                let reason = error.to_string();
                report.push(Problem::NoSecret { key, path, reason }, &place);
            }
        },
    }
}

/// A secret that a file held, put where its key says.
fn keep(key: &str, secret: Secret, config: &mut Config) {
    if key == "accessor.password" {
        config.accessor.password = Some(secret);
    } else if let Some(bus) = &mut config.event_bus {
        bus.keep(key, secret);
    }
}

/// Whether a folder holds anything but what Python and Git leave in empty ones.
fn holds_files(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && name != "__init__.py" && name != "__pycache__" {
            return Ok(true);
        }
    }
    Ok(false)
}
