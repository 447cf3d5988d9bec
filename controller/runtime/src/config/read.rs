//! From the merged tree to the configuration.

use std::path::PathBuf;
use std::time::Duration;

use xos_model::Backoff;

use super::event_bus::event_bus;
use super::file::{File, Place};
use super::model::{Accessor, AccessorKind, Config, DesiredState, Logging};
use super::problem::Problem;
use super::secret::Secret;
use super::section::{Report, Section};
use super::yaml::Node;
use crate::logging::LogFormat;

/// What has to be looked up on the disk before the configuration is complete.
#[derive(Debug)]
pub(super) enum Lookup {
    /// A folder that has to be there.
    Folder { key: &'static str, path: PathBuf, place: Place },
    /// A folder of steps, which has to be empty.
    Steps { key: &'static str, path: PathBuf, place: Place },
    /// A file that holds a secret.
    Secret { key: &'static str, path: PathBuf, place: Place },
}

/// A configuration as far as it can be read without the disk.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) lookups: Vec<Lookup>,
    pub(super) unused: Vec<String>,
}

/// Keys of XOS that have no effect in this version.
const UNUSED: [&str; 5] = ["core_version", "required_models", "wrappers", "blueprints", "desired_state"];

/// Keys of Python's logging configuration, which XOS files have below `logging`.
const PYTHON_LOGGING: [&str; 8] =
    ["version", "formatters", "filters", "handlers", "loggers", "root", "incremental", "disable_existing_loggers"];

/// Reads the tree; values that are wrong are reported and taken for not given.
pub(super) fn read(tree: Node, files: &[File], report: &mut Report) -> Draft {
    let missing_in = if files.is_empty() { Place::Nowhere } else { Place::File { file: 0, bytes: 0..0 } };
    let unused = unused(&tree);
    let mut top = Section::top(tree, files, report);
    let mut lookups = Vec::new();
    let config = Config {
        name: name(&mut top, &missing_in, report),
        core_version: top.text("core_version", report).map(|(text, _)| text),
        desired_state: desired_state(&mut top, report),
        accessor: accessor(&mut top, &mut lookups, report),
        models_dir: models_dir(&mut top, &mut lookups, report),
        steps_dir: steps("steps_dir", &mut top, &mut lookups, report),
        pull_steps_dir: steps("pull_steps_dir", &mut top, &mut lookups, report),
        event_steps_dir: steps("event_steps_dir", &mut top, &mut lookups, report),
        model_policies_dir: steps("model_policies_dir", &mut top, &mut lookups, report),
        event_bus: event_bus(&mut top, &mut lookups, report),
        required_models: top.texts("required_models", report),
        dependency_graph: top.path("dependency_graph", report).map(|(path, _)| path),
        logging: logging(&mut top, report),
        backoff_disabled: top.flag("backoff_disabled", report).unwrap_or(false),
        namespaces: top.texts("namespaces", report),
        settings: top.free("settings", report),
        concurrency: top.count("concurrency", report).unwrap_or(16),
        slow_after: top.time("slow_after", report).map_or(Duration::from_secs(1), |(time, _)| time),
        slow_concurrency: top.count("slow_concurrency", report).unwrap_or(256),
        api_timeout: top.time("api_timeout", report).map_or(crate::cluster::ANSWERED, |(time, _)| time),
        step_timeout: top.time("step_timeout", report).map_or(Duration::from_mins(10), |(time, _)| time),
        shutdown_grace: top.duration("shutdown_grace", report).map_or(Duration::from_secs(30), |(time, _)| time),
        backoff: backoff(&mut top, "backoff", Backoff::default(), report),
        deferred_every: top.time("deferred_every", report).map_or(Duration::from_secs(5), |(time, _)| time),
        finalizers_at_birth: top.flag("finalizers_at_birth", report).unwrap_or(true),
        monitoring_address: top.address("monitoring_address", report),
    };
    // Whatever these hold, it is XOS's own matter.
    top.take("wrappers", report);
    top.take("blueprints", report);
    top.finish(report);
    Draft { config, lookups, unused }
}

fn unused(tree: &Node) -> Vec<String> {
    let super::yaml::Value::Map(entries) = &tree.value else { return Vec::new() };
    let keys = entries.iter().map(|entry| entry.key.clone());
    keys.filter(|key| UNUSED.contains(&key.as_str())).collect()
}

fn name(top: &mut Section<'_>, missing_in: &Place, report: &mut Report) -> String {
    let name = top.text("name", report).map(|(name, _)| name).filter(|name| !name.trim().is_empty());
    // A name of the wrong type, or a file that cannot be read, is reported as such.
    if name.is_none() && report.problems.is_empty() {
        report.push(Problem::Missing { key: "name" }, missing_in);
    }
    name.unwrap_or_default()
}

fn desired_state(top: &mut Section<'_>, report: &mut Report) -> DesiredState {
    const STATES: [(&str, DesiredState); 2] = [("load", DesiredState::Load), ("unload", DesiredState::Unload)];
    top.choice("desired_state", &STATES, "`load` or `unload`", report).map(|(state, _)| state).unwrap_or_default()
}

fn accessor(top: &mut Section<'_>, lookups: &mut Vec<Lookup>, report: &mut Report) -> Accessor {
    const KINDS: [(&str, Option<AccessorKind>); 2] =
        [("kubernetes", Some(AccessorKind::Kubernetes)), ("grpcapi", None)];
    let mut section = top.section("accessor", report);
    let kind = section.choice("kind", &KINDS, "`kubernetes` or `grpcapi`", report);
    if let Some((None, place)) = &kind {
        report.push(Problem::NoCore, place);
    }
    let accessor = Accessor {
        kind: kind.and_then(|(kind, _)| kind).unwrap_or_default(),
        endpoint: section.text("endpoint", report).map(|(text, _)| text),
        username: section.text("username", report).map(|(text, _)| text),
        password: secret(&mut section, "password", "accessor.password", lookups, report),
    };
    section.finish(report);
    accessor
}

/// A secret, or nothing yet if a file holds it.
pub(super) fn secret(
    section: &mut Section<'_>,
    key: &str,
    full: &'static str,
    lookups: &mut Vec<Lookup>,
    report: &mut Report,
) -> Option<Secret> {
    let (text, place) = section.text(key, report)?;
    let Some(path) = text.strip_prefix('@') else { return Some(Secret::new(text)) };
    lookups.push(Lookup::Secret { key: full, path: section.resolve(path, &place), place });
    None
}

fn models_dir(top: &mut Section<'_>, lookups: &mut Vec<Lookup>, report: &mut Report) -> Option<PathBuf> {
    let (path, place) = top.path("models_dir", report)?;
    lookups.push(Lookup::Folder { key: "models_dir", path: path.clone(), place });
    Some(path)
}

fn steps(key: &'static str, top: &mut Section<'_>, lookups: &mut Vec<Lookup>, report: &mut Report) -> Option<PathBuf> {
    let (path, place) = top.path(key, report)?;
    lookups.push(Lookup::Steps { key, path: path.clone(), place });
    Some(path)
}

fn logging(top: &mut Section<'_>, report: &mut Report) -> Logging {
    const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let mut section = top.section("logging", report);
    let defaults = Logging::default();
    let level = section.text("level", report).map_or(defaults.level, |(level, _)| level);
    let format = section.choice("format", &FORMATS, "`text` or `json`", report);
    for key in PYTHON_LOGGING {
        section.take(key, report);
    }
    section.finish(report);
    Logging { level, format: format.map_or(defaults.format, |(format, _)| format) }
}

pub(super) fn backoff(top: &mut Section<'_>, key: &str, defaults: Backoff, report: &mut Report) -> Backoff {
    let mut section = top.section(key, report);
    let initial = section.time("initial", report).map_or(defaults.initial, |(time, _)| time);
    let max = section.time("max", report);
    let jitter = section.fraction("jitter", report).unwrap_or(defaults.jitter);
    if let Some((_, place)) = max.as_ref().filter(|(max, _)| *max < initial) {
        let value = format!("{:?}", max.as_ref().map_or(initial, |(max, _)| *max));
        section.invalid("max", &value, "at least `initial` beside it", place, report);
    }
    section.finish(report);
    Backoff { initial, max: max.map_or(defaults.max.max(initial), |(max, _)| max), jitter }
}
