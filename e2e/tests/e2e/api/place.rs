//! Where the API is served.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use xos_grpc::{Client, Connection};
use xos_harness::control::free_ports;
use xos_harness::eventually;
use xos_harness::namespace::TestNamespace;

use super::PATIENCE;

/// Where the API is served with TLS, and the files of its configuration.
pub(super) struct Place {
    pub(super) port: u16,
    authority: Vec<u8>,
    users: PathBuf,
    pub(super) certificate: PathBuf,
    key: PathBuf,
}

impl Place {
    pub(super) fn new(namespace: &TestNamespace) -> Self {
        let [port] = free_ports().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let write = |name: &str, text: String| {
            let path = namespace.folder().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let certificate = write("tls.crt", made.cert.pem());
        let key = write("tls.key", made.signing_key.serialize_pem());
        let users = write("users", format!("admin:{}\n", xos_api::hash("admin", "letmein").unwrap()));
        Self { port, authority: made.cert.pem().into(), users, certificate, key }
    }

    pub(super) fn config(&self) -> Value {
        json!({"api": {
            "address": format!("127.0.0.1:{}", self.port), "users_file": self.users,
            "tls": {"certificate": self.certificate, "key": self.key},
        }})
    }

    pub(super) async fn client(&self) -> Client {
        let address = format!("https://localhost:{}", self.port);
        eventually(PATIENCE, "the API to answer", async || {
            let connection = Connection::to(&address).ca(self.authority.clone()).user("admin", "letmein");
            Client::connect(connection.map_err(|error| error.to_string())?).await.map_err(|error| error.to_string())
        })
        .await
        .unwrap()
    }
}
