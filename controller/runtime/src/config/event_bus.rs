//! `event_bus`: XOS's two keys, and more for Kafka as it is run today.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value as Json;
use xos_bus::Settings;
use xos_model::Backoff;

use super::Secret;
use super::read::{Lookup, backoff, secret};
use super::section::{Report, Section};

/// Where the secrets of the section go, among librdkafka's settings.
const SECRETS: [(&str, &str); 2] =
    [("event_bus.sasl.password", "sasl.password"), ("event_bus.tls.key_password", "ssl.key.password")];
/// The mechanisms that librdkafka has without Kerberos, and without a callback for tokens.
const MECHANISMS: [(&str, &str); 3] =
    [("PLAIN", "PLAIN"), ("SCRAM-SHA-256", "SCRAM-SHA-256"), ("SCRAM-SHA-512", "SCRAM-SHA-512")];

/// `event_bus`
#[derive(Clone, Debug, Serialize)]
pub struct EventBus {
    /// `kind`: `kafka`.
    pub kind: String,
    /// `endpoint`: the brokers.
    pub endpoints: Vec<String>,
    /// `parked_topic`: where events are parked that no attempt could handle.
    pub parked_topic: String,
    /// `attempts`: how often an event is tried before that.
    pub attempts: u32,
    /// `retry`: the delay between attempts.
    pub retry: Backoff,
    /// `gui_events`: whether changes of objects are told on the topic `xos.gui_events`.
    pub gui_events: bool,
    /// `tls`, `sasl` and `librdkafka`, as librdkafka's settings.
    #[serde(skip)]
    pub properties: BTreeMap<String, Secret>,
}

impl EventBus {
    /// What the bus is told.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let properties = self.properties.iter().map(|(key, value)| (key.clone(), value.expose().to_owned()));
        Settings {
            endpoints: self.endpoints.clone(),
            properties: properties.collect(),
            attempts: self.attempts,
            retry: self.retry,
            parked_topic: self.parked_topic.clone(),
            ..Settings::default()
        }
    }

    /// Takes a secret that a file held.
    pub(super) fn keep(&mut self, key: &str, secret: Secret) {
        if let Some((_, property)) = SECRETS.iter().find(|(full, _)| *full == key) {
            self.properties.insert((*property).to_owned(), secret);
        }
    }
}

/// Reads the section, if it is there.
pub(super) fn event_bus(top: &mut Section<'_>, lookups: &mut Vec<Lookup>, report: &mut Report) -> Option<EventBus> {
    let mut section = top.section("event_bus", report);
    let set = !section.is_empty();
    let kind = section.choice("kind", &[("kafka", "kafka")], "`kafka`", report).map_or("kafka", |(kind, _)| kind);
    let defaults = Settings::default();
    let attempts = section.count("attempts", report).and_then(|count| u32::try_from(count).ok());
    let mut bus = EventBus {
        kind: kind.to_owned(),
        endpoints: endpoints(&mut section, report),
        parked_topic: section.text("parked_topic", report).map_or(defaults.parked_topic, |(text, _)| text),
        attempts: attempts.unwrap_or(defaults.attempts),
        retry: backoff(&mut section, "retry", defaults.retry, report),
        gui_events: section.flag("gui_events", report).unwrap_or(false),
        properties: BTreeMap::new(),
    };
    let has_tls = tls(&mut section, &mut bus.properties, lookups, report);
    let has_sasl = sasl(&mut section, &mut bus.properties, lookups, report);
    let protocol = match (has_sasl, has_tls) {
        (false, false) => "plaintext",
        (false, true) => "ssl",
        (true, false) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    bus.properties.insert("security.protocol".to_owned(), Secret::new(protocol));
    for (key, value) in section.free("librdkafka", report) {
        bus.properties.insert(key, Secret::new(plain(&value)));
    }
    section.finish(report);
    set.then_some(bus)
}

/// One, several between commas, or a list.
fn endpoints(section: &mut Section<'_>, report: &mut Report) -> Vec<String> {
    let all = section.texts_or_text("endpoint", report);
    let parts = all.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// Whether TLS is asked for: by an empty section too, `tls: {enabled: true}`.
fn tls(
    section: &mut Section<'_>,
    properties: &mut BTreeMap<String, Secret>,
    lookups: &mut Vec<Lookup>,
    report: &mut Report,
) -> bool {
    let mut tls = section.section("tls", report);
    let is_set = !tls.is_empty();
    let enabled = tls.flag("enabled", report).unwrap_or(is_set);
    let mut put = |key: &str, value: Option<PathBuf>| {
        if let Some(path) = value {
            properties.insert(key.to_owned(), Secret::new(path.display().to_string()));
        }
    };
    for (key, property) in
        [("ca", "ssl.ca.location"), ("certificate", "ssl.certificate.location"), ("key", "ssl.key.location")]
    {
        put(property, tls.path(key, report).map(|(path, _)| path));
    }
    if tls.flag("verify", report) == Some(false) {
        properties.insert("enable.ssl.certificate.verification".to_owned(), Secret::new("false"));
    }
    if let Some(password) = secret(&mut tls, "key_password", SECRETS[1].0, lookups, report) {
        properties.insert(SECRETS[1].1.to_owned(), password);
    }
    tls.finish(report);
    enabled
}

/// Whether SASL is asked for.
fn sasl(
    section: &mut Section<'_>,
    properties: &mut BTreeMap<String, Secret>,
    lookups: &mut Vec<Lookup>,
    report: &mut Report,
) -> bool {
    let mut sasl = section.section("sasl", report);
    let is_set = !sasl.is_empty();
    let expected = "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`";
    let mechanism = sasl.choice("mechanism", &MECHANISMS, expected, report).map(|(mechanism, _)| mechanism);
    if is_set {
        properties.insert("sasl.mechanisms".to_owned(), Secret::new(mechanism.unwrap_or("PLAIN")));
    }
    if let Some((username, _)) = sasl.text("username", report) {
        properties.insert("sasl.username".to_owned(), Secret::new(username));
    }
    if let Some(password) = secret(&mut sasl, "password", SECRETS[0].0, lookups, report) {
        properties.insert(SECRETS[0].1.to_owned(), password);
    }
    sasl.finish(report);
    is_set
}

/// librdkafka takes all its settings as texts.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
