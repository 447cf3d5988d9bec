//! What all steps of a program share.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::again::Again;
use crate::arrivals::Arrivals;
use crate::events::{EventSink, NoEvents};
use crate::holds::Holds;
use crate::outside::Outside;
use crate::producer::{NoProducer, Producer};
use crate::shared::Shared;
use crate::store::{NoStore, Store};

const HTTP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const HTTP_TIMEOUT: Duration = Duration::from_secs(60);

/// What all steps of a program share: clients, settings, the objects. Made once; what differs from call to call is a
/// [`Call`](crate::Call).
#[derive(Clone)]
pub struct Services {
    /// The synchronizer's name.
    pub synchronizer: Arc<str>,
    /// The HTTP client.
    pub http: HttpClient,
    /// The configuration's `settings`.
    pub settings: Arc<Value>,
    /// Cancelled when steps should stop.
    pub cancellation: CancellationToken,
    /// Answers queries and saves objects.
    pub store: Arc<dyn Store>,
    /// Sends messages to the event bus.
    pub producer: Arc<dyn Producer>,
    /// The brakes, and what they hold of the listings of pull steps.
    pub holds: Holds,
    /// Who waits for an object to come or to change.
    pub arrivals: Arrivals,
    /// Lets objects be synchronized again.
    pub again: Again,
    /// What calls share.
    pub shared: Shared,
    /// Takes Kubernetes events.
    pub events: Arc<dyn EventSink>,
    /// Returns the value of the header `traceparent` for requests that are made now.
    pub traceparent: Option<fn() -> Option<String>>,
    /// The Kubernetes client; none in a unit test.
    pub kube: Option<kube::Client>,
    /// Answers in place of the world outside, in test cases.
    pub outside: Option<Arc<dyn Outside>>,
}

/// The HTTP client of all calls; each call has the one that there is when it begins.
#[derive(Clone, Debug)]
pub struct HttpClient(Arc<RwLock<reqwest::Client>>);

impl HttpClient {
    fn of(client: reqwest::Client) -> Self {
        Self(Arc::new(RwLock::new(client)))
    }

    /// Returns the client.
    pub fn get(&self) -> reqwest::Client {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces it for the calls that begin from now on, as one that trusts other authorities.
    pub fn replace(&self, client: reqwest::Client) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

impl Default for Services {
    /// No settings; an HTTP client as [`http_client`] makes it.
    fn default() -> Self {
        Self::new(http_client().unwrap_or_default())
    }
}

impl Services {
    /// Makes them of this HTTP client, and nothing else: no settings, no store, no event bus.
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            synchronizer: "".into(),
            http: HttpClient::of(http),
            settings: Arc::default(),
            cancellation: CancellationToken::new(),
            store: Arc::new(NoStore),
            producer: Arc::new(NoProducer),
            holds: Holds::default(),
            arrivals: Arrivals::default(),
            again: Again::default(),
            shared: Shared::default(),
            events: Arc::new(NoEvents),
            traceparent: None,
            kube: None,
            outside: None,
        }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings may hold passwords.
        f.debug_struct("Services").field("cancellation", &self.cancellation).finish_non_exhaustive()
    }
}

/// Makes an HTTP client with time-outs: 10 s to connect, 60 s for a request.
///
/// # Errors
/// When the system's certificates cannot be used.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    http_client_builder().build()
}

/// Returns one that trusts these authorities, too: a text of PEM certificates.
///
/// # Errors
/// When the certificates cannot be used.
pub fn http_client_that_trusts(authorities: &[u8]) -> Result<reqwest::Client, reqwest::Error> {
    http_client_builder().tls_certs_merge(reqwest::Certificate::from_pem_bundle(authorities)?).build()
}

/// Returns what [`http_client`] makes its client of, to change more of it.
pub fn http_client_builder() -> reqwest::ClientBuilder {
    // reqwest takes the process's TLS provider; if there is one already, that is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(HTTP_CONNECT_TIMEOUT)
        .timeout(HTTP_TIMEOUT)
        .user_agent(concat!("xos/", env!("CARGO_PKG_VERSION")))
}
