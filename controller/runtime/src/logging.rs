//! Log lines on standard error.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// The environment variable with a filter that wins over the configuration.
pub(crate) const VARIABLE: &str = EnvFilter::DEFAULT_ENV;

/// The filter of the log: there is one log in a process.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the level of the log is not known, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum LogLevelError {
    /// It is no level and no filter.
    #[error("`{filter}` is neither a level nor a filter ({why}): examples are debug, and info,xos_engine=debug")]
    Unreadable {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program logs in a way of its own.
    #[error("this program has not started the log by the framework: its level cannot be changed")]
    NotOurs,
}

/// Starts logging. `level` is a level (`info`) or a filter (`info,xos_engine=debug`); the environment variable RUST_LOG
/// wins over it. A second call has no effect.
pub fn start(level: &str, format: LogFormat) {
    start_with(level, format, None);
}

/// What also takes spans, with a filter of its own.
pub(crate) type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging, and hands spans to `traces` as well.
pub(crate) fn start_with(level: &str, format: LogFormat, traces: Option<BoxedLayer>) {
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(level));
    let (filter, handle) = reload::Layer::new(filter.unwrap_or_else(|_| EnvFilter::new("info")));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let layers: Vec<_> = std::iter::once(lines.with_filter(filter).boxed()).chain(traces).collect();
    match Registry::default().with(layers).try_init() {
        Ok(()) => FILTER.set(handle).unwrap_or_default(),
        Err(error) => tracing::debug!(%error, "logging was started before"),
    }
}

/// Returns the filter of the log as it is now.
///
/// # Errors
/// When [`start`] has not started the log of this process.
pub fn level() -> Result<String, LogLevelError> {
    let filter = FILTER.get().ok_or(LogLevelError::NotOurs)?;
    filter.with_current(ToString::to_string).map_err(|_| LogLevelError::NotOurs)
}

/// Changes the filter of the log, until it is changed again. Returns it.
///
/// # Errors
/// When `filter` is no filter, or [`start`] has not started the log of this process.
pub fn set_level(filter: &str) -> Result<String, LogLevelError> {
    let new = read(filter)?;
    let level = new.to_string();
    FILTER.get().ok_or(LogLevelError::NotOurs)?.reload(new).map_err(|_| LogLevelError::NotOurs)?;
    tracing::info!(level, "the level of the log was changed");
    Ok(level)
}

/// Takes in the level of a configuration that was read again.
pub(crate) fn configured(level: &str) {
    if std::env::var_os(VARIABLE).is_some_and(|variable| !variable.is_empty()) {
        tracing::warn!("the level of the log stays: the environment variable {VARIABLE} wins over the configuration");
        return;
    }
    if let Err(error) = set_level(level) {
        tracing::error!(%error, "the level of the log stays");
    }
}

/// Reads a filter. A word that is no level would be taken for the name of a crate whose log is wanted, and nothing else:
/// for somebody who has mistyped a level that is the end of the log.
fn read(filter: &str) -> Result<EnvFilter, LogLevelError> {
    let unreadable = |why: String| LogLevelError::Unreadable { filter: filter.to_owned(), why };
    let is_level = |part: &str| part.parse::<LevelFilter>().is_ok();
    for part in filter.split(',').map(str::trim) {
        if part.is_empty() {
            return Err(unreadable("something is missing".to_owned()));
        }
        if !part.contains(['=', '[', ']']) && !is_level(part) {
            return Err(unreadable(format!("`{part}` is no level; for all of a crate: {part}=trace")));
        }
    }
    EnvFilter::try_new(filter).map_err(|error: ParseError| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_read_and_mistakes_are_told() {
        for good in ["info", "DEBUG", "off", "info,xos_engine=debug", "warn,my_service[step{name=SyncSite}]=trace"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("debugg", "`debugg` is no level; for all of a crate: debugg=trace"),
            ("", "something is missing"),
            ("info,xos_engine", "`xos_engine` is no level"),
            ("info,xos_engine=loud", "error parsing level filter"),
        ] {
            let told = read(bad).unwrap_err().to_string();
            assert!(told.contains(why) && told.contains("examples are debug"), "{told}");
        }
    }
}
