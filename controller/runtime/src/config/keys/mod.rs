//! The keys of a configuration file. The schema and the reader are both made from these types, and so are the defaults.

mod api;
mod brakes;
mod cluster_documents;
mod event_bus;
mod lease;
mod values;

use std::num::NonZeroUsize;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xos_model::Backoff;

use super::model::{AccessorKind, Definitions, DesiredState, Logging, Tracing};

pub(super) use api::{ApiKeys, ApiTls};
pub(super) use brakes::BrakeKeys;
pub(super) use cluster_documents::ClusterDocumentsKeys;
pub(super) use event_bus::{BusKind, EventBusKeys, Sasl, Tls};
pub(super) use lease::LeaseKeys;
pub(super) use values::has_format;
pub(crate) use values::parse_duration;

/// The configuration of an XOS synchronizer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(title = "XOS synchronizer", deny_unknown_fields, extend("required" = ["name"]))]
pub(super) struct Keys {
    /// The name of the synchronizer: on finalizers, field managers and status, in Kafka and in logs.
    #[schemars(schema_with = "values::name")]
    pub(super) name: String,
    /// The versions of the XOS core that the models are for. Has no effect in this version.
    pub(super) core_version: Option<String>,
    /// Whether the models should be loaded.
    pub(super) desired_state: DesiredState,
    /// Who applies the definitions of the models.
    pub(super) definitions: Definitions,
    /// Where the objects are stored.
    pub(super) accessor: AccessorKeys,
    /// A folder of .xproto files, relative to this file. Default: the models that are compiled in.
    pub(super) models_dir: Option<String>,
    /// A folder of steps and policies as YAML documents of all kinds, relative to this file.
    pub(super) documents_dir: Option<String>,
    /// A folder of sync steps: YAML documents of the kind `SyncStep`, relative to this file.
    pub(super) steps_dir: Option<String>,
    /// A folder of pull steps: YAML documents of the kind `PullStep`.
    pub(super) pull_steps_dir: Option<String>,
    /// A folder of event steps: YAML documents of the kind `EventStep`.
    pub(super) event_steps_dir: Option<String>,
    /// A folder of policies: YAML documents of the kind `ModelPolicy`.
    pub(super) model_policies_dir: Option<String>,
    /// Models and documents that are objects in the cluster. Default: none are taken.
    pub(super) cluster_documents: Option<ClusterDocumentsKeys>,
    /// Kafka, for event steps and for messages.
    pub(super) event_bus: Option<EventBusKeys>,
    /// The HTTP client of steps.
    pub(super) http: HttpKeys,
    /// Models that are used beside those that the models and the steps name. Those of XOS's core among them are kinds of
    /// this synchronizer; other names have no effect in this version.
    pub(super) required_models: Vec<String>,
    /// Models of XOS's core that are used beside those that the models and the steps name; `core` for all of them.
    #[schemars(schema_with = "values::core_models")]
    pub(super) uses: Vec<String>,
    /// A file of dependencies between models, beside those by links.
    pub(super) dependency_graph: Option<String>,
    /// The log, on standard error.
    pub(super) logging: Logging,
    /// Traces of what is done with objects.
    pub(super) tracing: Tracing,
    /// Whether failed objects are tried again without a growing delay.
    pub(super) backoff_disabled: bool,
    /// The namespaces to watch. Default: all.
    pub(super) namespaces: Vec<String>,
    /// Settings of the service's own steps.
    pub(super) settings: Map<String, Value>,
    /// The number of objects that are reconciled at once, without those that take long.
    pub(super) concurrency: NonZeroUsize,
    /// The time after which an object counts as one that takes long.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) slow_after: Duration,
    /// The number of objects of one step that take long and are reconciled at once.
    pub(super) slow_concurrency: NonZeroUsize,
    /// How long the API server may take to answer.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) api_timeout: Duration,
    /// The time limit of a step.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) step_timeout: Duration,
    /// How long running steps may go on after SIGTERM.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::duration")]
    pub(super) shutdown_grace: Duration,
    /// The delay between attempts after failures.
    pub(super) backoff: BackoffKeys,
    /// The delay between attempts to reach a step's target that is away.
    pub(super) probe_backoff: BackoffKeys,
    /// The delay between attempts at objects whose step deferred them.
    #[serde(with = "values::span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) deferred_every: Duration,
    /// How often objects that have not changed are synchronized again, unless they or their steps say something else;
    /// `off` for never.
    #[serde(with = "values::resync")]
    #[schemars(schema_with = "values::resync_schema")]
    pub(super) resync: Option<Duration>,
    /// What is held until somebody confirms it.
    pub(super) brakes: BrakeKeys,
    /// Whether the API server is asked to set finalizers on new objects.
    pub(super) finalizers_at_creation: bool,
    /// Whether processes of this name elect one that works, while the others stand by. Without it one waits until the
    /// other has ended. Default: true in a pod, else false.
    pub(super) leader_election: Option<bool>,
    /// The Lease by which processes of one name elect the one that works.
    pub(super) lease: LeaseKeys,
    /// XOS's gRPC API, which clients of XOS call. Default: it is not served.
    pub(super) api: Option<ApiKeys>,
    /// The address at which /metrics, /livez and /readyz are served. Default: none.
    #[schemars(schema_with = "values::address")]
    pub(super) monitoring_address: Option<String>,
}

