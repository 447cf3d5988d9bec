//! What is costly to make: folders of the cache that are filled once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    files::{FileError, at, lock_file},
    paths,
};

/// Says that a folder is complete.
const COMPLETE: &str = "complete";

/// Returns the folder `name` of the cache. If it is not complete, `fill` fills it first.
///
/// Of several processes that ask at once, one fills the folder and the others wait.
///
/// # Errors
/// When the cache cannot be used, or `fill` fails.
pub fn filled<E>(name: &str, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<PathBuf, E>
where
    E: From<paths::Error> + From<FileError>,
{
    fill_once(paths::cache()?.join(name), fill)
}

fn fill_once<E: From<FileError>>(folder: PathBuf, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<PathBuf, E> {
    let lock = lock_file(&folder)?;
    lock.lock().map_err(at(&folder))?;
    let complete = folder.join(COMPLETE);
    if !complete.is_file() {
        fill(&folder)?;
        fs::write(&complete, "").map_err(at(&complete))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_folder_is_filled_once_and_again_after_a_failure() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("a/b");
        let refused = |folder: &Path| Err(at(folder)(io::ErrorKind::Other.into()));
        assert!(fill_once(folder.clone(), refused).is_err());
        let fill = |folder: &Path| fs::write(folder.join("file"), "").map_err(at(folder));
        assert_eq!(fill_once(folder.clone(), fill).unwrap(), folder);
        assert!(folder.join("file").is_file());
        assert_eq!(fill_once(folder.clone(), refused).unwrap(), folder);
    }
}
