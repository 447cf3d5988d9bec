//! What a configuration says of the event bus.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use xos_bus::{Missed, Settings};
use xos_model::Backoff;

use super::keys::{BusKind, EventBusKeys, Sasl, Tls};

/// Settings of librdkafka that name files.
const FILES: [&str; 3] = ["ssl.ca.location", "ssl.certificate.location", "ssl.key.location"];

/// The event bus.
#[derive(Clone)]
pub struct EventBus {
    /// Whether there is none on purpose: then event steps do not run.
    pub is_none: bool,
    /// The brokers.
    pub endpoints: Vec<String>,
    /// The topic of events that no attempt could handle.
    pub parked_topic: String,
    /// How long parked events are kept; `None`: for ever.
    pub parked_retention: Option<Duration>,
    /// The number of attempts at an event before it is parked.
    pub attempts: u32,
    /// The delay between attempts.
    pub retry: Backoff,
    /// What a step does where retention has deleted its next event.
    pub missed: Missed,
    /// Whether changes of objects are sent to the topic `xos.gui_events`.
    pub gui_events: bool,
    /// Settings of librdkafka: TLS, SASL and others. Any of them may be secret.
    pub properties: BTreeMap<String, SecretString>,
    /// The files of its passwords, each with the setting of librdkafka that it holds.
    pub(crate) passwords: BTreeMap<PathBuf, &'static str>,
}

impl fmt::Debug for EventBus {
    /// Shows the names of the properties, without their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.properties.keys().collect();
        f.debug_struct("EventBus")
            .field("endpoints", &self.endpoints)
            .field("properties", &keys)
            .finish_non_exhaustive()
    }
}

impl EventBus {
    /// Reads the section. `resolve` makes a path of the section absolute, or relative to the working directory.
    pub(super) fn new(keys: EventBusKeys, resolve: impl Fn(&str, &str) -> String) -> Self {
        let mut properties = BTreeMap::new();
        let security = match (&keys.sasl, keys.tls.as_ref().is_some_and(|tls| tls.enabled.unwrap_or(true))) {
            (None, false) => "plaintext",
            (None, true) => "ssl",
            (Some(_), false) => "sasl_plaintext",
            (Some(_), true) => "sasl_ssl",
        };
        properties.insert("security.protocol".to_owned(), SecretString::from(security));
        properties.extend(keys.tls.into_iter().flat_map(|tls| tls_properties(tls, &resolve)));
        properties.extend(keys.sasl.into_iter().flat_map(sasl_properties));
        properties.extend(keys.librdkafka);
        Self {
            is_none: keys.kind == BusKind::None,
            endpoints: keys.endpoint.all(),
            parked_topic: keys.parked_topic,
            parked_retention: keys.parked_retention,
            attempts: keys.attempts,
            retry: keys.retry.or(Settings::default().retry),
            missed: keys.missed.into(),
            gui_events: keys.gui_events,
            properties,
            passwords: BTreeMap::new(),
        }
    }

    /// Notes that the value of a key is in a file.
    pub(super) fn note_file(&mut self, key: &str, path: PathBuf) {
        let setting = match key {
            "event_bus.sasl.password" => "sasl.password",
            "event_bus.tls.key_password" => "ssl.key.password",
            _ => return,
        };
        self.passwords.insert(path, setting);
    }

    /// Returns all files whose content the clients have: of passwords, certificates and keys.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let named = FILES.iter().filter_map(|setting| Some(self.properties.get(*setting)?.expose_secret().into()));
        self.passwords.keys().cloned().chain(named).collect()
    }

    /// Returns the settings of the bus.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let properties = self.properties.iter().map(|(key, value)| (key.clone(), value.expose_secret().to_owned()));
        Settings {
            endpoints: self.endpoints.clone(),
            properties: properties.collect(),
            attempts: self.attempts,
            retry: self.retry,
            parked_topic: self.parked_topic.clone(),
            missed: self.missed,
            parked_retention: self.parked_retention,
            ..Settings::default()
        }
    }
}

fn tls_properties(tls: Tls, resolve: impl Fn(&str, &str) -> String) -> impl Iterator<Item = (String, SecretString)> {
    let path = |key: &str, path: Option<String>| path.map(|path| SecretString::from(resolve(key, &path)));
    let properties = [
        ("ssl.ca.location", path("event_bus.tls.ca", tls.ca)),
        ("ssl.certificate.location", path("event_bus.tls.certificate", tls.certificate)),
        ("ssl.key.location", path("event_bus.tls.key", tls.key)),
        ("ssl.key.password", tls.key_password),
        ("enable.ssl.certificate.verification", (tls.verify == Some(false)).then(|| SecretString::from("false"))),
    ];
    properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

fn sasl_properties(sasl: Sasl) -> impl Iterator<Item = (String, SecretString)> {
    let properties = [
        ("sasl.mechanisms", Some(SecretString::from(sasl.mechanism.name()))),
        ("sasl.username", sasl.username.map(SecretString::from)),
        ("sasl.password", sasl.password),
    ];
    properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}
