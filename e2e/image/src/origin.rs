//! Of which state of the repository an image is made.

use std::{env, path::Path, process::Command};

use crate::command::{self, Error};

/// The version, the commit, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The version of the workspace, which is the images' tag.
    pub version: String,
    /// The commit; with `-changed` where files differ from it.
    pub revision: String,
    /// The commit's time, or `SOURCE_DATE_EPOCH`, in seconds since 1970.
    pub changed: u64,
}

impl Origin {
    /// Asks git about the work tree `repository`.
    ///
    /// # Errors
    /// When git is missing, or this is no work tree of it.
    pub fn of(repository: &Path) -> Result<Self, Error> {
        let git = |arguments: &[&str]| {
            let printed = command::printed(Command::new("git").arg("-C").arg(repository).args(arguments))?;
            Ok::<_, Error>(printed.trim().to_owned())
        };
        let commit = git(&["rev-parse", "HEAD"])?;
        let is_changed = !git(&["status", "--porcelain"])?.is_empty();
        let told = env::var("SOURCE_DATE_EPOCH").ok();
        let changed = match told.and_then(|text| text.parse().ok()) {
            Some(seconds) => seconds,
            None => git(&["log", "-1", "--format=%ct"])?.parse().unwrap_or_default(),
        };
        let revision = if is_changed { format!("{commit}-changed") } else { commit };
        Ok(Self { version: env!("CARGO_PKG_VERSION").to_owned(), revision, changed })
    }

    /// The time as text (RFC 3339).
    #[must_use]
    pub fn time(&self) -> String {
        let seconds = i64::try_from(self.changed).unwrap_or_default();
        jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_that_of_the_commit() {
        let origin = Origin { version: "1".into(), revision: "a".into(), changed: 1_700_000_000 };
        assert_eq!(origin.time(), "2023-11-14T22:13:20Z");
    }
}
