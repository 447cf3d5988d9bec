//! From the merged tree to the configuration.

use std::path::PathBuf;
use std::time::Duration;

use xos_model::Backoff;

use super::file::{File, Place};
use super::model::{Accessor, AccessorKind, Config, DesiredState, EventBus, Logging};
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
    /// The file that holds the password.
    Password { path: PathBuf, place: Place },
}

/// A configuration as far as it can be read without the disk.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) lookups: Vec<Lookup>,
    pub(super) unused: Vec<String>,
}

/// Keys of XOS that have no effect in this version.
const UNUSED: [&str; 6] = ["core_version", "event_bus", "required_models", "wrappers", "blueprints", "desired_state"];

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
        event_bus: event_bus(&mut top, report),
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
        backoff: backoff(&mut top, report),
        deferred_every: top.time("deferred_every", report).map_or(Duration::from_secs(5), |(time, _)| time),
        finalizers_at_birth: top.flag("finalizers_at_birth", report).unwrap_or(true),
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
        password: password(&mut section, lookups, report),
    };
    section.finish(report);
    accessor
}

/// The password, or nothing yet if a file holds it.
fn password(section: &mut Section<'_>, lookups: &mut Vec<Lookup>, report: &mut Report) -> Option<Secret> {
    let (text, place) = section.text("password", report)?;
    let Some(path) = text.strip_prefix('@') else { return Some(Secret::new(text)) };
    lookups.push(Lookup::Password { path: section.resolve(path, &place), place });
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

fn event_bus(top: &mut Section<'_>, report: &mut Report) -> Option<EventBus> {
    let mut section = top.section("event_bus", report);
    let set = !section.is_empty();
    let kind = section.choice("kind", &[("kafka", "kafka")], "`kafka`", report).map_or("kafka", |(kind, _)| kind);
    let endpoint = section.text("endpoint", report).map(|(text, _)| text);
    section.finish(report);
    set.then(|| EventBus { kind: kind.to_owned(), endpoint })
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

fn backoff(top: &mut Section<'_>, report: &mut Report) -> Backoff {
    let mut section = top.section("backoff", report);
    let defaults = Backoff::default();
    let initial = section.time("initial", report).map_or(defaults.initial, |(time, _)| time);
    let max = section.time("max", report);
    let jitter = section.fraction("jitter", report).unwrap_or(defaults.jitter);
    section.finish(report);
    if let Some((_, place)) = max.as_ref().filter(|(max, _)| *max < initial) {
        let key = "backoff.max".to_owned();
        let value = format!("{:?}", max.as_ref().map_or(initial, |(max, _)| *max));
        report.push(
            Problem::InvalidValue { key, value, expected: "at least `backoff.initial`", suggestion: None },
            place,
        );
    }
    Backoff { initial, max: max.map_or(defaults.max.max(initial), |(max, _)| max), jitter }
}
