//! A control plane in the background, for manual use: `xos-cluster up` and `down`. There may be one without a node and one
//! with a node at the same time.
//!
//! The process that serves it holds a lock while it runs. So a crashed server is recognized without process ids.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;

use super::served::{self, Ready, ServeOptions};
use crate::{
    files::{FileError, at, lock_file},
    paths, process, serving,
    tools::{self, Tools, node::NodeTools},
    wait::{Timeout, eventually},
};

/// How long a server that another process has started may take until it is ready.
const STARTED: Duration = Duration::from_secs(150);
/// How long a server that was asked to stop may take.
const STOPPED: Duration = Duration::from_secs(60);

/// The background cluster cannot be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no folder for it.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its programs cannot be built.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// Its server did not start.
    #[error(transparent)]
    Served(#[from] served::Error),
    /// Its server cannot go on alone.
    #[error(transparent)]
    Serving(#[from] serving::Error),
    /// It takes too long.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// A cluster is running already.
    #[error("a cluster runs in the background already: `xos-cluster down` stops it")]
    Running,
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Which of the two background clusters is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A control plane only.
    ControlPlane,
    /// One with a node.
    WithNode,
}

/// Starts the background cluster if it does not run. Returns whether it was started now.
///
/// # Errors
/// When it does not start.
pub async fn up(kind: Kind, audit: bool) -> Result<(Ready, bool), Error> {
    let folder = folder(kind)?;
    if try_lock(&folder)?.is_none() {
        return Ok((described(&folder).await?, false));
    }
    // Here, so that the user sees the progress of the build: the server's output goes to a file.
    Tools::ready()?;
    let node = kind == Kind::WithNode;
    if node {
        NodeTools::ready()?;
    }
    let served = served::start(&ServeOptions { audit, node, state: Some(folder), ..ServeOptions::default() })?;
    let ready = served.ready().clone();
    served.detach()?;
    Ok((ready, true))
}

/// Stops the background cluster, and waits until it has ended. Returns whether one was running.
///
/// # Errors
/// When it does not end.
pub async fn down(kind: Kind) -> Result<bool, Error> {
    let folder = folder(kind)?;
    if let Some(_lock) = try_lock(&folder)? {
        clean(&folder)?;
        return Ok(false);
    }
    let ready = described(&folder).await?;
    // It may be ending by itself.
    let _asked = process::signal(ready.pid, Signal::TERM);
    let gone = eventually(STOPPED, "the cluster to stop", async || match try_lock(&folder) {
        // The lock is free a moment before the process has ended.
        Ok(Some(_lock)) if process::is_alive(ready.pid) => Err("it is ending".to_owned()),
        Ok(Some(_lock)) => Ok(()),
        Ok(None) => Err("it still runs".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    gone.await?;
    Ok(true)
}

/// Returns the background cluster, if it runs.
///
/// # Errors
/// When its description cannot be read.
pub async fn running(kind: Kind) -> Result<Option<Ready>, Error> {
    let folder = folder(kind)?;
    if try_lock(&folder)?.is_some() {
        return Ok(None);
    }
    described(&folder).await.map(Some)
}

/// The lock and the description of a running server. The lock is released when the process ends.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the lock of `folder`, and removes what a crashed server has left.
    ///
    /// # Errors
    /// When another server has the lock.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let lock = try_lock(folder)?.ok_or(Error::Running)?;
        clean(folder)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Writes the description of the cluster.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn describe(&self, ready: &Ready) -> Result<(), Error> {
        let making = self.folder.join("making.json");
        let text = serde_json::to_string(ready).map_err(io::Error::from);
        text.and_then(|text| fs::write(&making, text)).map_err(at(&making))?;
        Ok(fs::rename(&making, description(&self.folder)).map_err(at(&self.folder))?)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // If that fails, the next server removes the file: the lock decides whether a server is running.
        let _cleaned = fs::remove_file(description(&self.folder));
    }
}

fn folder(kind: Kind) -> Result<PathBuf, Error> {
    let folder = paths::cache()?.join(match kind {
        Kind::ControlPlane => "cluster",
        Kind::WithNode => "node",
    });
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}

fn description(folder: &Path) -> PathBuf {
    folder.join("cluster.json")
}

fn read(folder: &Path) -> Option<Ready> {
    serde_json::from_str(&fs::read_to_string(description(folder)).ok()?).ok()
}

/// Returns the lock, or nothing if a server holds it.
fn try_lock(folder: &Path) -> Result<Option<File>, Error> {
    let file = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(at(folder)(source).into()),
    }
}

/// Waits for the description of the server that holds the lock; it may still be starting.
async fn described(folder: &Path) -> Result<Ready, Error> {
    let look = async || read(folder).ok_or("no description yet");
    Ok(eventually(STARTED, "the cluster to be ready", look).await?)
}

/// Removes the files of a server that was killed. Its processes have ended with it.
fn clean(folder: &Path) -> Result<(), Error> {
    let Some(left) = read(folder) else {
        return Ok(());
    };
    let ours = left.data_dir.file_name().is_some_and(|name| name.to_string_lossy().starts_with(super::FOLDER_PREFIX));
    if ours && left.data_dir.is_dir() {
        fs::remove_dir_all(&left.data_dir).map_err(at(&left.data_dir))?;
    }
    let path = description(folder);
    Ok(fs::remove_file(&path).map_err(at(&path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_claim_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let claim = Claim::take(folder.path()).unwrap();
        assert!(matches!(Claim::take(folder.path()), Err(Error::Running)));
        drop(claim);
        Claim::take(folder.path()).unwrap();
    }

    #[test]
    fn what_a_crashed_server_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let data = tempfile::Builder::new().prefix(super::super::FOLDER_PREFIX).tempdir().unwrap().keep();
        let ready =
            Ready { kubeconfig: data.join("k"), data_dir: data.clone(), bin_dir: data.clone(), pid: 1, node: None };
        fs::write(description(folder.path()), serde_json::to_string(&ready).unwrap()).unwrap();
        Claim::take(folder.path()).unwrap();
        assert!(!data.exists() && read(folder.path()).is_none());
    }
}
