//! The context of a call.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::again::Again;
use crate::call::Call;
use crate::events::EventSink;
use crate::holds::Holds;
use crate::http::Http;
use crate::outside::Outside;
use crate::producer::Producer;
use crate::services::Services;
use crate::session::Session;
use crate::store::{Saver, Store};

/// What a step gets besides its object: other objects (see [`Models`](crate::Models)), Kubernetes Events, an HTTP
/// client, the Kubernetes client, the service's settings, cancellation, an idempotency key.
///
/// A step runs inside a tracing span with the step's and the object's name, so its log lines contain both.
#[derive(Clone, Debug)]
pub struct StepContext {
    services: Arc<Services>,
    http: reqwest::Client,
    call: Call,
    session: Arc<Session>,
}

/// The context has no Kubernetes client.
#[derive(Debug, thiserror::Error)]
#[error("this context has no Kubernetes client: it is one of a unit test")]
pub struct NoClient;

/// A setting that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The setting is missing.
    #[error(
        "setting `{key}` is missing: add it under `settings:` in the configuration, or set XOS_SETTINGS__{variable}"
    )]
    Missing {
        /// The key.
        key: String,
        /// The end of the environment variable: the key in upper case.
        variable: String,
    },
    /// The setting has another type.
    #[error("setting `{key}` cannot be read: {source}")]
    Type {
        /// The key.
        key: String,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
}

impl StepContext {
    /// Makes the context of a call.
    pub fn new(services: &Arc<Services>, call: Call) -> Self {
        Self { services: Arc::clone(services), http: services.http.get(), call, session: Arc::default() }
    }

    /// Returns the same context, in which another step or policy saves.
    #[must_use]
    pub fn in_the_name_of(&self, step: &str) -> Self {
        Self { call: self.call.by(step), ..self.clone() }
    }

    /// Returns what this call has read and saved.
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.services.store.as_ref()
    }

    /// Returns the store of objects, for what outlives the call.
    pub fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.services.store)
    }

    /// Returns all of `settings` in the configuration.
    pub fn settings(&self) -> &serde_json::Value {
        &self.services.settings
    }

    pub(crate) fn holds(&self) -> &Holds {
        &self.services.holds
    }

    pub(crate) fn bus(&self) -> &dyn Producer {
        self.services.producer.as_ref()
    }

    pub(crate) fn saver(&self) -> &Saver {
        self.call.saver()
    }

    /// Returns the synchronizer's name.
    pub fn synchronizer(&self) -> &str {
        &self.services.synchronizer
    }

    /// Returns the name of the step that is called.
    pub fn step(&self) -> &str {
        &self.call.saver().step
    }

    /// Returns what lets an object be synchronized again, for a watch of something that it needs.
    pub fn again(&self) -> &Again {
        &self.services.again
    }

    /// Returns what all calls of this program share of a type: a cache, a watch. It is made when it is first asked for,
    /// and is dropped when the controller ends.
    pub fn shared<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.services.shared.get()
    }

    /// Returns the namespace of the handled object. Queries search it, and new objects are created in it, unless
    /// another one is given.
    pub fn namespace(&self) -> &str {
        self.call.namespace()
    }

    /// Returns an HTTP client with time-outs. Its connections are kept open and shared by all steps. While traces are
    /// exported its requests carry the trace.
    pub fn http(&self) -> Http<'_> {
        Http::new(&self.http, self.services.traceparent)
    }

    /// Returns the value of the header `traceparent` for a request that is made now by another client than
    /// [`http`](Self::http); none while no traces are exported.
    pub fn traceparent(&self) -> Option<String> {
        self.services.traceparent.and_then(|traceparent| traceparent())
    }

    /// Returns the same with another client, as one that trusts other authorities.
    pub fn http_by<'a>(&self, client: &'a reqwest::Client) -> Http<'a> {
        Http::new(client, self.services.traceparent)
    }

    /// Returns the Kubernetes client, with the controller's rights. For objects of models use [`models`](Self::models):
    /// it sees at once what was saved.
    ///
    /// # Errors
    /// In a unit test, which has no client.
    pub fn kube(&self) -> Result<&kube::Client, NoClient> {
        self.services.kube.as_ref().ok_or(NoClient)
    }

    /// Returns what answers in place of the world outside; none where that is asked itself.
    pub fn outside(&self) -> Option<&dyn Outside> {
        self.services.outside.as_deref()
    }

    /// Waits for this time. In a test case it passes at once.
    pub async fn sleep(&self, time: Duration) {
        match self.outside() {
            Some(outside) => outside.pass(time),
            None => tokio::time::sleep(time).await,
        }
    }

    pub(crate) fn events(&self) -> &dyn EventSink {
        self.services.events.as_ref()
    }

    /// Returns a value of `settings` in the configuration.
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

    /// Returns a token that is cancelled when the controller stops. A long step should then end soon; it is dropped
    /// after the grace period.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.services.cancellation
    }

    /// Returns a text that is the same for every attempt of the same operation on the same intent of the same object
    /// (`<uid>/sync/<spec>`). With it a backend can recognise a repeated request.
    pub fn idempotency_key(&self) -> &str {
        self.call.idempotency_key()
    }

    /// Returns how many attempts of this intent failed before this one.
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
