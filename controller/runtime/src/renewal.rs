//! Files that are read again when they change: passwords, certificates, keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretSlice};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at. They are few and small.
const LOOK: Duration = Duration::from_secs(5);

/// What was in the files.
pub(crate) struct Contents(BTreeMap<PathBuf, SecretSlice<u8>>);

impl Contents {
    /// Reads the files. One that cannot be read, or is empty, as one that is just being written, is left out.
    pub(crate) fn read(paths: &[PathBuf]) -> Self {
        let read = |path: &PathBuf| Some((path.clone(), SecretSlice::from(fs::read(path).ok()?)));
        let all = paths.iter().filter_map(read);
        Self(all.filter(|(_, content)| !content.expose_secret().is_empty()).collect())
    }

    /// Returns what is in a file.
    pub(crate) fn of(&self, path: &Path) -> Option<&[u8]> {
        self.0.get(path).map(ExposeSecret::expose_secret)
    }

    /// Returns what is in all of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(ExposeSecret::expose_secret)
    }

    /// Takes in what is in the files now. Returns those that have changed; what was in one that is missing now is kept.
    fn take_in(&mut self, now: Self) -> Vec<PathBuf> {
        let changed = now.0.iter().filter(|(path, new)| self.of(path) != Some(new.expose_secret()));
        let changed: Vec<_> = changed.map(|(path, _)| path.clone()).collect();
        self.0.extend(now.0);
        changed
    }
}

/// Looks at files until `shutdown`, and tells each time that some have changed since `known`.
pub(crate) async fn watch(
    mut known: Contents,
    paths: Vec<PathBuf>,
    shutdown: CancellationToken,
    tell: impl Fn(&Contents),
) {
    while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let of = paths.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || Contents::read(&of)).await else { continue };
        let changed = known.take_in(now);
        if !changed.is_empty() {
            tracing::info!(files = ?changed, "files have changed, and are read again");
            tell(&known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(all: &[(&str, &str)]) -> Contents {
        Contents(all.iter().map(|(path, text)| (path.into(), text.as_bytes().to_vec().into())).collect())
    }

    #[test]
    fn what_has_changed_is_told_once_and_what_is_missing_stays() {
        let mut known = contents(&[("ca", "1"), ("password", "old")]);
        assert!(known.take_in(contents(&[("ca", "1"), ("password", "old")])).is_empty());
        assert!(known.take_in(contents(&[("ca", "1")])).is_empty(), "it is being written");
        assert_eq!(known.of(Path::new("password")), Some(&b"old"[..]));
        assert_eq!(known.take_in(contents(&[("ca", "1"), ("password", "new")])), [PathBuf::from("password")]);
        assert!(known.take_in(contents(&[("password", "new")])).is_empty(), "once");
    }

    #[test]
    fn an_empty_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["empty", "full", "none"].map(|name| folder.path().join(name));
        fs::write(&paths[0], "").unwrap();
        fs::write(&paths[1], "text").unwrap();
        let read = Contents::read(&paths);
        assert_eq!(paths.each_ref().map(|path| read.of(path)), [None, Some(&b"text"[..]), None]);
    }
}