impl Default for Keys {
    /// Returns the defaults of the engine, in the keys that configure it.
    fn default() -> Self {
        let engine = xos_engine::Options::default();
        Self {
            name: String::new(),
            core_version: None,
            desired_state: DesiredState::default(),
            definitions: Definitions::default(),
            accessor: AccessorKeys::default(),
            models_dir: None,
            documents_dir: None,
            steps_dir: None,
            pull_steps_dir: None,
            event_steps_dir: None,
            model_policies_dir: None,
            cluster_documents: None,
            event_bus: None,
            http: HttpKeys::default(),
            required_models: Vec::new(),
            uses: Vec::new(),
            dependency_graph: None,
            logging: Logging::default(),
            tracing: Tracing::default(),
            backoff_disabled: false,
            namespaces: engine.namespaces,
            settings: Map::new(),
            concurrency: at_least_one(engine.concurrency),
            slow_after: engine.slow_after,
            slow_concurrency: at_least_one(engine.slow_concurrency),
            api_timeout: xos_engine::API_TIMEOUT,
            step_timeout: engine.step_timeout,
            shutdown_grace: engine.shutdown_grace,
            backoff: engine.backoff.into(),
            probe_backoff: engine.probe_backoff.into(),
            deferred_every: engine.deferred_every,
            resync: engine.resync,
            brakes: engine.brakes.into(),
            finalizers_at_creation: true,
            leader_election: None,
            lease: LeaseKeys::default(),
            api: None,
            monitoring_address: None,
        }
    }
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

/// `http`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(super) struct HttpKeys {
    /// A file of certificates of authorities that steps' HTTP client trusts beside the system's. It is read again when
    /// it changes.
    pub(super) ca: Option<String>,
}

/// `accessor`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(super) struct AccessorKeys {
    /// What stores the objects.
    pub(super) kind: AccessorKind,
    /// The address of an XOS core. Has no effect in this version.
    pub(super) endpoint: Option<String>,
    /// The user at an XOS core. Has no effect in this version.
    pub(super) username: Option<String>,
    /// The password of that user, or `@` and the path of a file that holds it. Has no effect in this version.
    #[serde(skip_serializing, deserialize_with = "values::read_secret")]
    #[schemars(schema_with = "values::secret")]
    pub(super) password: Option<SecretString>,
}

/// `backoff`, `probe_backoff` and `event_bus.retry`: a delay that doubles after each failure.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(super) struct BackoffKeys {
    /// The first delay.
    #[serde(with = "values::optional_span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) initial: Option<Duration>,
    /// The longest delay. Not shorter than `initial`.
    #[serde(with = "values::optional_span")]
    #[schemars(schema_with = "values::positive_duration")]
    pub(super) max: Option<Duration>,
    /// The random part of a delay.
    #[schemars(range(min = 0, max = 1))]
    pub(super) jitter: Option<f64>,
}

impl From<Backoff> for BackoffKeys {
    fn from(backoff: Backoff) -> Self {
        Self { initial: Some(backoff.initial), max: Some(backoff.max), jitter: Some(backoff.jitter) }
    }
}

impl BackoffKeys {
    /// Returns the backoff, with `defaults` for what is not set. Its longest delay is not shorter than its first.
    pub(super) fn or(self, defaults: Backoff) -> Backoff {
        let initial = self.initial.unwrap_or(defaults.initial);
        let max = self.max.unwrap_or(defaults.max).max(initial);
        Backoff { initial, max, jitter: self.jitter.unwrap_or(defaults.jitter) }
    }
}

#[cfg(test)]
mod tests;
