//! The secrets of listeners with TLS and passwords: certificates, keys and a password. They are made at run time and
//! never kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rand::distr::{Alphanumeric, SampleString as _};

use super::{Error, libraries::run};
use crate::{
    control::keys::{self, Identity},
    files::{FileError, at, write_secret},
};

/// The user name of clients.
pub const USERNAME: &str = "xos";
const PASSWORD_LENGTH: usize = 32;
/// The mechanism whose password is in the broker's configuration.
pub(super) const PLAIN: &str = "PLAIN";
/// The mechanism whose password is in the broker's data.
pub(super) const SCRAM: &str = "SCRAM-SHA-512";

/// A listener, by what its clients need.
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

    /// Returns the name of the listener's protocol in Kafka.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SaslSsl => "SASL_SSL",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }
}

/// Certificates for both sides, and a password.
#[derive(Clone, Debug)]
pub struct Guard {
    authority: String,
    server: Identity,
    client: Identity,
    password: String,
}

impl Guard {
    /// Makes new secrets.
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn make() -> Result<Self, Error> {
        let (authority, issuer) = keys::authority()?;
        let server = keys::server(&issuer, &[])?;
        let client = keys::client(&issuer, "xos-e2e", None)?;
        Ok(Self { authority, server, client, password: new_password() })
    }

    /// Returns the password of [`USERNAME`].
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Returns the same secrets with another password.
    #[must_use]
    pub fn with_other_password(&self) -> Self {
        Self { password: new_password(), ..self.clone() }
    }

    /// Writes the files that a client needs to `folder`: `ca.pem`, `client.pem`, the key in plain (`client.key`) and
    /// encrypted (`encrypted.key`, `key-password`), and the password of [`USERNAME`] (`kafka-password`).
    ///
    /// # Errors
    /// When the file system or OpenSSL refuses.
    pub fn client(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        write_secret(&folder.join("ca.pem"), &self.authority)?;
        write_secret(&folder.join("client.pem"), &self.client.certificate)?;
        write_secret(&folder.join("client.key"), &self.client.key)?;
        write_secret(&folder.join("kafka-password"), &format!("{}\n", self.password))?;
        write_secret(&folder.join("key-password"), &new_password())?;
        let mut openssl = Command::new("openssl");
        openssl.current_dir(folder).args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", "client.key"]);
        openssl.args(["-passout", "file:key-password", "-out", "encrypted.key"]);
        run("encrypting the client's key", &mut openssl, "openssl", "openssl").map(drop)
    }

    /// Returns the argument for formatting the broker's storage.
    pub(super) fn scram(&self) -> String {
        format!("{SCRAM}=[name={USERNAME},password={}]", self.password)
    }

    /// Writes the files that the broker needs to `folder`, and returns the lines of its configuration that name them.
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

fn new_password() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_LENGTH)
}
