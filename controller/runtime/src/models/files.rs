//! Reads model files from the disk and compiles them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use xos_xproto::{Compiled, Options, Sources, compile_with};

/// Why model files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A path cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The reason.
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
}

/// Compiles the models in files and folders as one set. Errors in the models themselves are in [`Compiled`].
pub(crate) fn compile_files(paths: &[PathBuf], options: Options) -> Result<(Sources, Compiled), FilesError> {
    let mut sources = Sources::new();
    let mut seen = HashSet::new();
    for path in paths {
        for file in model_files(path)? {
            let bytes = fs::read(&file).map_err(|source| unreadable(&file, source))?;
            // A file may be named by itself and by its folder.
            if seen.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                sources.add(file.display().to_string(), bytes);
            }
        }
    }
    let compiled = compile_with(&sources, options);
    Ok((sources, compiled))
}

/// Returns the path itself, or the models in the folder, sorted.
fn model_files(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    if !fs::metadata(path).map_err(|source| unreadable(path, source))?.is_dir() {
        let path = path.to_owned();
        return if has_extension(&path, &["xproto"]) { Ok(vec![path]) } else { Err(FilesError::UnknownKind { path }) };
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut files: Vec<_> =
        entries.map_err(|source| unreadable(path, source))?.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| has_extension(file, &["xproto"]));
    files.sort();
    if files.is_empty() { Err(FilesError::EmptyFolder { path: path.to_owned() }) } else { Ok(files) }
}

pub(crate) fn unreadable(path: &Path, source: io::Error) -> FilesError {
    FilesError::Unreadable { path: path.to_owned(), source }
}

/// Returns whether a file has one of these extensions, in upper or lower case.
pub(crate) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| extensions.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
