//! What a configuration says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use xos_model::Backoff;

use super::Secret;
use super::event_bus::EventBus;
use crate::logging::LogFormat;

/// The configuration of a synchronizer.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// `name`: what the synchronizer is called, on objects, in Kafka and in logs.
    pub name: String,
    /// `core_version`: the versions of the XOS core that the models are for. Not used yet.
    pub core_version: Option<String>,
    /// `desired_state`: whether the models should be there.
    pub desired_state: DesiredState,
    /// `accessor`: where the objects are kept.
    pub accessor: Accessor,
    /// `models_dir`: a folder of `.xproto` files.
    pub models_dir: Option<PathBuf>,
    /// `steps_dir`: a folder of sync steps.
    pub steps_dir: Option<PathBuf>,
    /// `pull_steps_dir`: a folder of pull steps.
    pub pull_steps_dir: Option<PathBuf>,
    /// `event_steps_dir`: a folder of event steps.
    pub event_steps_dir: Option<PathBuf>,
    /// `model_policies_dir`: a folder of policies.
    pub model_policies_dir: Option<PathBuf>,
    /// `event_bus`: where events come from, and where messages go.
    pub event_bus: Option<EventBus>,
    /// `required_models`: models that have to be there first. Not used yet.
    pub required_models: Vec<String>,
    /// `dependency_graph`: a file of dependencies between models, beside those by links.
    pub dependency_graph: Option<PathBuf>,
    /// `logging`
    pub logging: Logging,
    /// `backoff_disabled`: failed objects are tried again without a growing delay.
    pub backoff_disabled: bool,
    /// `namespaces`: where objects are looked for; everywhere when it is empty.
    pub namespaces: Vec<String>,
    /// `settings`: whatever the service's steps want to be told.
    pub settings: Map<String, Value>,
    /// `concurrency`: how many objects are worked on at once, those not counted that take long.
    pub concurrency: usize,
    /// `slow_after`: an object that is worked on for that long takes long.
    pub slow_after: Duration,
    /// `slow_concurrency`: how many objects that take long are worked on at once.
    pub slow_concurrency: usize,
    /// `api_timeout`: how long the API server may take for an answer.
    pub api_timeout: Duration,
    /// `step_timeout`: how long a step may take.
    pub step_timeout: Duration,
    /// `shutdown_grace`: how long running steps are waited for at the end.
    pub shutdown_grace: Duration,
    /// `deferred_every`: the pace at which deferred objects are tried again.
    pub deferred_every: Duration,
    /// `finalizers_at_birth`: whether the API server is asked to put finalizers on new objects.
    pub finalizers_at_birth: bool,
    /// `monitoring_address`: where `/metrics`, `/livez` and `/readyz` are served; nowhere when it is not set.
    pub monitoring_address: Option<SocketAddr>,
    /// `backoff`: when a failed object is tried again.
    pub backoff: Backoff,
}

/// `desired_state`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DesiredState {
    /// `load`: the models are loaded and the steps run.
    #[default]
    Load,
    /// `unload`: all objects are deleted, then the models.
    Unload,
}

/// `accessor`
#[derive(Clone, Debug, Default, Serialize)]
pub struct Accessor {
    /// `kind`: what keeps the objects.
    pub kind: AccessorKind,
    /// `endpoint`: the address of an XOS core. Not used yet.
    pub endpoint: Option<String>,
    /// `username`: the user at an XOS core. Not used yet.
    pub username: Option<String>,
    /// `password`: that user's password, or `@` and the path of a file that holds it. Not used yet.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// `accessor.kind`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessorKind {
    /// `kubernetes`: custom resources only.
    #[default]
    Kubernetes,
}

/// `logging`; of XOS's keys there none is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Logging {
    /// `level`: a level (`info`) or a filter (`info,xos_engine=debug`).
    pub level: String,
    /// `format`: `text` or `json`.
    #[serde(skip)]
    pub format: LogFormat,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}
