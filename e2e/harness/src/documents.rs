//! The service `config/people`, which is not compiled: the stock program runs it.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::{
    Cluster, Directory,
    control::ClientError,
    files::{FileError, at},
    paths,
    synchronizer::{self, Access, AccessError, Launch},
};

/// The program that runs any service.
const PROGRAM: &str = "xos";

/// The service could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its files.
    #[error(transparent)]
    File(#[from] FileError),
    /// It does not say which rights it needs.
    #[error("`xos rbac` failed:\n{0}")]
    Rights(String),
    /// Its rights could not be granted.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Its process.
    #[error(transparent)]
    Synchronizer(#[from] synchronizer::Error),
}

/// Grants the service `config/people` the rights that it asks for, and returns how it is started in a namespace.
///
/// # Errors
/// When its rights are refused, or the program is not built.
pub async fn people(
    cluster: &Cluster,
    namespace: &str,
    directory: &Directory,
    folder: &Path,
    log: &Path,
) -> Result<Launch, Error> {
    let config = paths::repository().join("config/people/config.yaml");
    let overlay = json!({"settings": {"directory_url": directory.url()}});
    service(cluster, namespace, &config, overlay, (folder, log)).await
}

/// Does the same for a service of documents with this configuration, and an overlay.
///
/// # Errors
/// As for [`people`].
pub async fn service(
    cluster: &Cluster,
    namespace: &str,
    config: &Path,
    overlay: Value,
    files: (&Path, &Path),
) -> Result<Launch, Error> {
    with_groups(cluster, namespace, config, overlay, &[], files).await
}

/// Does the same for a service whose models may be objects in the cluster, of these groups.
///
/// # Errors
/// As for [`people`].
pub async fn with_groups(
    cluster: &Cluster,
    namespace: &str,
    config: &Path,
    mut overlay: Value,
    groups: &[&str],
    (folder, log): (&Path, &Path),
) -> Result<Launch, Error> {
    overlay["namespaces"] = json!([namespace]);
    let (manifest, overlaid) = (folder.join("rights.yaml"), folder.join("rights-overlay.yaml"));
    // JSON is YAML.
    fs::write(&overlaid, overlay.to_string()).map_err(at(&overlaid))?;
    let mut rbac = tokio::process::Command::new(paths::program(PROGRAM)?);
    rbac.arg("rbac").arg("--config").arg(config).arg("--config").arg(&overlaid);
    rbac.args(["--namespace", namespace]).stdin(Stdio::null());
    rbac.args(groups.iter().flat_map(|group| ["--group", group]));
    let run = rbac.output().await.map_err(at(config))?;
    if !run.status.success() {
        return Err(Error::Rights(String::from_utf8_lossy(&run.stderr).into_owned()));
    }
    fs::write(&manifest, run.stdout).map_err(at(&manifest))?;
    let access = Access::grant(cluster.kubectl(), &cluster.admin().await?, &manifest, namespace, folder).await?;
    Ok(Launch::new(PROGRAM, config, &overlay, folder, log, &access)?)
}
