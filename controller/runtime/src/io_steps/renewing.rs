//! Passwords and certificates of the event bus that are renewed while it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::Renewals;

use crate::config::{EventBus, without_line_end};
use crate::renewal::{self, Contents};

/// Watches the files of an event bus for its clients.
pub struct Renewing {
    files: Vec<PathBuf>,
    /// The settings of librdkafka that are in files.
    passwords: BTreeMap<PathBuf, &'static str>,
    known: Contents,
    newest: watch::Sender<BTreeMap<String, String>>,
}

impl Renewing {
    /// Reads the files of an event bus; `None` if it has none.
    #[must_use]
    pub fn of(bus: &EventBus) -> Option<Self> {
        let files = bus.files();
        if files.is_empty() {
            return None;
        }
        let known = Contents::read(&files);
        let newest = watch::Sender::new(settings(&bus.passwords, &known));
        Some(Self { known, passwords: bus.passwords.clone(), files, newest })
    }

    /// Returns what the clients are to go by.
    #[must_use]
    pub fn renewals(&self) -> Renewals {
        Renewals::of(self.newest.subscribe())
    }

    /// Tells the clients when a file changes, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { files, passwords, known, newest } = self;
        let tell = |contents: &Contents| drop(newest.send_replace(settings(&passwords, contents)));
        renewal::watch(known, files, shutdown, tell).await;
    }
}

/// Returns the settings that are in files.
fn settings(passwords: &BTreeMap<PathBuf, &'static str>, contents: &Contents) -> BTreeMap<String, String> {
    let text = |path| Some(without_line_end(std::str::from_utf8(contents.of(path)?).ok()?).to_owned());
    passwords.iter().filter_map(|(path, setting)| Some(((*setting).to_owned(), text(path)?))).collect()
}
