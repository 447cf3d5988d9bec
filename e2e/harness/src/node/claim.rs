//! Which of this machine's nodes this is, and what a killed one has left.
//!
//! The process that owns a node holds a lock while it runs. So what nobody owns is recognized without process ids.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    addresses::{Addresses, NODES},
    cgroups,
};
use crate::{
    files::{FileError, at, lock_file},
    wait::{Timeout, eventually},
};

/// Where the locks are: a node's addresses, interface and cgroup are the whole machine's affair.
const LOCKS: &str = "/run/xos-node";
/// Names the folder of the node's files.
const FOLDER: &str = "folder";
/// How long the kernel may take to end the processes of a node whose first process has ended.
const ENDED: Duration = Duration::from_secs(30);

/// There is no place for a node.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This user may not make namespaces and mounts.
    #[error(
        "a node needs root, for its namespaces, mounts and cgroups: run this as root, or use `make cluster`, which has \
         no node"
    )]
    NotRoot,
    /// All places are taken.
    #[error("this machine has {NODES} nodes already: stop some of them")]
    Full,
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Processes of a node have not ended.
    #[error(transparent)]
    Timeout(#[from] Timeout),
}

/// The place of one node. What the node leaves in the machine goes with [`Claim::release`], or when the next node takes
/// the place.
#[derive(Debug)]
pub(crate) struct Claim {
    index: u8,
    folder: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes a free place, and removes what a node has left there that was killed.
    pub(crate) async fn take() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        let claim = first_free(Path::new(LOCKS))?;
        claim.clean().await?;
        Ok(claim)
    }

    pub(crate) const fn addresses(&self) -> Addresses {
        Addresses::of(self.index)
    }

    /// The cgroup of the node's pods, below the root of each hierarchy.
    pub(super) fn cgroup(&self) -> String {
        format!("xos-node-{}", self.index)
    }

    /// Makes the cgroup, and notes which folder the node's files will be in.
    pub(super) fn begin(&self, data: &Path) -> Result<(), FileError> {
        let note = self.folder.join(FOLDER);
        fs::write(&note, data.as_os_str().as_encoded_bytes()).map_err(at(&note))?;
        cgroups::make(&self.cgroup())
    }

    /// Removes the cgroups of a node whose processes have ended. Its files are its owner's affair.
    pub(super) async fn release(&self) -> Result<(), Error> {
        let name = self.cgroup();
        eventually(ENDED, "the node's processes to end", async || cgroups::remove(&name)).await?;
        self.forget()
    }

    /// Removes all that is left of a node that was killed.
    async fn clean(&self) -> Result<(), Error> {
        let left = fs::read_to_string(self.folder.join(FOLDER)).ok();
        // When the cgroups are gone no process uses the files any more.
        self.release().await?;
        Ok(left.map_or(Ok(()), |left| remove_folder(Path::new(&left)))?)
    }

    fn forget(&self) -> Result<(), Error> {
        let note = self.folder.join(FOLDER);
        match fs::remove_file(&note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&note)(error).into()),
            _ => Ok(()),
        }
    }
}

/// Removes the folder of a cluster that was killed. One that was not is removed by its owner before.
fn remove_folder(path: &Path) -> Result<(), FileError> {
    let is_ours = path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with(crate::control::FOLDER_PREFIX)
    });
    if is_ours && path.is_dir() { fs::remove_dir_all(path).map_err(at(path)) } else { Ok(()) }
}

fn first_free(locks: &Path) -> Result<Claim, Error> {
    for index in 0..NODES {
        let folder = locks.join(index.to_string());
        let lock = lock_file(&folder)?;
        match lock.try_lock() {
            Ok(()) => return Ok(Claim { index, folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(at(&folder)(source).into()),
        }
    }
    Err(Error::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nodes_have_two_places_and_a_free_one_is_taken_again() {
        let locks = tempfile::tempdir().unwrap();
        let first = first_free(locks.path()).unwrap();
        let second = first_free(locks.path()).unwrap();
        assert_eq!((first.index, second.index), (0, 1));
        assert_ne!(first.cgroup(), second.cgroup());
        drop(first);
        assert_eq!(first_free(locks.path()).unwrap().index, 0);
    }

    #[test]
    fn only_folders_of_clusters_are_removed() {
        let other = tempfile::tempdir().unwrap();
        remove_folder(other.path()).unwrap();
        assert!(other.path().exists());
        let ours = tempfile::Builder::new().prefix(crate::control::FOLDER_PREFIX).tempdir().unwrap().keep();
        remove_folder(&ours).unwrap();
        assert!(!ours.exists());
        remove_folder(&ours).unwrap();
    }
}
