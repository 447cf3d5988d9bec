//! A control plane in the background, for a person: `xos-cluster up` and `down`.
//!
//! Its server holds a lock for as long as it lives, so a crashed one is told from a running one without looking at
//! process ids.

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
    tools::{self, Tools},
    wait::{Timeout, eventually},
};

/// Until a server that was started by somebody else is ready.
const STARTED: Duration = Duration::from_secs(150);
/// Until a server that was told to stop is gone.
const STOPPED: Duration = Duration::from_secs(60);

/// The background cluster could not be handled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its folder.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its programs.
    #[error(transparent)]
    Tools(#[from] tools::Error),
    /// Its server.
    #[error(transparent)]
    Served(#[from] served::Error),
    /// Its server cannot go on alone.
    #[error(transparent)]
    Serving(#[from] serving::Error),
    /// It takes too long.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// A second server was asked for.
    #[error("a cluster runs in the background already: `xos-cluster down` stops it")]
    Running,
    /// Its files.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Makes sure that one runs. The flag tells whether it was started now.
///
/// # Errors
/// When it does not start.
pub async fn up(audit: bool) -> Result<(Ready, bool), Error> {
    let folder = folder()?;
    if try_lock(&folder)?.is_none() {
        return Ok((described(&folder).await?, false));
    }
    // Here, so that a person sees how the build goes; the server's output is a file.
    Tools::ready()?;
    let served = served::start(&ServeOptions { audit, state: Some(folder) })?;
    let ready = served.ready().clone();
    served.detach()?;
    Ok((ready, true))
}

/// Stops it and waits until everything is gone. The answer tells whether one was running.
///
/// # Errors
/// When it does not go.
pub async fn down() -> Result<bool, Error> {
    let folder = folder()?;
    if let Some(_lock) = try_lock(&folder)? {
        clean(&folder)?;
        return Ok(false);
    }
    let ready = described(&folder).await?;
    // It may end by itself just now.
    let _asked = process::signal(ready.pid, Signal::TERM);
    let gone = eventually(STOPPED, "the cluster to stop", async || match try_lock(&folder) {
        Ok(Some(_lock)) => Ok(()),
        Ok(None) => Err("it still runs".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    gone.await?;
    Ok(true)
}

/// The server's mark that it is there; given up when its process ends.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    _lock: File,
}

impl Claim {
    /// For the server that describes itself in `folder`; removes what a crashed one has left.
    ///
    /// # Errors
    /// When another one has it.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let lock = try_lock(folder)?.ok_or(Error::Running)?;
        clean(folder)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    /// Tells everybody where everything is.
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
        // The lock tells the truth; a description that stays is cleaned by the next one.
        let _cleaned = fs::remove_file(description(&self.folder));
    }
}

fn folder() -> Result<PathBuf, Error> {
    let folder = paths::cache()?.join("cluster");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}

fn description(folder: &Path) -> PathBuf {
    folder.join("cluster.json")
}

fn read(folder: &Path) -> Option<Ready> {
    serde_json::from_str(&fs::read_to_string(description(folder)).ok()?).ok()
}

/// The lock, or nothing when a server holds it.
fn try_lock(folder: &Path) -> Result<Option<File>, Error> {
    let file = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(at(folder)(source).into()),
    }
}

/// The description of a server that holds the lock; it may still be starting.
async fn described(folder: &Path) -> Result<Ready, Error> {
    let look = async || read(folder).ok_or("no description yet");
    Ok(eventually(STARTED, "the cluster to be ready", look).await?)
}

/// Removes what a server that was killed has left; its processes died with it.
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
        let ready = Ready { kubeconfig: data.join("k"), data_dir: data.clone(), bin_dir: data.clone(), pid: 1 };
        fs::write(description(folder.path()), serde_json::to_string(&ready).unwrap()).unwrap();
        Claim::take(folder.path()).unwrap();
        assert!(!data.exists() && read(folder.path()).is_none());
    }
}
