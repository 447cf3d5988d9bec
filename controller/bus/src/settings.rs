//! The settings of the event bus: the brokers, and what happens to events that fail.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use xos_model::Backoff;

use crate::renewals::Renewals;

/// Kafka's port, for endpoints without one.
const PORT: &str = "9092";
/// A target that is away is tried at least this often.
#[cfg(feature = "kafka")]
const LONGEST_PROBE: Duration = Duration::from_secs(30);
/// The longest name of a topic.
const LONGEST_TOPIC: usize = 249;
/// Settings of librdkafka that cannot be configured: the guarantees of event steps depend on them.
const RESERVED: [&str; 8] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "auto.commit.interval.ms",
    "enable.partition.eof",
];

/// What a step does where the broker does not have its next event any more: retention has deleted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// It goes on with the first event that there is.
    #[default]
    Earliest,
    /// It goes on with the events that come from then on.
    Latest,
    /// It stands still until somebody decides.
    Stop,
}

/// The settings of the event bus.
#[derive(Clone)]
pub struct Settings {
    /// The brokers: `host` or `host:port`.
    pub endpoints: Vec<String>,
    /// Settings of librdkafka: TLS, SASL and others. Some of them are secret.
    pub properties: BTreeMap<String, String>,
    /// Newer values of some of them: clients that have older ones are replaced.
    pub renewals: Renewals,
    /// How many attempts an event gets before it is parked.
    pub attempts: u32,
    /// The delay between attempts.
    pub retry: Backoff,
    /// How long an event that is deferred waits for its next attempt.
    pub deferred_every: Duration,
    /// The topic of parked events, with the placeholders `{topic}` and `{synchronizer}`.
    pub parked_topic: String,
    /// How long parked events are kept; `None`: until they are replayed or dropped, and for ever after that.
    pub parked_retention: Option<Duration>,
    /// How many events of a partition may be in memory.
    pub buffer: usize,
    /// What to do where the broker does not have the next event of a step any more.
    pub missed: Missed,
    /// How long a consumer may receive nothing, although the broker has events for it, before it is restarted.
    pub stalled_after: Duration,
    /// The delay before the consumer of a step is restarted.
    pub restart: Backoff,
}

/// The options of event steps.
#[derive(Clone, Debug)]
pub struct BusOptions {
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The namespace in which steps find and create objects.
    pub namespace: String,
    /// How long an attempt may take.
    pub time_limit: Duration,
    /// How long events in flight have to end after a shutdown, or when their partition is revoked.
    pub shutdown_grace: Duration,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// There is no endpoint.
    #[error("there is no event bus: set `event_bus.endpoint` in the configuration")]
    NoEndpoint,
    /// A reserved setting of librdkafka.
    #[error("`event_bus.librdkafka` has `{0}`, which the synchronizer sets itself: remove it")]
    Reserved(String),
    /// The same topic for the parked events of all topics.
    #[error(
        "`event_bus.parked_topic` is `{0}`: add `{{topic}}`, so that each topic has its own topic of parked events"
    )]
    ParkedTopic(String),
    /// A name of topics of parked events that Kafka does not accept.
    #[error(
        "`event_bus.parked_topic` makes topics such as `{0}`: Kafka accepts names of letters, digits, `.`, `_` and `-`, \
         249 at most"
    )]
    ParkedName(String),
}

impl Default for Settings {
    /// Returns 10 attempts within about 4 minutes, and `{topic}.{synchronizer}.parked` for parked events.
    fn default() -> Self {
        Self {
            endpoints: vec![],
            properties: BTreeMap::new(),
            renewals: Renewals::default(),
            attempts: 10,
            retry: Backoff { initial: Duration::from_secs(1), max: Duration::from_mins(1), jitter: 0.1 },
            deferred_every: Duration::from_secs(5),
            parked_topic: "{topic}.{synchronizer}.parked".to_owned(),
            parked_retention: None,
            buffer: 1000,
            missed: Missed::Earliest,
            stalled_after: Duration::from_mins(1),
            restart: Backoff { initial: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.1 },
        }
    }
}

