//! What a step gets beside its object.

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use xos_model::Pass;

use crate::bus_event::BusEvent;
use crate::events::{EventSink, NoEvents};
use crate::producer::{NoProducer, Producer};
use crate::store::{NoStore, Saver, Session, Store};

const HTTP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const HTTP_TIMEOUT: Duration = Duration::from_secs(60);

/// What a step gets beside its object: the other objects (see [`Models`](crate::Models)), events, an HTTP client, the Kubernetes client, the
/// service's settings, cancellation, an idempotency key.
///
/// A call runs inside a tracing span that names step and object: `tracing::info!` in a step needs no fields for that.
#[derive(Clone, Debug)]
pub struct StepContext {
    parts: Arc<ContextParts>,
    key: Key,
    failures: u32,
    session: Arc<Session>,
}

/// What all attempts of one operation have in common.
#[derive(Clone, Debug)]
enum Key {
    Text(String),
    /// The event's place, written when somebody asks for it: few do.
    Event(Arc<BusEvent>, OnceLock<String>),
}

/// The parts of a [`StepContext`], for whoever makes one: the engine, or a unit test of a step.
#[derive(Clone)]
pub struct ContextParts {
    /// The HTTP client.
    pub http: reqwest::Client,
    /// The configuration's `settings`.
    pub settings: Arc<Value>,
    /// Cancelled when the step should stop.
    pub cancellation: CancellationToken,
    /// See [`StepContext::idempotency_key`].
    pub idempotency_key: String,
    /// How many attempts of this intent failed before.
    pub failures: u32,
    /// Where queries are answered and saves go.
    pub store: Arc<dyn Store>,
    /// In whose name saves are done.
    pub saver: Saver,
    /// The namespace of the object at hand.
    pub namespace: String,
    /// Where messages go.
    pub producer: Arc<dyn Producer>,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// The Kubernetes client; none in a unit test.
    pub kube: Option<kube::Client>,
}

impl fmt::Debug for ContextParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ContextParts");
        shown.field("saver", &self.saver).field("idempotency_key", &self.idempotency_key).finish_non_exhaustive()
    }
}

/// There is no Kubernetes client.
#[derive(Debug, thiserror::Error)]
#[error("this context has no Kubernetes client: it is one of a unit test")]
pub struct NoClient;

impl Default for ContextParts {
    /// No settings; an HTTP client as [`http_client`] makes it.
    fn default() -> Self {
        Self::new(http_client().unwrap_or_default())
    }
}

impl ContextParts {
    /// No settings, and this HTTP client.
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            settings: Arc::default(),
            cancellation: CancellationToken::new(),
            idempotency_key: String::new(),
            failures: 0,
            store: Arc::new(NoStore),
            saver: Saver { step: String::new(), pass: Pass::Sync },
            namespace: String::new(),
            producer: Arc::new(NoProducer),
            events: Arc::new(NoEvents),
            kube: None,
        }
    }
}

/// An HTTP client with time-outs: 10 s to connect, 60 s for a request.
///
/// # Errors
/// When the system's certificates cannot be used.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    // reqwest takes the process's TLS provider; if there is one already, that is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(HTTP_CONNECT_TIMEOUT)
        .timeout(HTTP_TIMEOUT)
        .user_agent(concat!("xos/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Why a setting could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is not there.
    #[error(
        "setting `{key}` is missing: add it under `settings:` in the configuration, or set XOS_SETTINGS__{variable}"
    )]
    Missing {
        /// The key.
        key: String,
        /// The key in upper case.
        variable: String,
    },
    /// It has another type.
    #[error("setting `{key}` cannot be read: {source}")]
    Type {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl StepContext {
    /// A context from its parts.
    pub fn new(mut parts: ContextParts) -> Self {
        let (key, failures) = (Key::Text(std::mem::take(&mut parts.idempotency_key)), parts.failures);
        Self { parts: Arc::new(parts), key, failures, session: Arc::default() }
    }

    /// The context of an event's attempt, after so many that failed: with parts that all events of a step have in common.
    pub fn of_event(parts: &Arc<ContextParts>, event: &Arc<BusEvent>, failures: u32) -> Self {
        let key = Key::Event(Arc::clone(event), OnceLock::new());
        Self { parts: Arc::clone(parts), key, failures, session: Arc::default() }
    }

    /// The same context, in which saves are done in another name.
    #[must_use]
    pub fn in_the_name_of(&self, step: &str) -> Self {
        let mut new = self.clone();
        step.clone_into(&mut Arc::make_mut(&mut new.parts).saver.step);
        new
    }

    /// What this run of the step has read and saved.
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    pub(crate) fn bus(&self) -> &dyn Producer {
        self.parts.producer.as_ref()
    }

    pub(crate) fn saver(&self) -> &Saver {
        &self.parts.saver
    }

    /// The namespace of the object at hand: where objects are looked for and made, unless one says otherwise.
    pub fn namespace(&self) -> &str {
        &self.parts.namespace
    }

    /// An HTTP client with time-outs; connections are kept and shared by all steps.
    pub fn http(&self) -> &reqwest::Client {
        &self.parts.http
    }

    /// The Kubernetes client, with the controller's rights. For models' objects use [`models`](Self::models), which sees what was just saved.
    ///
    /// # Errors
    /// In a unit test, where there is none.
    pub fn kube(&self) -> Result<&kube::Client, NoClient> {
        self.parts.kube.as_ref().ok_or(NoClient)
    }

    pub(crate) fn events(&self) -> &dyn EventSink {
        self.parts.events.as_ref()
    }

    /// A value from `settings` in the configuration.
    ///
    /// # Errors
    /// When it is missing or of another type.
    pub fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<T, SettingsError> {
        let value = self
            .parts
            .settings
            .get(key)
            .ok_or_else(|| SettingsError::Missing { key: key.to_owned(), variable: key.to_uppercase() })?;
        T::deserialize(value).map_err(|source| SettingsError::Type { key: key.to_owned(), source })
    }

    /// Cancelled when the controller stops: a long step should end soon after. When the grace period is over it is dropped.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.parts.cancellation
    }

    /// The same text for every attempt of the same operation on the same intent of the same object (`<uid>/sync/<spec>`), so that a
    /// backend can tell a repeated request from a new one.
    pub fn idempotency_key(&self) -> &str {
        match &self.key {
            Key::Text(key) => key,
            Key::Event(event, place) => place.get_or_init(|| event.place()),
        }
    }

    /// How many attempts of this intent failed before this one.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_attempts_of_an_event_have_one_key() {
        let event = Arc::new(BusEvent { partition: 2, offset: 7, ..BusEvent::new("onu", "up") });
        let parts = Arc::default();
        let (first, second) = (StepContext::of_event(&parts, &event, 0), StepContext::of_event(&parts, &event, 1));
        assert_eq!((first.idempotency_key(), second.failures()), (second.idempotency_key(), 1));
        assert_eq!(first.idempotency_key(), event.place());
    }

    #[test]
    fn settings_say_what_is_missing() {
        let context = StepContext::new(ContextParts {
            settings: Arc::new(json!({"url": "http://x", "n": "one"})),
            ..ContextParts::default()
        });
        assert_eq!(context.setting::<String>("url").unwrap(), "http://x");
        let missing = context.setting::<String>("directory_url").unwrap_err().to_string();
        assert!(missing.contains("XOS_SETTINGS__DIRECTORY_URL"), "{missing}");
        assert!(context.setting::<u32>("n").is_err());
    }
}
