//! A configuration as the program uses it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xos_engine::leader::Times;

use super::event_bus::EventBus;
use crate::logging::LogFormat;

/// The configuration of a synchronizer.
#[derive(Clone, Debug)]
pub struct Config {
    /// `name`: the name of the synchronizer, on objects, in Kafka and in logs.
    pub name: String,
    /// `desired_state`: whether the models should be loaded.
    pub desired_state: DesiredState,
    /// `definitions`: who applies the definitions of the models.
    pub definitions: Definitions,
    /// `accessor`: where the objects are stored.
    pub accessor: Accessor,
    /// `models_dir`: a folder of `.xproto` files.
    pub models_dir: Option<PathBuf>,
    /// `uses` and `required_models`: models of XOS's core that are used beside those that are named.
    pub uses: Vec<String>,
    /// `documents_dir`, `steps_dir`, `model_policies_dir`, `pull_steps_dir` and `event_steps_dir`: folders of documents.
    pub documents: Vec<xos_documents::Folder>,
    /// `cluster_documents`: where models and documents are objects in the cluster; nothing if none are taken.
    pub cluster_documents: Option<ClusterDocuments>,
    /// `event_bus`: where events come from, and where messages go.
    pub event_bus: Option<EventBus>,
    /// `http.ca`: a file of certificates of authorities that the HTTP client of steps trusts, too.
    pub http_ca: Option<PathBuf>,
    /// `dependency_graph`: a file of dependencies between models, beside those by links.
    pub dependency_graph: Option<PathBuf>,
    /// `logging`: the log, on standard error.
    pub logging: Logging,
    /// `tracing`: where traces go.
    pub tracing: Tracing,
    /// `settings`: settings of the service's own steps.
    pub settings: Map<String, Value>,
    /// `api_timeout`: how long the API server may take to answer.
    pub api_timeout: Duration,
    /// `finalizers_at_creation`: whether the API server is asked to set finalizers on new objects.
    pub finalizers_at_creation: bool,
    /// `leader_election`: whether processes of this name elect one that works; if nothing is said, those in pods do.
    pub leader_election: Option<bool>,
    /// `lease`: how they elect it.
    pub lease: LeaseConfig,
    /// `api`: XOS's gRPC API; it is not served when it is not set.
    pub api: Option<ApiConfig>,
    /// `monitoring_address`: where `/metrics`, `/livez` and `/readyz` are served; nowhere when it is not set.
    pub monitoring_address: Option<SocketAddr>,
    /// The options of the engine: `namespaces`, `concurrency`, `step_timeout`, `backoff` and others.
    pub engine: xos_engine::Options,
}

/// `cluster_documents`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDocuments {
    /// `namespace`: that of the pod or of the kubeconfig, if nothing is said.
    pub namespace: Option<String>,
    /// `selector`: the labels that they have.
    pub selector: Option<String>,
}

/// `api`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// `address`: where it is served with TLS.
    pub address: Option<SocketAddr>,
    /// `plain_address`: where it is served without.
    pub plain_address: Option<SocketAddr>,
    /// `users_file`: the users, with the hashes of their passwords.
    pub users_file: PathBuf,
    /// `tls.certificate` and `tls.key`: the files of the server's certificate and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// `namespace`: of the objects that clients make.
    pub namespace: Option<String>,
}

/// `lease`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseConfig {
    /// `duration`, `renew_deadline` and `retry_period`.
    pub times: Times,
    /// `namespace`: that of the pod or of the kubeconfig, if nothing is said.
    pub namespace: Option<String>,
    /// `name`: one with the name of the synchronizer, if nothing is said.
    pub name: Option<String>,
}

/// `desired_state`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DesiredState {
    /// The models are loaded and the steps run.
    #[default]
    Load,
    /// All objects are deleted, then the models. Not supported by this version.
    Unload,
}

/// `definitions`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Definitions {
    /// The synchronizer, when it starts.
    #[default]
    Apply,
    /// Somebody else. The synchronizer waits for them, writes nothing outside its namespaces, and needs no right there.
    Provided,
}

/// `accessor`
#[derive(Clone, Debug, Default)]
pub struct Accessor {
    /// `kind`: what stores the objects.
    pub kind: AccessorKind,
    /// `endpoint`: the address of an XOS core. Not used yet.
    pub endpoint: Option<String>,
    /// `username`: the user at an XOS core. Not used yet.
    pub username: Option<String>,
    /// `password`: that user's password. Not used yet.
    pub password: Option<SecretString>,
}

/// `accessor.kind`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessorKind {
    /// Custom resources.
    #[default]
    Kubernetes,
}

/// `logging`; XOS's own keys there are not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Logging {
    /// A level (`info`) or a filter (`info,xos_engine=debug`). The environment variable `RUST_LOG` wins over it.
    pub level: String,
    /// How log lines look.
    pub format: LogFormat,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::default() }
    }
}

/// `tracing`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Tracing {
    /// The address of an OpenTelemetry collector that takes OTLP by HTTP: `http://collector:4318`. Default: traces are
    /// not exported. The environment variables `OTEL_…` win.
    #[schemars(
        regex(pattern = r"^https?://[^/ ]+(/[^ ]*)?$"),
        extend("patternErrorMessage" = "an address such as `http://collector:4318`")
    )]
    pub otlp_endpoint: Option<String>,
    /// The part of the traces that is exported.
    #[schemars(range(min = 0, max = 1))]
    pub sample_ratio: f64,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0 }
    }
}
