//! Connects to a core.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use super::ClientError;
use crate::codec::Raw;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often what can be repeated is tried, and the first pause; it doubles.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// The size of the largest answer.
const LARGEST: usize = 256 << 20;

/// Where a core is, and who calls it.
#[derive(Clone)]
pub struct Connection {
    address: String,
    ca: Option<Vec<u8>>,
    timeout: Duration,
    metadata: MetadataMap,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// Returns one to an address: `https://xos-core:50051`, or `http://…` without TLS.
    pub fn to(address: &str) -> Self {
        let metadata = MetadataMap::new();
        Self { address: address.to_owned(), ca: None, timeout: TIMEOUT, metadata }
    }

    /// Calls as a user.
    ///
    /// # Errors
    /// When the name or the password cannot be sent.
    pub fn user(self, name: &str, password: &str) -> Result<Self, ClientError> {
        let pair = format!("{name}:{password}");
        let header = format!("Basic {}", BASE64_STANDARD.encode(pair));
        self.with("authorization", &header)
    }

    /// Calls in a session: what `utility.Login` has answered.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn session(self, id: &str) -> Result<Self, ClientError> {
        self.with("x-xossession", id)
    }

    /// Calls as a synchronizer does: what it saves is not taken for an operator's change.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn synchronizer(self) -> Result<Self, ClientError> {
        self.with("caller_kind", "synchronizer")
    }

    /// Trusts these authorities (PEM) only.
    #[must_use]
    pub fn ca(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { ca: Some(pem.into()), ..self }
    }

    /// Sets how long a call may take; 30 s by default.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn with(mut self, name: &'static str, value: &str) -> Result<Self, ClientError> {
        let mut value: AsciiMetadataValue = value.parse().map_err(|_| ClientError::Metadata { name })?;
        value.set_sensitive(name != "caller_kind");
        self.metadata.insert(name, value);
        Ok(self)
    }

    pub(super) async fn connect(self) -> Result<Caller, ClientError> {
        let refused = |source| ClientError::Connect { address: self.address.clone(), source };
        let mut endpoint = Endpoint::from_shared(self.address.clone()).map_err(refused)?.timeout(self.timeout);
        if self.address.starts_with("https:") {
            let tls = match &self.ca {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            endpoint = endpoint.tls_config(tls).map_err(refused)?;
        }
        // The core may not be there yet: it is asked when something is called.
        let channel = endpoint.connect_lazy();
        Ok(Caller { channel, metadata: self.metadata })
    }
}

/// Calls methods.
#[derive(Clone)]
pub(super) struct Caller {
    channel: Channel,
    metadata: MetadataMap,
}

/// What is sent with one call, beside who calls.
pub(super) type Extra<'a> = &'a [(&'static str, String)];

impl Caller {
    /// Calls a method. What can be repeated is tried again while the core is away.
    pub(super) async fn call(
        &self,
        method: &str,
        message: Vec<u8>,
        extra: Extra<'_>,
        can_repeat: bool,
    ) -> Result<Bytes, Status> {
        let message = Bytes::from(message);
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.call_once(method, message.clone(), extra).await {
                Err(status) if can_repeat && status.code() == Code::Unavailable => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        self.call_once(method, message, extra).await
    }

    async fn call_once(&self, method: &str, message: Bytes, extra: Extra<'_>) -> Result<Bytes, Status> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        for (name, value) in extra {
            let value = value.parse().map_err(|_| Status::invalid_argument(format!("{name} cannot be sent")))?;
            request.metadata_mut().insert(*name, value);
        }
        let path = PathAndQuery::try_from(method).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let mut grpc = tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc.unary(request, path, Raw).await?.into_inner())
    }

    /// The same for messages that are known.
    pub(super) async fn call_known<A: prost::Message + Default>(
        &self,
        method: &str,
        message: &impl prost::Message,
        can_repeat: bool,
    ) -> Result<A, Status> {
        let answer = self.call(method, message.encode_to_vec(), &[], can_repeat).await?;
        A::decode(answer).map_err(|error| Status::internal(error.to_string()))
    }
}
