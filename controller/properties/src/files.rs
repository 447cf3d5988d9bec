//! Which files have properties.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The name of the folders that have them, as in XOS.
pub const FOLDER: &str = "convenience";

/// Returns whether a file of this name has properties and not models.
pub fn has_properties(name: &str) -> bool {
    is_yaml(Path::new(name))
}

/// Returns whether a file is one of properties: a YAML file in a folder `convenience`.
pub fn is_in_folder(path: &Path) -> bool {
    is_yaml(path) && path.parent().and_then(Path::file_name).is_some_and(|folder| folder == FOLDER)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"))
}

/// Returns the files in the folder `convenience` of a folder of models, sorted: those that may have properties, and others
/// that somebody expects to work. Texts, and what is hidden, are left out. If there is no such folder there are none.
///
/// # Errors
/// When it cannot be read.
pub fn of_folder(models: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    let entries = match fs::read_dir(models.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_text = path.extension().is_some_and(|end| end == "md" || end == "txt" || end == "xproto");
        if !path.is_dir() && !name.starts_with('.') && name != "__init__.py" && !is_text {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
