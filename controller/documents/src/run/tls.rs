//! HTTP clients that trust other authorities, or say who asks with a certificate.

use std::collections::HashMap;
use std::fs;
use std::sync::{Mutex, PoisonError};

use reqwest::{Certificate, Client, Identity};
use xos_steps::{StepContext, StepError, http_client_builder};

use super::hidden::Hidden;
use crate::compile::{Authority, CompiledTls};

/// How many clients are kept: certificates change, and old ones are of no use.
const MOST: usize = 64;

/// What a client is made of: authorities, and a certificate with its key.
type Made = (Vec<u8>, Vec<u8>);

/// The clients, by what they were made of.
#[derive(Default)]
pub(crate) struct Clients(Mutex<HashMap<Made, Client>>);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    /// A file cannot be read.
    #[error("`tls.ca`: cannot read {path}: {source}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// The certificates are none.
    #[error("`tls`: {what} cannot be used: {source}")]
    Certificate {
        what: &'static str,
        #[source]
        source: reqwest::Error,
    },
}

impl CompiledTls {
    /// Returns the client. Files and Secrets are read each time, and a client is made anew when they have changed.
    pub(crate) async fn client(&self, ctx: &StepContext, hidden: &mut Hidden) -> Result<Client, StepError> {
        let authorities = match &self.ca {
            Some(Authority::Key(key)) => key.text(ctx, hidden).await?.into_bytes(),
            Some(Authority::File(path)) => {
                fs::read(path).map_err(|source| TlsError::File { path: path.clone(), source })?
            }
            None => vec![],
        };
        let identity = match &self.client {
            Some(secret) => {
                let key = secret.text(ctx, "tls.key", hidden).await?;
                let certificate = secret.text(ctx, "tls.crt", hidden).await?;
                format!("{certificate}\n{key}").into_bytes()
            }
            None => vec![],
        };
        let shared = ctx.shared::<Clients>();
        let mut clients = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (authorities, identity);
        if let Some(client) = clients.get(&of) {
            return Ok(client.clone());
        }
        if clients.len() >= MOST {
            clients.clear();
        }
        let client = made(&of.0, &of.1)?;
        clients.insert(of, client.clone());
        Ok(client)
    }
}

fn made(authorities: &[u8], identity: &[u8]) -> Result<Client, TlsError> {
    let wrong = |what| move |source| TlsError::Certificate { what, source };
    let mut builder = http_client_builder();
    if !authorities.is_empty() {
        let all = Certificate::from_pem_bundle(authorities).map_err(wrong("`ca`"))?;
        builder = builder.tls_certs_merge(all);
    }
    if !identity.is_empty() {
        builder = builder.identity(Identity::from_pem(identity).map_err(wrong("`clientCertificate`"))?);
    }
    builder.build().map_err(wrong("what it names"))
}
