//! Listens for calls.

mod connections;
mod models;
mod others;
mod reflection;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic_health::ServingStatus;
use xos_grpc::messages::schema::schema_service_server::SchemaServiceServer;
use xos_grpc::messages::xos::dynamicload_server::DynamicloadServer;
use xos_grpc::messages::xos::utility_server::UtilityServer;

use crate::core::Core;
use crate::gate::Gate;
use crate::loading::{Loading, ModelSets};
use connections::Connections;
use models::Models;
use others::Others;
use reflection::Reflection;

/// The size of the largest message.
const LARGEST: usize = 64 << 20;

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate or its key is none, or listening ended.
    #[error("XOS's API cannot be served: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificate, with those between it and the authority.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Server {
    /// Listens at an address. Calls wait until the server [runs](Self::run).
    ///
    /// # Errors
    /// When the address is in use, or none of this machine.
    pub async fn listen(address: SocketAddr, tls: Option<Tls>) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, tls })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; calls that run may end. Models are loaded into the sets, if there are any.
    ///
    /// # Errors
    /// When the certificate cannot be used, or listening ends.
    pub async fn run(
        self,
        (core, gate, sets): (Core, Gate, Option<ModelSets>),
        shutdown: CancellationToken,
    ) -> Result<(), ServerError> {
        let loading = Loading { core: core.clone(), sets };
        let others = Others { core: core.clone(), gate: gate.clone(), loading, connections: Connections::default() };
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_service_status("", ServingStatus::Serving).await;
        let (reflection, reflection_alpha) = (Reflection::<false>(core.clone()), Reflection::<true>(core.clone()));
        let routes = Routes::new(Models { core, gate })
            .add_service(reflection)
            .add_service(reflection_alpha)
            .add_service(health_service)
            .add_service(SchemaServiceServer::new(others.clone()).max_encoding_message_size(LARGEST))
            .add_service(UtilityServer::new(others.clone()))
            .add_service(DynamicloadServer::new(others).max_decoding_message_size(LARGEST));
        let mut server = tonic::transport::Server::builder();
        if let Some(tls) = self.tls {
            let identity = Identity::from_pem(tls.certificate, tls.key);
            server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
        }
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let running = server.add_routes(routes).serve_with_incoming_shutdown(incoming, shutdown.cancelled());
        Ok(running.await?)
    }
}
