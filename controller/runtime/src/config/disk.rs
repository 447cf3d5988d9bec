//! The part of loading that reads the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::merge::merge;
use super::problem::Problem;
use super::read::{fitted, read, resolve, unused};
use super::report::Report;
use super::{Config, ConfigError, Diagnostic, Loaded, environment};
use xos_yaml::{Expected, File, Node, Place, Value, parse};

/// Keys of secrets: a text that begins with `@` names the file that holds the secret.
const SECRETS: [&str; 3] = ["accessor.password", "event_bus.sasl.password", "event_bus.tls.key_password"];
/// Keys of folders of steps.
const STEPS: [&str; 5] = ["documents_dir", "steps_dir", "pull_steps_dir", "event_steps_dir", "model_policies_dir"];

/// Where a configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Where it will be used: all that it names has to be there.
    InPlace,
    /// Perhaps elsewhere: absolute paths may be those of a container.
    Elsewhere,
}

/// Reads files and variables, and looks up what they name.
pub(super) fn load(paths: &[PathBuf], env: &BTreeMap<String, String>, place: Where) -> Result<Loaded, ConfigError> {
    let mut report = Report::default();
    let mut files: Vec<_> = paths.iter().enumerate().map(|(number, path)| open(path, number, &mut report)).collect();
    let tree = merged(&mut files, env, &mut report);
    let unused = unused(&tree);
    let mut tree = fitted(tree, &files, &mut report);
    check_folders(&tree, &files, place, &mut report);
    let secrets = read_secrets(&mut tree, &files, &mut report);
    let mut config = read(&tree, &files, &mut report);
    if let Some(bus) = &mut config.event_bus {
        secrets.into_iter().for_each(|(key, path)| bus.note_file(key, path));
    }
    finish(config, unused, report, &files)
}

fn finish(config: Config, unused: Vec<String>, report: Report, files: &[File]) -> Result<Loaded, ConfigError> {
    let mut diagnostics: Vec<_> =
        report.into_problems().into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, files)).collect();
    let place =
        |d: &Diagnostic| (files.iter().position(|f| f.path.display().to_string() == d.file), d.range.start.line);
    diagnostics.sort_by_key(place);
    if diagnostics.iter().all(Diagnostic::is_warning) {
        Ok(Loaded { config, warnings: diagnostics, unused })
    } else {
        Err(ConfigError { diagnostics })
    }
}

/// Merges files and variables into one tree.
pub(super) fn merged(files: &mut [File], env: &BTreeMap<String, String>, report: &mut Report) -> Node {
    let mut tree = Node { value: Value::Map(Vec::new()), place: Place::Nowhere };
    for (number, file) in files.iter_mut().enumerate() {
        match parse(file, number) {
            // An empty file.
            Ok(Node { value: Value::Null, .. }) => {}
            Ok(node @ Node { value: Value::Map(_), .. }) => tree = merge(tree, node),
            Ok(node) => {
                let found = node.value.kind();
                let problem =
                    Problem::WrongType { key: "the configuration".to_owned(), expected: Expected::Map, found };
                report.push(problem, &node.place);
            }
            Err(error) => report.push(Problem::InvalidYaml { message: error.message }, &error.place),
        }
    }
    merge(tree, environment::overlay(env))
}

fn open(path: &Path, number: usize, report: &mut Report) -> File {
    let text = fs::read_to_string(path).unwrap_or_else(|error| {
        let place = Place::File { file: number, bytes: 0..0 };
        report.push(Problem::Unreadable { reason: error.to_string() }, &place);
        String::new()
    });
    File { path: path.to_owned(), text, secrets: Vec::new() }
}

/// Checks that the folder of models exists, and that folders of steps hold documents only.
fn check_folders(tree: &Node, files: &[File], at: Where, report: &mut Report) {
    if let Some((text, place)) = tree.text("models_dir") {
        let path = resolve(tree, files, "models_dir", text);
        if !path.is_dir() {
            let elsewhere = at == Where::Elsewhere && Path::new(text).is_absolute();
            report.push(Problem::NoFolder { key: "models_dir", path, elsewhere }, place);
        }
    }
    for key in STEPS {
        let Some((text, place)) = tree.text(key) else { continue };
        let path = resolve(tree, files, key, text);
        // A folder that does not exist has no files.
        if let Ok(Some(file)) = no_document(&path) {
            report.push(Problem::NoDocument { key, file }, place);
        }
    }
}

/// Puts secrets that are in files into the tree. Returns their files, by the key.
fn read_secrets(tree: &mut Node, files: &[File], report: &mut Report) -> Vec<(&'static str, PathBuf)> {
    let mut found = vec![];
    for key in SECRETS {
        let Some((text, place)) = tree.text(key) else { continue };
        let Some(path) = text.strip_prefix('@').map(|path| resolve(tree, files, key, path)) else { continue };
        match fs::read_to_string(&path) {
            Ok(secret) => {
                tree.set(key, Value::Text(without_line_end(&secret).to_owned()));
                found.push((key, path));
            }
            Err(error) => {
                let problem = Problem::NoSecret { key, path, reason: error.to_string() };
                report.push(problem, place);
                tree.set(key, Value::Null);
            }
        }
    }
    found
}

/// Returns the secret in the text of a file: without the end of its line.
pub(crate) fn without_line_end(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

/// Returns a file in a folder, or below it, that is neither a document nor a text about them, nor what Python and Git leave
/// in empty folders.
fn no_document(folder: &Path) -> io::Result<Option<PathBuf>> {
    let is_known = |path: &PathBuf| {
        let end = path.extension().unwrap_or_default().to_string_lossy();
        ["yaml", "yml", "md", "txt"].contains(&end.as_ref())
            || path.ends_with("__init__.py")
            || path.strip_prefix(folder).is_ok_and(|below| below.iter().any(|name| name == "__pycache__"))
    };
    Ok(xos_documents::files_below(folder)?.into_iter().find(|path| !is_known(path)))
}