impl fmt::Debug for Settings {
    /// Formats the settings without the values of the properties, of which some are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.properties.keys().collect();
        f.debug_struct("Settings")
            .field("endpoints", &self.endpoints)
            .field("properties", &keys)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Checks that the settings can be used.
    ///
    /// # Errors
    /// When they cannot: the message says which setting to change.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.endpoints.is_empty() {
            return Err(SettingsError::NoEndpoint);
        }
        if let Some(key) = self.properties.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(SettingsError::Reserved(key.clone()));
        }
        if !self.parked_topic.contains("{topic}") || self.parked_topic.trim() == "{topic}" {
            return Err(SettingsError::ParkedTopic(self.parked_topic.clone()));
        }
        Ok(())
    }

    /// Returns the brokers in librdkafka's format.
    pub fn brokers(&self) -> String {
        let all: Vec<_> = self.endpoints.iter().map(|endpoint| with_port(endpoint)).collect();
        all.join(",")
    }

    /// Returns the delays between attempts to reach a target that is away.
    #[cfg(feature = "kafka")]
    pub(crate) fn probes(&self) -> Backoff {
        Backoff { max: self.retry.max.min(LONGEST_PROBE), ..self.retry }
    }

    /// Checks that Kafka accepts the names of topics of parked events.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_parked(&self, synchronizer: &str) -> Result<(), SettingsError> {
        let name = self.parked("topic", synchronizer);
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let longest = self.parked(&"x".repeat(LONGEST_TOPIC), synchronizer);
        if longest.len() > LONGEST_TOPIC || !name.chars().all(is_allowed) {
            return Err(SettingsError::ParkedName(name));
        }
        Ok(())
    }

    /// Returns the topic for the parked events of a topic. If its name would be too long, that of the topic in it is
    /// shortened, with a hash of the whole at its end.
    pub fn parked(&self, topic: &str, synchronizer: &str) -> String {
        let template = self.parked_topic.replace("{synchronizer}", synchronizer);
        let name = template.replace("{topic}", topic);
        if name.len() <= LONGEST_TOPIC {
            return name;
        }
        let places = template.matches("{topic}").count();
        let others = template.len() - places * "{topic}".len();
        let room = LONGEST_TOPIC.saturating_sub(others).checked_div(places).unwrap_or_default();
        let hash = format!("-{:016x}", fnv(topic.as_bytes()));
        let start: String = topic.chars().take(room.saturating_sub(hash.len())).collect();
        template.replace("{topic}", &(start + &hash))
    }

    /// Returns a regular expression that matches all topics of parked events.
    pub fn parked_pattern(&self, synchronizer: &str) -> String {
        let whole = regex::escape(&self.parked_topic.replace("{synchronizer}", synchronizer));
        format!("^{}$", whole.replace(&regex::escape("{topic}"), ".+"))
    }

    /// Returns the configuration of a librdkafka client; the properties override `defaults`.
    #[cfg(feature = "kafka")]
    pub(crate) fn client(&self, client_id: &str, defaults: &[(&str, &str)]) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        config.set("client.id", client_id);
        for (key, value) in defaults {
            config.set(*key, *value);
        }
        for (key, value) in self.properties.iter().chain(&self.renewals.newest()) {
            config.set(key, value);
        }
        config.set("bootstrap.servers", self.brokers());
        config
    }
}

/// FNV-1a: the same in every version and on every machine.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Adds the port if there is none. An IPv6 address with a port is in brackets.
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
    fn the_name_of_a_parked_topic_is_one_that_kafka_accepts() {
        let settings = settings();
        let [long, other] = ["a", "b"].map(|end| "x".repeat(239) + end);
        let names = [&long, &other].map(|topic| settings.parked(topic, "att"));
        assert_ne!(names[0], names[1]);
        let pattern = regex::Regex::new(&settings.parked_pattern("att")).unwrap();
        for name in &names {
            assert!(name.len() == 249 && pattern.is_match(name), "{name}");
        }
        assert_eq!(settings.check_parked("att"), Ok(()));
        let synchronizer = "s".repeat(230);
        assert_eq!(
            settings.check_parked(&synchronizer).unwrap_err(),
            SettingsError::ParkedName(format!("topic.{synchronizer}.parked"))
        );
        for template in ["{topic}/parked", "{topic} {synchronizer}", "ä{topic}"] {
            let settings = Settings { parked_topic: template.to_owned(), ..self::settings() };
            assert!(settings.check_parked("att").is_err(), "{template}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let properties = [("sasl.password".to_owned(), "letmein".to_owned())].into();
        assert!(!format!("{:?}", Settings { properties, ..settings() }).contains("letmein"));
    }
}
