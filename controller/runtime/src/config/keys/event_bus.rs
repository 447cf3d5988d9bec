//! The keys of `event_bus`: XOS's two, and more for Kafka.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use xos_bus::{Missed, Settings};

use super::BackoffKeys;
use super::values::{self, OneOrMany};

/// `event_bus`
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct EventBusKeys {
    /// The kind of bus; `none`: there is none, and event steps do not run.
    pub(in crate::config) kind: BusKind,
    /// The brokers: `host` or `host:port`, several between commas or as a list.
    pub(in crate::config) endpoint: OneOrMany,
    /// The topic of events that no attempt could handle, with `{topic}` and `{synchronizer}` in it.
    pub(in crate::config) parked_topic: String,
    /// How long parked events are kept, in a topic that the synchronizer makes.
    #[serde(with = "values::retention")]
    #[schemars(schema_with = "values::retention_schema")]
    pub(in crate::config) parked_retention: Option<Duration>,
    /// The number of attempts at an event before it is parked.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(in crate::config) attempts: u32,
    /// The delay between attempts at an event.
    pub(in crate::config) retry: BackoffKeys,
    /// How a step goes on where retention has deleted its next event.
    pub(in crate::config) missed: MissedKey,
    /// Whether changes of objects are sent to the topic `xos.gui_events`.
    pub(in crate::config) gui_events: bool,
    /// TLS to the brokers.
    pub(in crate::config) tls: Option<Tls>,
    /// Authentication at the brokers.
    pub(in crate::config) sasl: Option<Sasl>,
    /// Any other settings of librdkafka.
    #[serde(skip_serializing, deserialize_with = "values::read_properties")]
    #[schemars(schema_with = "values::properties")]
    pub(in crate::config) librdkafka: BTreeMap<String, SecretString>,
}

impl Default for EventBusKeys {
    /// Returns the defaults of the bus.
    fn default() -> Self {
        let bus = Settings::default();
        Self {
            kind: BusKind::Kafka,
            endpoint: OneOrMany::default(),
            parked_topic: bus.parked_topic,
            parked_retention: bus.parked_retention,
            attempts: bus.attempts,
            retry: bus.retry.into(),
            missed: MissedKey::Earliest,
            gui_events: false,
            tls: None,
            sasl: None,
            librdkafka: BTreeMap::new(),
        }
    }
}

/// `event_bus.kind`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum BusKind {
    Kafka,
    None,
}

/// `event_bus.missed`
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum MissedKey {
    Earliest,
    Latest,
    Stop,
}

impl From<MissedKey> for Missed {
    fn from(key: MissedKey) -> Self {
        match key {
            MissedKey::Earliest => Self::Earliest,
            MissedKey::Latest => Self::Latest,
            MissedKey::Stop => Self::Stop,
        }
    }
}

/// `event_bus.tls`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Tls {
    /// Whether TLS is used. Default: true if any key of `tls` is set.
    pub(in crate::config) enabled: Option<bool>,
    /// A file of certificates of authorities to trust.
    pub(in crate::config) ca: Option<String>,
    /// A file with the client's certificate.
    pub(in crate::config) certificate: Option<String>,
    /// A file with the client's private key.
    pub(in crate::config) key: Option<String>,
    /// The password of the private key, or `@` and the path of a file that holds it.
    #[serde(skip_serializing, deserialize_with = "values::read_secret")]
    #[schemars(schema_with = "values::secret")]
    pub(in crate::config) key_password: Option<SecretString>,
    /// Whether the broker's certificate is verified. Default: true.
    pub(in crate::config) verify: Option<bool>,
}

/// `event_bus.sasl`
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Sasl {
    /// The mechanism.
    pub(in crate::config) mechanism: Mechanism,
    /// The user.
    pub(in crate::config) username: Option<String>,
    /// The password of the user, or `@` and the path of a file that holds it.
    #[serde(skip_serializing, deserialize_with = "values::read_secret")]
    #[schemars(schema_with = "values::secret")]
    pub(in crate::config) password: Option<SecretString>,
}

/// `event_bus.sasl.mechanism`: those that librdkafka has without Kerberos, and without a callback for tokens.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(in crate::config) enum Mechanism {
    #[default]
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Mechanism {
    /// Returns its name in librdkafka.
    pub(in crate::config) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}
