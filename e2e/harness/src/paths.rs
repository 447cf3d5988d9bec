//! Where the repository, the cache and the programs of this workspace are.

use std::{
    env,
    path::{Path, PathBuf},
};

/// A file or folder was not found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a cache folder nor a home folder is known.
    #[error("no folder for the cache is known: set HOME, XDG_CACHE_HOME or XOS_CACHE_DIR")]
    NoCache,
    /// A program of this workspace was not built.
    #[error(
        "{name} is not built (looked in {}): run `cargo build --workspace --bins`, or set XOS_BIN_DIR",
        folder.display()
    )]
    NotBuilt {
        /// The program.
        name: String,
        /// The folder where cargo would have put it.
        folder: PathBuf,
    },
    /// The path of the running program is unknown.
    #[error("cannot find the path of this program")]
    Myself(#[source] std::io::Error),
}

/// Returns the root of the work tree from which this crate was built.
#[must_use]
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// Returns the cache: `XOS_CACHE_DIR`, or `xos-controller` in the user's cache folder.
///
/// # Errors
/// When the environment names no folder for it.
pub fn cache() -> Result<PathBuf, Error> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XOS_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("xos-controller")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/xos-controller")))
        .ok_or(Error::NoCache)
}

/// Returns the path of a program of this workspace: in `XOS_BIN_DIR`, or beside the running program.
///
/// # Errors
/// When the program is not built.
pub fn program(name: &str) -> Result<PathBuf, Error> {
    let folder = match env::var_os("XOS_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => beside_myself()?,
    };
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::NotBuilt { name: name.to_owned(), folder })
}

/// Tests run from `target/<profile>/deps`, programs from `target/<profile>`.
fn beside_myself() -> Result<PathBuf, Error> {
    let myself = env::current_exe().map_err(Error::Myself)?;
    let folder = myself.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") {
        return Ok(folder.parent().unwrap_or(folder).to_owned());
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_holds_the_control_planes_modules() {
        assert!(repository().join("e2e/harness/controlplane/go.mod").is_file());
    }

    #[test]
    fn a_missing_program_names_the_command_that_builds_it() {
        let error = program("xos-no-such-program").unwrap_err().to_string();
        assert!(error.contains("cargo build --workspace --bins"), "{error}");
    }
}
