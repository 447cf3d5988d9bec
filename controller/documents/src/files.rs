//! The files in folders.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Folders deeper than this are not looked into; a link may lead back.
const DEEPEST: usize = 32;

/// Returns the files in a folder and in the folders below it, sorted. Links are followed, and what is hidden is left out:
/// Kubernetes mounts a `ConfigMap` as links by way of folders such as `..data`. A folder that does not exist has none.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    collect(folder, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if !path.is_dir() {
            found.push(path);
        } else if depth < DEEPEST {
            collect(&path, depth + 1, found)?;
        }
    }
    Ok(())
}
