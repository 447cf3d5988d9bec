//! The configuration of a synchronizer.
//!
//! The keys are XOS's (Synchronizer Reference, "Synchronizer Configuration"), with some of ours. A base file comes
//! first, then overlay files, then environment variables: maps are merged, anything else replaces what was there.
//! `XOS_NAME` sets `name`, `XOS_EVENT_BUS__ENDPOINT` sets `endpoint` in `event_bus`, `XOS_SETTINGS__DIRECTORY_URL` sets
//! `directory_url` in `settings`.
//!
//! `keys` has the types of all keys; the JSON schema is made from them. The merged tree of files and variables is
//! fitted to the schema (`fit`), which reports what does not fit with its place, and is then read into the types. So
//! the schema and the reader cannot differ.

mod disk;
mod environment;
mod event_bus;
mod keys;
mod merge;
mod misfit;
mod model;
mod problem;
mod read;
mod report;
mod schema;

use std::path::PathBuf;

pub(crate) use disk::without_line_end;
pub use event_bus::EventBus;
pub(crate) use keys::parse_duration;
pub use model::{
    Accessor, AccessorKind, ApiConfig, ClusterDocuments, Config, Definitions, DesiredState, LeaseConfig, Logging,
    Tracing,
};
pub use problem::Problem;
pub use schema::schema;
pub use xos_yaml::{Expected, Kind};

/// A problem of a configuration with its place.
pub type Diagnostic = xos_yaml::Diagnostic<Problem>;

/// A configuration, and the warnings of reading it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Settings that are probably mistakes.
    pub warnings: Vec<Diagnostic>,
    /// Keys of XOS that are set and have no effect in this version.
    pub unused: Vec<String>,
}

/// Why a configuration cannot be used: all its errors, and the warnings.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has errors:\n{}", rendered(.diagnostics))]
pub struct ConfigError {
    /// Errors and warnings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

fn rendered(diagnostics: &[Diagnostic]) -> String {
    let all: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect();
    all.join("\n\n")
}

impl Config {
    /// Reads a base file, overlay files in their order, and environment variables.
    ///
    /// # Errors
    /// When a file cannot be read or the configuration has errors; the error contains all of them.
    pub fn load(files: &[PathBuf], env: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, ConfigError> {
        disk::load(files, &env.into_iter().collect(), disk::Where::InPlace)
    }

    /// Reads files as [`Config::load`] does, without variables and perhaps not where they will be used: a folder that is
    /// not there under its absolute path is a warning only.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn check(files: &[PathBuf]) -> Result<Loaded, ConfigError> {
        disk::load(files, &std::collections::BTreeMap::new(), disk::Where::Elsewhere)
    }

    /// Reads files as [`Config::load`] does, and the environment variables of the process.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn load_with_environment(files: &[PathBuf]) -> Result<Loaded, ConfigError> {
        Self::load(files, environment::variables())
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
