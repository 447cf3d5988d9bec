//! Reads model files from the disk and compiles them.

use std::collections::{BTreeSet, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use xos_properties::{Convenience, FOLDER, is_in_folder, of_folder};
use xos_xproto::diagnostics::Declared as _;
use xos_xproto::{DiagnosticJson, Position, Range, Sources, declare_diagnostics};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
/// Its name in messages.
const STANDARD_INPUT_NAME: &str = "<standard input>";
/// Folders deeper than this are not looked into; a link may lead back.
const DEEPEST: usize = 32;

declare_diagnostics! {
    /// What can be wrong with a path of model files.
    pub enum PathProblem;

    /// A file or folder cannot be read. Correct the path, or its permissions.
    F001 Error Unreadable { reason: String } => {
        message("cannot read this: {reason}");
    }
    /// A folder has no models, and none of the folders in it has any. Correct the path.
    F002 Error EmptyFolder => {
        message("there is no .xproto file in this folder");
    }
    /// A file is neither a model nor a configuration. Give it the extension `.xproto` or `.yaml`, or leave it out.
    F003 Error UnknownKind => {
        message("this is neither an .xproto nor a .yaml file");
    }
}

/// A path that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// What is wrong with it.
    pub problem: PathProblem,
    /// The path.
    pub path: PathBuf,
}

impl PathError {
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self { problem: PathProblem::Unreadable { reason: error.to_string() }, path: path.to_owned() }
    }

    /// Returns it as people read the diagnostics of models.
    pub(crate) fn render(&self) -> String {
        let code = self.problem.explanation().code;
        format!("error[{code}]: {}\n --> {}", self.problem, self.path.display())
    }

    /// Returns it as programs read the diagnostics of models.
    pub(crate) fn to_json(&self) -> DiagnosticJson {
        let start = Position { line: 1, column: 1 };
        DiagnosticJson {
            file: self.path.display().to_string(),
            range: Range { start, end: start },
            code: self.problem.explanation().code.to_string(),
            severity: "error".to_owned(),
            message: self.problem.to_string(),
            help: self.problem.help(),
            related: Vec::new(),
        }
    }
}

/// Why model files cannot be read: all paths with which something is wrong.
#[derive(Debug, thiserror::Error)]
pub struct FilesError(pub Vec<PathError>);

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |error: &PathError| format!("{}: {}", error.path.display(), error.problem);
        write!(f, "{}", self.0.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}

/// Model files that were read, and the paths that could not be.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) sources: Sources,
    /// The properties that are declared beside them.
    pub(crate) convenience: Convenience,
    pub(crate) errors: Vec<PathError>,
}

impl Files {
    /// Reads files, and those in folders and the folders in them. `-` is standard input, read from `input`.
    pub(crate) fn read(paths: &[PathBuf], input: &mut dyn io::Read) -> Self {
        let mut files = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            if path.as_os_str() == STANDARD_INPUT {
                files.add_input(input);
                continue;
            }
            match model_files(path) {
                Ok(found) => {
                    found.iter().for_each(|file| files.add(file, &mut seen));
                    files.add_beside(&found, &mut seen);
                }
                Err(error) => files.errors.push(error),
            }
        }
        files.convenience.announce(&mut files.sources);
        files
    }

    /// Adds the files of properties beside files of models.
    fn add_beside(&mut self, models: &[PathBuf], seen: &mut HashSet<PathBuf>) {
        let folders: BTreeSet<_> = models.iter().filter_map(|file| file.parent()).collect();
        for folder in folders {
            match of_folder(folder) {
                Ok(found) => found.iter().for_each(|file| self.add(file, seen)),
                Err(error) => self.errors.push(PathError::unreadable(&folder.join(FOLDER), &error)),
            }
        }
    }

    fn add_input(&mut self, input: &mut dyn io::Read) {
        let mut bytes = Vec::new();
        // One byte more than the compiler takes, so that it says that it is too much.
        let most = xos_xproto::source::MAX_SOURCE_BYTES as u64 + 1;
        match input.take(most).read_to_end(&mut bytes) {
            Ok(_) => drop(self.sources.add(STANDARD_INPUT_NAME, bytes)),
            Err(error) => self.errors.push(PathError::unreadable(Path::new(STANDARD_INPUT), &error)),
        }
    }

    fn add(&mut self, file: &Path, seen: &mut HashSet<PathBuf>) {
        if !has_extension(file, &["xproto"]) {
            if seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())) {
                self.convenience.read(file.to_owned(), fs::read_to_string(file));
            }
            return;
        }
        match fs::read(file) {
            // A file may be named by itself and by its folder.
            Ok(bytes) if seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())) => {
                self.sources.add(file.display().to_string(), bytes);
            }
            Ok(_) => {}
            Err(error) => self.errors.push(PathError::unreadable(file, &error)),
        }
    }
}

/// Returns the models in a folder and the folders in it, and the files of properties beside them: names and texts.
pub(crate) fn texts(folder: &Path) -> Result<(Vec<Text>, Vec<Text>), FilesError> {
    let models = model_files(folder).map_err(|error| FilesError(vec![error]))?;
    let folders: BTreeSet<_> = models.iter().filter_map(|file| file.parent()).collect();
    let mut errors = vec![];
    let mut properties = vec![];
    for folder in folders {
        match of_folder(folder) {
            Ok(found) => properties.extend(found),
            Err(error) => errors.push(PathError::unreadable(&folder.join(FOLDER), &error)),
        }
    }
    let mut read = |files: Vec<PathBuf>| {
        let mut all = vec![];
        for file in files {
            match fs::read(&file) {
                Ok(text) => all.push((file.display().to_string(), text)),
                Err(error) => errors.push(PathError::unreadable(&file, &error)),
            }
        }
        all
    };
    let all = (read(models), read(properties));
    if errors.is_empty() { Ok(all) } else { Err(FilesError(errors)) }
}

/// The name and the content of a file.
pub(crate) type Text = (String, Vec<u8>);

/// Returns whether a folder, or one in it, has models.
pub(crate) fn has_models(folder: &Path) -> bool {
    model_files(folder).is_ok()
}

/// Returns the path itself, or the models in the folder and the folders in it, sorted.
fn model_files(path: &Path) -> Result<Vec<PathBuf>, PathError> {
    let error = |problem| PathError { problem, path: path.to_owned() };
    let unreadable = |error| PathError::unreadable(path, &error);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        let is_model = has_extension(path, &["xproto"]) || is_in_folder(path);
        return if is_model { Ok(vec![path.to_owned()]) } else { Err(error(PathProblem::UnknownKind)) };
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files).map_err(unreadable)?;
    files.sort();
    if files.is_empty() { Err(error(PathProblem::EmptyFolder)) } else { Ok(files) }
}

/// Adds the models below a folder; hidden folders, and Cargo's `target`, hold none.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            files.extend(Some(path).filter(|path| has_extension(path, &["xproto"])));
            continue;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if depth < DEEPEST && !name.starts_with('.') && name != "target" && !path.is_symlink() {
            collect(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

/// Returns whether a file has one of these extensions, in upper or lower case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
