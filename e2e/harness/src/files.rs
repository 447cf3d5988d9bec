//! Files and folders: errors that say which one, secrets, locks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// A file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

/// Returns a function that adds the path to an error of the operating system.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { path, source }
}

/// Writes a file that only this user can read.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), FileError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(at(path))
}

/// Opens the file `lock` in a folder, and makes both if they are missing. The operating system releases the lock when
/// the process ends, however it ends.
pub(crate) fn lock_file(folder: &Path) -> Result<File, FileError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join("lock");
    File::options().create(true).append(true).open(&path).map_err(at(&path))
}
