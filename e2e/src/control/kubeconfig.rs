//! kubeconfig files.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde_json::{Value, json};

use super::keys::Identity;

/// How a user shows who it is.
#[derive(Debug)]
pub enum User<'a> {
    /// By a client certificate.
    Certificate(&'a Identity),
    /// By a token.
    Token(&'a str),
}

/// A kubeconfig of one cluster, one user and one namespace.
#[derive(Debug)]
pub struct Kubeconfig<'a> {
    /// The API server.
    pub server: &'a str,
    /// Whom it is certified by, as PEM; nobody: whom the system trusts.
    pub authority: Option<&'a str>,
    /// Who calls.
    pub user: User<'a>,
    /// Where, when nothing else is said.
    pub namespace: &'a str,
}

impl Kubeconfig<'_> {
    /// Writes it to `path`, for this user's eyes only. It is JSON, which is YAML too.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(self.document().to_string().as_bytes())
    }

    fn document(&self) -> Value {
        let mut cluster = json!({"server": self.server});
        if let Some(authority) = self.authority {
            cluster["certificate-authority-data"] = base64(authority.as_bytes()).into();
        }
        let user = match self.user {
            User::Certificate(identity) => json!({
                "client-certificate-data": base64(identity.certificate.as_bytes()),
                "client-key-data": base64(identity.key.as_bytes()),
            }),
            User::Token(token) => json!({"token": token}),
        };
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "xos", "cluster": cluster}],
            "users": [{"name": "xos", "user": user}],
            "contexts": [{"name": "xos", "context": {"cluster": "xos", "user": "xos", "namespace": self.namespace}}],
            "current-context": "xos",
        })
    }
}

/// What kubeconfig's `…-data` keys hold; k8s-openapi's bytes are written so.
fn base64(bytes: &[u8]) -> Value {
    serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_reads_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let config = Kubeconfig {
            server: "https://127.0.0.1:1",
            authority: Some("PEM"),
            user: User::Token("secret"),
            namespace: "here",
        };
        config.write(file.path()).unwrap();
        let read = kube::config::Kubeconfig::read_from(file.path()).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("xos"));
        assert_eq!(read.clusters[0].cluster.as_ref().unwrap().certificate_authority_data.as_deref(), Some("UEVN"));
    }
}
