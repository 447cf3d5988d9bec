//! What a step gets beside its object.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::events::EventSink;
use crate::producer::Producer;
use crate::services::Services;
use crate::store::{Saver, Session, Store};

/// What a step gets beside its object: the other objects (see [`Models`](crate::Models)), events, an HTTP client, the Kubernetes client, the
/// service's settings, cancellation, an idempotency key.
///
/// A call runs inside a tracing span that names step and object: `tracing::info!` in a step needs no fields for that.
#[derive(Clone, Debug)]
pub struct StepContext {
    services: Arc<Services>,
    call: Call,
    session: Arc<Session>,
}

/// There is no Kubernetes client.
#[derive(Debug, thiserror::Error)]
#[error("this context has no Kubernetes client: it is one of a unit test")]
pub struct NoClient;

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
    /// Makes the context of a call.
    pub fn new(services: &Arc<Services>, call: Call) -> Self {
        Self { services: Arc::clone(services), call, session: Arc::default() }
    }

    /// Returns the same context, in which another step or policy saves.
    #[must_use]
    pub fn in_the_name_of(&self, step: &str) -> Self {
        Self { call: self.call.by(step), ..self.clone() }
    }

    /// What this run of the step has read and saved.
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.services.store.as_ref()
    }

    pub(crate) fn bus(&self) -> &dyn Producer {
        self.services.producer.as_ref()
    }

    pub(crate) fn saver(&self) -> &Saver {
        self.call.saver()
    }

    /// The namespace of the object at hand: where objects are looked for and made, unless one says otherwise.
    pub fn namespace(&self) -> &str {
        self.call.namespace()
    }

    /// An HTTP client with time-outs; connections are kept and shared by all steps.
    pub fn http(&self) -> &reqwest::Client {
        &self.services.http
    }

    /// The Kubernetes client, with the controller's rights. For models' objects use [`models`](Self::models), which sees what was just saved.
    ///
    /// # Errors
    /// In a unit test, where there is none.
    pub fn kube(&self) -> Result<&kube::Client, NoClient> {
        self.services.kube.as_ref().ok_or(NoClient)
    }

    pub(crate) fn events(&self) -> &dyn EventSink {
        self.services.events.as_ref()
    }

    /// A value from `settings` in the configuration.
    ///
    /// # Errors
    /// When it is missing or of another type.
    pub fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<T, SettingsError> {
        let value = self
            .services
            .settings
            .get(key)
            .ok_or_else(|| SettingsError::Missing { key: key.to_owned(), variable: key.to_uppercase() })?;
        T::deserialize(value).map_err(|source| SettingsError::Type { key: key.to_owned(), source })
    }

    /// Cancelled when the controller stops: a long step should end soon after. When the grace period is over it is dropped.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.services.cancellation
    }

    /// The same text for every attempt of the same operation on the same intent of the same object (`<uid>/sync/<spec>`), so that a
    /// backend can tell a repeated request from a new one.
    pub fn idempotency_key(&self) -> &str {
        self.call.idempotency_key()
    }

    /// How many attempts of this intent failed before this one.
    pub fn failures(&self) -> u32 {
        self.call.failures()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xos_model::Pass;

    use super::*;
    use crate::bus_event::BusEvent;

    #[test]
    fn all_attempts_of_an_event_have_one_key() {
        let event = Arc::new(BusEvent { partition: 2, offset: 7, ..BusEvent::new("onu", "up") });
        let services = Arc::default();
        let call = Call::new("S", Pass::Event, "default").for_event(&event);
        let first = StepContext::new(&services, call.clone());
        let second = StepContext::new(&services, call.after_failures(1));
        assert_eq!(first.idempotency_key(), event.place());
        assert_eq!(second.idempotency_key(), event.place());
        assert_eq!((first.failures(), second.failures()), (0, 1));
    }

    #[test]
    fn another_step_saves_in_its_own_name() {
        let call = Call::new("S", Pass::Policy, "here").with_idempotency_key("k".to_owned()).after_failures(3);
        let context = StepContext::new(&Arc::default(), call);
        let other = context.in_the_name_of("T");
        assert_eq!(*other.saver(), Saver { step: "T".to_owned(), pass: Pass::Policy });
        assert_eq!((other.namespace(), other.idempotency_key(), other.failures()), ("here", "k", 3));
        assert_eq!(context.saver().step, "S");
    }

    #[test]
    fn settings_say_what_is_missing() {
        let settings = Arc::new(json!({"url": "http://x", "n": "one"}));
        let services = Services { settings, ..Services::default() };
        let context = StepContext::new(&Arc::new(services), Call::new("S", Pass::Sync, "default"));
        assert_eq!(context.setting::<String>("url").unwrap(), "http://x");
        let missing = context.setting::<String>("directory_url").unwrap_err().to_string();
        assert!(missing.contains("XOS_SETTINGS__DIRECTORY_URL"), "{missing}");
        assert!(context.setting::<u32>("n").is_err());
    }
}
