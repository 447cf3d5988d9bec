//! Whom the HTTP client of steps trusts: the system's authorities, and those in the file `http.ca`.

use std::path::Path;

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use xos_steps::{HttpClient, http_client_that_trusts};

use crate::config::Config;
use crate::renewal::{self, Contents};

/// How a certificate begins.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Why the authorities in `http.ca` cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// There is no such file, or nothing in it.
    #[error("`http.ca` names {0}, which cannot be read or is empty: name a file of PEM certificates")]
    NoFile(String),
    /// There is none in it.
    #[error("`http.ca` names {0}, which has no certificate: name a file of PEM certificates")]
    NoCertificates(String),
    /// They cannot be read.
    #[error("`http.ca` names {path}, whose certificates cannot be used: {source}")]
    Unusable {
        /// The file.
        path: String,
        /// What is wrong with them.
        source: reqwest::Error,
    },
}

/// Has the client trust the authorities of the configuration, and those that the file has later, as long as what is
/// returned is kept.
pub(super) fn start(
    client: HttpClient,
    config: &Config,
    shutdown: &CancellationToken,
) -> Result<Option<AbortOnDropHandle<()>>, TrustError> {
    let Some(path) = config.http_ca.clone() else { return Ok(None) };
    let files = vec![path.clone()];
    let known = Contents::read(&files);
    trust(&client, &path, &known)?;
    let tell = move |contents: &Contents| {
        if let Err(error) = trust(&client, &path, contents) {
            tracing::warn!(%error, "the HTTP client of steps goes on with the authorities that it trusts");
        }
    };
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(renewal::watch(known, files, shutdown.clone(), tell)))))
}

fn trust(client: &HttpClient, path: &Path, contents: &Contents) -> Result<(), TrustError> {
    let shown = || path.display().to_string();
    let pem = contents.of(path).ok_or_else(|| TrustError::NoFile(shown()))?;
    if !pem.windows(BEGIN.len()).any(|part| part == BEGIN) {
        return Err(TrustError::NoCertificates(shown()));
    }
    let trusting = http_client_that_trusts(pem);
    client.replace(trusting.map_err(|source| TrustError::Unusable { path: shown(), source })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trusted_is_said_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let client = xos_steps::Services::default().http;
        let said = || {
            let read = Contents::read(std::slice::from_ref(&path));
            trust(&client, &path, &read).unwrap_err().to_string()
        };
        assert!(said().contains("cannot be read or is empty"), "{}", said());
        std::fs::write(&path, "no certificate").unwrap();
        assert!(said().contains("has no certificate"), "{}", said());
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(said().contains("cannot be used"), "{}", said());
    }
}
