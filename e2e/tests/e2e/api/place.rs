//! Where the API is served.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xos_grpc::{Client, Connection};
use xos_harness::control::free_ports;
use xos_harness::eventually;
use xos_harness::namespace::TestNamespace;
use xos_harness::original::SelfSigned;

use super::PATIENCE;

/// Where the API is served with TLS, and the files of its configuration.
pub(super) struct Place {
    pub(super) port: u16,
    tls: SelfSigned,
    users: PathBuf,
}

impl Place {
    pub(super) fn new(namespace: &TestNamespace) -> Self {
        let [port] = free_ports().unwrap();
        let users = namespace.folder().join("users");
        let hash = xos_api::hash("", "letmein").unwrap();
        fs::write(&users, format!("admin:{hash}\nbob:{hash}:limited\n")).unwrap();
        Self { port, tls: SelfSigned::make(namespace.folder()).unwrap(), users }
    }

    pub(super) fn certificate(&self) -> &Path {
        &self.tls.certificate
    }

    pub(super) fn config(&self) -> Value {
        json!({"api": {
            "address": format!("127.0.0.1:{}", self.port), "users_file": self.users,
            "tls": {"certificate": self.tls.certificate, "key": self.tls.key},
        }})
    }

    /// Returns the client of the administrator.
    pub(super) async fn client(&self) -> Client {
        self.client_of("admin").await
    }

    /// Returns the client of `admin`, or of `bob`, who is none.
    pub(super) async fn client_of(&self, user: &str) -> Client {
        let address = format!("https://localhost:{}", self.port);
        eventually(PATIENCE, "the API to answer", async || {
            let connection = Connection::to(&address).ca(self.tls.authority.as_bytes()).user(user, "letmein");
            Client::connect(connection.map_err(|error| error.to_string())?).await.map_err(|error| error.to_string())
        })
        .await
        .unwrap()
    }
}
