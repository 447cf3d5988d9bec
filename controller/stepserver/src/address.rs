//! Where a server is.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// After this time without traffic the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// The prefix of the path of a socket.
const UNIX: &str = "unix:";

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host and a port, `people:50051`.
    Tcp(String),
    /// The path of a socket of this machine, as of a container in the same pod: `unix:/run/people.sock`.
    Unix(PathBuf),
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of a step server: write `host:port`, or `unix:/path`")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix(UNIX) {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(wrong()) };
        }
        let authority: http::uri::Authority = text.parse().map_err(|_| wrong())?;
        let is_whole = !authority.host().is_empty() && authority.port_u16().is_some() && !text.contains('@');
        if is_whole { Ok(Self::Tcp(text.to_owned())) } else { Err(wrong()) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(authority) => f.write_str(authority),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// How a connection is protected. The files are read for each new connection, so they may be renewed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The file with the authorities that are trusted, as PEM; by default the system's.
    pub ca: Option<PathBuf>,
    /// The files with the certificate and the key by which the server knows the controller, as PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the server's certificate; by default the host of the address.
    pub server_name: Option<String>,
}

/// A server to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// How the connection is protected, if it is.
    pub tls: Option<Tls>,
}

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The address or the certificates are wrong.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
}

impl Target {
    /// Returns how to connect to it.
    pub(crate) async fn endpoint(&self) -> Result<Endpoint, TargetError> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let uri = match &self.address {
            Address::Tcp(authority) => format!("{scheme}://{authority}"),
            Address::Unix(path) => format!("unix://{}", path.display()),
        };
        let agent = concat!("xos/", env!("CARGO_PKG_VERSION"));
        let endpoint = Endpoint::from_shared(uri)?.user_agent(agent)?;
        let endpoint = endpoint.connect_timeout(CONNECT).tcp_keepalive(Some(KEEPALIVE));
        match &self.tls {
            Some(tls) => Ok(endpoint.tls_config(tls.config().await?)?),
            None => Ok(endpoint),
        }
    }
}

impl Tls {
    async fn config(&self) -> Result<ClientTlsConfig, TargetError> {
        let mut config = ClientTlsConfig::new();
        config = match &self.ca {
            Some(ca) => config.ca_certificate(Certificate::from_pem(read(ca).await?)),
            None => config.with_native_roots(),
        };
        if let Some((certificate, key)) = &self.identity {
            config = config.identity(Identity::from_pem(read(certificate).await?, read(key).await?));
        }
        if let Some(name) = &self.server_name {
            config = config.domain_name(name);
        }
        Ok(config)
    }
}

async fn read(path: &PathBuf) -> Result<Vec<u8>, TargetError> {
    tokio::fs::read(path).await.map_err(|source| TargetError::File { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_or_a_path() {
        for text in ["localhost:50051", "10.0.0.1:1", "[::1]:50051", "people.default.svc:80", "unix:/run/x.sock"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "localhost", "http://localhost:1", ":50051", "a b:1", "unix:x", "me@host:1", "host:99999"] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no address of a step server")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_certificate_that_cannot_be_read_is_named() {
        let tls = Tls { ca: Some("/no/such/ca.crt".into()), ..Tls::default() };
        let target = Target { address: Address::Tcp("localhost:1".to_owned()), tls: Some(tls) };
        let error = target.endpoint().await.unwrap_err().to_string();
        assert!(error.starts_with("cannot read /no/such/ca.crt: No such file"), "{error}");
    }
}
