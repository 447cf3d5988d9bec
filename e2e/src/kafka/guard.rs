//! What the two sides of a guarded listener know: certificates, keys and a password, made at run time and never kept.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use rand::distr::{Alphanumeric, SampleString as _};

use super::Error;
use crate::control::{
    keys::{self, Identity},
    write_secret,
};

/// Who the clients are.
const USERNAME: &str = "xos";
const PASSWORD_LENGTH: usize = 32;
/// The mechanism whose password stands in the broker's own configuration.
pub(super) const PLAIN: &str = "PLAIN";
/// The one whose password is in its data from the beginning.
pub(super) const SCRAM: &str = "SCRAM-SHA-512";

/// The secrets of a listener `SASL_SSL`: TLS with certificates of both sides, and a password.
#[derive(Clone, Debug)]
pub struct Guard {
    authority: String,
    server: Identity,
    client: Identity,
    password: String,
}

impl Guard {
    /// New ones.
    ///
    /// # Errors
    /// When the cryptography refuses.
    pub fn make() -> Result<Self, Error> {
        let (authority, issuer) = keys::authority()?;
        let server = keys::server(&issuer, IpAddr::from(Ipv4Addr::LOCALHOST))?;
        let client = keys::client(&issuer, "xos-e2e", None)?;
        Ok(Self { authority, server, client, password: password() })
    }

    /// The same with another password.
    #[must_use]
    pub fn with_other_password(&self) -> Self {
        Self { password: password(), ..self.clone() }
    }

    /// Puts what a client needs into `folder`; `event_bus`'s sections `tls` and `sasl` that name it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn client(&self, folder: &Path, mechanism: &str) -> Result<String, Error> {
        fs::create_dir_all(folder)?;
        write_secret(&folder.join("ca.pem"), &self.authority)?;
        write_secret(&folder.join("client.pem"), &self.client.certificate)?;
        write_secret(&folder.join("client.key"), &self.client.key)?;
        write_secret(&folder.join("kafka-password"), &format!("{}\n", self.password))?;
        Ok(format!(
            "  tls: {{ca: ca.pem, certificate: client.pem, key: client.key}}\n  \
             sasl: {{mechanism: {mechanism}, username: {USERNAME}, password: \"@kafka-password\"}}\n"
        ))
    }

    /// What the storage is told when it is formatted.
    pub(super) fn scram(&self) -> String {
        format!("{SCRAM}=[name={USERNAME},password={}]", self.password)
    }

    /// Puts what the broker needs into `folder`; the lines of its configuration that name it.
    pub(super) fn broker(&self, folder: &Path) -> io::Result<String> {
        let write = |name: &str, text: &str| -> io::Result<PathBuf> {
            let path = folder.join(name);
            write_secret(&path, text).map(|()| path)
        };
        let keystore = write("server.pem", &format!("{}{}", self.server.key, self.server.certificate))?;
        let truststore = write("clients.pem", &self.authority)?;
        let (listener, modules) = ("listener.name.sasl_ssl", "org.apache.kafka.common.security");
        Ok(format!(
            "{listener}.sasl.enabled.mechanisms={PLAIN},{SCRAM}\n\
             {listener}.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{USERNAME}=\"{}\";\n\
             {listener}.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n\
             {listener}.ssl.keystore.type=PEM\n{listener}.ssl.keystore.location={}\n\
             {listener}.ssl.truststore.type=PEM\n{listener}.ssl.truststore.location={}\n\
             {listener}.ssl.client.auth=required\n",
            self.password,
            keystore.display(),
            truststore.display()
        ))
    }
}

fn password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}
