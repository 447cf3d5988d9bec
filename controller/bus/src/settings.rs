//! What the bus is told: where the brokers are, and how events that fail are dealt with.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use xos_model::Backoff;

/// Kafka's port, where an endpoint names none.
const PORT: &str = "9092";
/// Keys of librdkafka on which the guarantees of event steps stand.
const OURS: [&str; 8] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "auto.commit.interval.ms",
    "enable.partition.eof",
];

/// How the bus is reached and used.
#[derive(Clone)]
pub struct Settings {
    /// The brokers: `host` or `host:port`.
    pub endpoints: Vec<String>,
    /// Settings of librdkafka: TLS, SASL, and whatever else. Some are secret.
    pub properties: BTreeMap<String, String>,
    /// How often an event is tried before it is parked.
    pub attempts: u32,
    /// The delay between attempts.
    pub retry: Backoff,
    /// The topic of parked events, with `{topic}` and `{synchronizer}` in it.
    pub parked_topic: String,
    /// How much of a partition may wait in memory.
    pub buffer: usize,
    /// How long a consumer may receive nothing, while there is something, before it is made anew.
    pub stalled_after: Duration,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// No brokers.
    #[error("no broker is named: set `event_bus.endpoint`")]
    NoEndpoint,
    /// A setting that the framework needs as it is.
    #[error("`event_bus.librdkafka` sets `{0}`, which the synchronizer sets itself: remove it")]
    Ours(String),
    /// A parked topic that would be the same for all topics.
    #[error("`event_bus.parked_topic` is `{0}`: it needs `{{topic}}` in it, so that each topic has one of its own")]
    ParkedTopic(String),
}

impl Default for Settings {
    /// 10 attempts within about 4 minutes; `{topic}.{synchronizer}.parked`.
    fn default() -> Self {
        Self {
            endpoints: vec![],
            properties: BTreeMap::new(),
            attempts: 10,
            retry: Backoff { initial: Duration::from_secs(1), max: Duration::from_mins(1), jitter: 0.1 },
            parked_topic: "{topic}.{synchronizer}.parked".to_owned(),
            buffer: 1000,
            stalled_after: Duration::from_mins(1),
        }
    }
}

impl fmt::Debug for Settings {
    /// Without the properties' values, of which some are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.properties.keys().collect();
        f.debug_struct("Settings")
            .field("endpoints", &self.endpoints)
            .field("properties", &keys)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Whether they can be used.
    ///
    /// # Errors
    /// When not.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.endpoints.is_empty() {
            return Err(SettingsError::NoEndpoint);
        }
        if let Some(key) = self.properties.keys().find(|key| OURS.contains(&key.as_str())) {
            return Err(SettingsError::Ours(key.clone()));
        }
        if !self.parked_topic.contains("{topic}") || self.parked_topic.trim() == "{topic}" {
            return Err(SettingsError::ParkedTopic(self.parked_topic.clone()));
        }
        Ok(())
    }

    /// The brokers as librdkafka wants them.
    pub fn brokers(&self) -> String {
        let all: Vec<_> = self.endpoints.iter().map(|endpoint| with_port(endpoint)).collect();
        all.join(",")
    }

    /// Where events of a topic are parked.
    pub fn parked(&self, topic: &str, synchronizer: &str) -> String {
        self.parked_topic.replace("{topic}", topic).replace("{synchronizer}", synchronizer)
    }

    /// A regular expression for the topics of parked events of any topic.
    pub fn parked_pattern(&self, synchronizer: &str) -> String {
        let whole = regex::escape(&self.parked_topic.replace("{synchronizer}", synchronizer));
        format!("^{}$", whole.replace(&regex::escape("{topic}"), ".+"))
    }

    /// What all clients start from; `theirs` says what the configuration may override.
    pub(crate) fn client(&self, client_id: &str, theirs: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", client_id);
        for (key, value) in theirs {
            config.set(*key, *value);
        }
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config.set("bootstrap.servers", self.brokers());
        config
    }
}

/// The port is left out in most of XOS's files. An address of IPv6 with a port is in brackets.
fn with_port(endpoint: &str) -> String {
    let endpoint = endpoint.trim();
    let plain = endpoint.rsplit_once("://").map_or(endpoint, |(_, rest)| rest);
    let has_port = match plain.rsplit_once(':') {
        Some((host, _)) => !host.contains(':') || host.ends_with(']'),
        None => false,
    };
    if has_port { endpoint.to_owned() } else { format!("{endpoint}:{PORT}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { endpoints: vec!["kafka".to_owned()], ..Settings::default() }
    }

    #[test]
    fn a_port_is_added_where_there_is_none() {
        let endpoints = ["kafka", "kafka:9093", " one ", "10.0.0.1", "[::1]:9094", "[::1]"].map(str::to_owned).to_vec();
        let settings = Settings { endpoints, ..settings() };
        assert_eq!(settings.brokers(), "kafka:9092,kafka:9093,one:9092,10.0.0.1:9092,[::1]:9094,[::1]:9092");
    }

    #[test]
    fn what_the_guarantees_stand_on_cannot_be_set() {
        assert_eq!(settings().check(), Ok(()));
        let properties = [("enable.auto.commit".to_owned(), "true".to_owned())].into();
        let error = Settings { properties, ..settings() }.check().unwrap_err();
        assert!(error.to_string().contains("`enable.auto.commit`"), "{error}");
        let same = Settings { parked_topic: "parked".to_owned(), ..settings() };
        assert!(same.check().is_err() && Settings::default().check() == Err(SettingsError::NoEndpoint));
    }

    #[test]
    fn parked_topics_are_named_and_recognized() {
        let settings = settings();
        assert_eq!(settings.parked("onu.events", "att"), "onu.events.att.parked");
        let pattern = regex::Regex::new(&settings.parked_pattern("att")).unwrap();
        assert!(pattern.is_match("onu.events.att.parked") && !pattern.is_match("onu.events.dt.parked"));
        assert!(!pattern.is_match("onu.eventsXattXparked"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let properties = [("sasl.password".to_owned(), "letmein".to_owned())].into();
        assert!(!format!("{:?}", Settings { properties, ..settings() }).contains("letmein"));
    }
}
