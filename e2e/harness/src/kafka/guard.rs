//! What the two sides of a guarded listener know: certificates, keys and a password, made at run time and never kept.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::Command,
};

use rand::distr::{Alphanumeric, SampleString as _};

use super::{Error, libraries::run};
use crate::{
    control::keys::{self, Identity},
    files::{FileError, at, write_secret},
};

/// Who the clients are.
pub const USERNAME: &str = "xos";
const PASSWORD_LENGTH: usize = 32;
/// The mechanism whose password stands in the broker's own configuration.
pub(super) const PLAIN: &str = "PLAIN";
/// The one whose password is in its data from the beginning.
pub(super) const SCRAM: &str = "SCRAM-SHA-512";

/// What clients have to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// A certificate and a password.
    SaslSsl,
    /// A certificate.
    Ssl,
    /// A password.
    SaslPlaintext,
}

impl Listener {
    pub(super) const ALL: [Self; 3] = [Self::SaslSsl, Self::Ssl, Self::SaslPlaintext];

    /// As Kafka calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SaslSsl => "SASL_SSL",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }
}

/// The secrets of guarded listeners: certificates of both sides, and a password.
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

    /// Puts what a client needs into `folder`: `ca.pem`, `client.pem`, its key as it is (`client.key`) and under a password (`encrypted.key`,
    /// `key-password`), and the password of [`USERNAME`] (`kafka-password`).
    ///
    /// # Errors
    /// When the file system or OpenSSL refuses.
    pub fn client(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        write_secret(&folder.join("ca.pem"), &self.authority)?;
        write_secret(&folder.join("client.pem"), &self.client.certificate)?;
        write_secret(&folder.join("client.key"), &self.client.key)?;
        write_secret(&folder.join("kafka-password"), &format!("{}\n", self.password))?;
        write_secret(&folder.join("key-password"), &password())?;
        let mut openssl = Command::new("openssl");
        openssl.current_dir(folder).args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", "client.key"]);
        openssl.args(["-passout", "file:key-password", "-out", "encrypted.key"]);
        run("encrypting the client's key", &mut openssl, "openssl", "openssl").map(drop)
    }

    /// What the storage is told when it is formatted.
    pub(super) fn scram(&self) -> String {
        format!("{SCRAM}=[name={USERNAME},password={}]", self.password)
    }

    /// Puts what the broker needs into `folder`; the lines of its configuration that name it.
    pub(super) fn broker(&self, folder: &Path) -> Result<String, FileError> {
        let write = |name: &str, text: &str| -> Result<PathBuf, FileError> {
            let path = folder.join(name);
            write_secret(&path, text).map(|()| path)
        };
        let keystore = write("server.pem", &format!("{}{}", self.server.key, self.server.certificate))?;
        let truststore = write("clients.pem", &self.authority)?;
        let tls = format!(
            "ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
             ssl.client.auth=required\n",
            keystore.display(),
            truststore.display()
        );
        let modules = "org.apache.kafka.common.security";
        let passwords = format!(
            "sasl.enabled.mechanisms={PLAIN},{SCRAM}\n\
             plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{USERNAME}=\"{}\";\n\
             scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n",
            self.password,
        );
        let of = |listener: Listener, lines: &str| -> String {
            lines.lines().map(|line| format!("listener.name.{}.{line}\n", listener.name().to_lowercase())).collect()
        };
        Ok([
            of(Listener::SaslSsl, &tls),
            of(Listener::SaslSsl, &passwords),
            of(Listener::Ssl, &tls),
            of(Listener::SaslPlaintext, &passwords),
        ]
        .concat())
    }
}

fn password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}
