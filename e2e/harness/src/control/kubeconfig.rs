//! kubeconfig files of users with a certificate.

use std::path::Path;

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::keys::Identity;
use crate::files::{FileError, write_secret};

/// A kubeconfig of one cluster and one user.
#[derive(Debug)]
pub(super) struct Kubeconfig<'a> {
    /// The API server.
    pub(super) server: &'a str,
    /// The certificate authority of the API server, as PEM.
    pub(super) authority: &'a str,
    /// The user.
    pub(super) user: &'a Identity,
}

impl Kubeconfig<'_> {
    /// Writes the kubeconfig to `path`. It is JSON, which is also YAML.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        write_secret(path, &self.document().to_string())
    }

    fn document(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "xos", "cluster": {
                "server": self.server,
                "certificate-authority-data": data(self.authority),
            }}],
            "users": [{"name": "xos", "user": {
                "client-certificate-data": data(&self.user.certificate),
                "client-key-data": data(&self.user.key),
            }}],
            "contexts": [{"name": "xos", "context": {"cluster": "xos", "user": "xos", "namespace": "default"}}],
            "current-context": "xos",
        })
    }
}

/// Returns the value of a `…-data` key, which is base64.
fn data(pem: &str) -> ByteString {
    ByteString(pem.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_reads_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let user = Identity { certificate: "PEM".into(), key: "KEY".into() };
        let config = Kubeconfig { server: "https://127.0.0.1:1", authority: "PEM", user: &user };
        config.write(file.path()).unwrap();
        let read = kube::config::Kubeconfig::read_from(file.path()).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("xos"));
        assert_eq!(read.clusters[0].cluster.as_ref().unwrap().certificate_authority_data.as_deref(), Some("UEVN"));
    }
}
