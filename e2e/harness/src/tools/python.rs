//! Python environments in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{BuildError, key};
use crate::{cache, files::at, process};

/// Returns the folder of a virtual environment that has the packages of `requirements`; made once. Blocks.
///
/// # Errors
/// When Python is missing, or the packages cannot be installed.
pub fn environment(name: &str, requirements: &Path) -> Result<PathBuf, BuildError> {
    let text = fs::read_to_string(requirements).map_err(at(requirements))?;
    let folder = cache::filled(&format!("tools/{name}-{}", key::of_texts(&[&text])), |folder| {
        eprintln!("installing {name} for Python, once");
        let environment = folder.join("environment");
        let log = folder.join("python.log");
        process::run(&format!("making a Python environment for {name}"), Path::new("python3"), &log, |command| {
            command.args(["-m", "venv", "--clear"]).arg(&environment);
        })?;
        process::run(&format!("installing {name}"), &environment.join("bin/python"), &log, |command| {
            command.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "-r"]);
            command.arg(requirements);
        })?;
        Ok::<_, BuildError>(())
    })?;
    Ok(folder.join("environment"))
}
