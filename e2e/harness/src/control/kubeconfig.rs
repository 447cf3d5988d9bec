//! kubeconfig files of users with a certificate.

use std::{fs, io, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::keys::Identity;

/// A kubeconfig of one cluster and one user.
#[derive(Debug)]
pub(super) struct Kubeconfig<'a> {
    /// The API server.
    pub(super) server: &'a str,
    /// Whom it is certified by, as PEM.
    pub(super) authority: &'a str,
    /// Who calls.
    pub(super) user: &'a Identity,
}

impl Kubeconfig<'_> {
    /// Writes it to `path`. It is JSON, which is YAML too.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
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

/// Writes a file for this user's eyes only.
pub(crate) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// The base64 of the `…-data` keys.
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
