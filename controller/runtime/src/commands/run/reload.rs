//! Folders of models and documents: they are looked at while the synchronizer runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::controller::{ControllerError, Service, TakeUp};
use crate::synchronizer::Synchronizer;

/// How often the folders are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// After how long what could not be taken up is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// What is in the folders of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, Vec<u8>>);

impl Seen {
    /// Looks at the folders.
    pub(super) fn now(config: &Config) -> Self {
        let mut seen = Self::default();
        let documents = config.documents.iter().map(|folder| &folder.path);
        for folder in config.models_dir.iter().chain(documents) {
            seen.add(folder);
        }
        seen
    }

    /// Adds the files of a folder. What cannot be read is being written, or told when it is used.
    fn add(&mut self, folder: &Path) {
        for path in xos_documents::files_below(folder).unwrap_or_default() {
            if let Ok(text) = fs::read(&path) {
                self.0.insert(path, text);
            }
        }
    }
}

/// Takes up what is in the folders whenever it has changed, for ever. What is wrong with it is told, and what was taken
/// up before goes on. What does not work now, as the API server is away or stored objects would break, is tried again.
pub(super) async fn take_up_changes(synchronizer: &Synchronizer, config: &Config, seen: &mut Seen, take_up: &TakeUp) {
    let mut waiting: Option<Waiting> = None;
    loop {
        let service = tokio::select! {
            read = changed(synchronizer, config, seen) => match read {
                Ok(service) => service,
                Err(error) => {
                    tracing::error!(
                        %error,
                        "models or documents have changed, and cannot be used: those that were read before stay in use"
                    );
                    waiting = None;
                    continue;
                }
            },
            Some(service) = again(waiting.as_ref()) => service,
        };
        match take_up.take_up(service.clone()).await {
            Ok(()) => {
                tracing::info!("models and documents are taken up as they are now");
                waiting = None;
            }
            Err(error) => {
                let error = error.to_string();
                if waiting.as_ref().is_none_or(|waiting| waiting.error != error) {
                    tracing::error!(error, "the changed models or documents do not work: those before go on");
                }
                waiting = Some(Waiting { service, error });
            }
        }
    }
}

/// What could not be taken up.
struct Waiting {
    service: Service,
    error: String,
}

/// Returns what could not be taken up, after a while; never if there is nothing.
async fn again(waiting: Option<&Waiting>) -> Option<Service> {
    match waiting {
        Some(waiting) => {
            tokio::time::sleep(TRY_AGAIN).await;
            Some(waiting.service.clone())
        }
        None => std::future::pending().await,
    }
}

/// Waits until what is in the folders is another than `seen`, and returns it.
async fn changed(synchronizer: &Synchronizer, config: &Config, seen: &mut Seen) -> Result<Service, ControllerError> {
    let mut before = seen.clone();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = tokio::task::block_in_place(|| Seen::now(config));
        // Several files may be written one after the other.
        let is_settled = now == before;
        before = now;
        if is_settled && before != *seen {
            seen.clone_from(&before);
            return tokio::task::block_in_place(|| Service::read(synchronizer, config));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_a_file_is_seen() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("below");
        fs::create_dir(&folder).unwrap();
        let look = || {
            let mut seen = Seen::default();
            seen.add(root.path());
            seen
        };
        let empty = look();
        fs::write(folder.join("a.yaml"), "1").unwrap();
        let one = look();
        fs::write(folder.join("a.yaml"), "2").unwrap();
        let other = look();
        fs::write(root.path().join(".hidden"), "x").unwrap();
        assert!(empty != one && one != other && other == look());
        fs::remove_file(folder.join("a.yaml")).unwrap();
        assert_eq!(look(), empty);
    }
}
