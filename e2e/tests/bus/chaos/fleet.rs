//! The processes of the campaign, and its broker.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use xos_e2e::ledger::{Entry, Setup};
use xos_harness::process::{self, Child};
use xos_harness::{eventually, paths};

/// How long a process may take to end when it is asked to.
const STOPPED: Duration = Duration::from_secs(20);
/// How many lines of a log a failure shows.
const SHOWN: usize = 15;

/// The processes: a place for each, which may be free.
pub(super) struct Fleet {
    setup: Setup,
    places: Vec<Option<Child>>,
}

impl Fleet {
    pub(super) fn new(setup: Setup, places: usize) -> Self {
        std::fs::write(setup.folder.join("setup.json"), serde_json::to_string(&setup).unwrap()).unwrap();
        // JSON is YAML.
        let config = json!({"name": setup.synchronizer, "event_bus": {"kind": "kafka", "endpoint": setup.endpoint}});
        std::fs::write(setup.folder.join("config.yaml"), config.to_string()).unwrap();
        Self { setup, places: (0..places).map(|_| None).collect() }
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    fn log(&self, place: usize) -> PathBuf {
        self.setup.folder.join(format!("process-{place}.log"))
    }

    /// Starts a process where none is.
    pub(super) fn start(&mut self, place: usize) {
        if self.places[place].is_none() {
            let program = paths::program("xos-e2e-ledger").unwrap();
            let setup = self.setup.folder.join("setup.json");
            let child = Child::start("xos-e2e-ledger", &self.log(place), &program, |command| {
                command.arg(setup);
            });
            self.places[place] = Some(child.unwrap());
        }
    }

    pub(super) fn start_all(&mut self) {
        (0..self.len()).for_each(|place| self.start(place));
    }

    pub(super) async fn kill(&mut self, place: usize) {
        if let Some(mut child) = self.places[place].take() {
            child.kill().await.unwrap();
        }
    }

    /// Asks a process to end. It must do so in time and in good order.
    pub(super) async fn stop(&mut self, place: usize) {
        if let Some(mut child) = self.places[place].take() {
            let status = child.stop(STOPPED).await.unwrap();
            let is_good = status.is_some_and(|status| status.success());
            assert!(is_good, "process {place} ended with {status:?}:\n{}", process::tail(&self.log(place), SHOWN));
        }
    }

    pub(super) async fn stop_all(&mut self) {
        for place in 0..self.len() {
            self.stop(place).await;
        }
    }

    /// Has a process stand still, or go on.
    pub(super) fn freeze(&self, place: usize, is_frozen: bool) {
        if let Some(id) = self.places[place].as_ref().and_then(Child::id) {
            process::signal(id, if is_frozen { Signal::STOP } else { Signal::CONT }).unwrap();
        }
    }

    /// Returns all entries of the ledger. The last line may be half written.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let text = std::fs::read_to_string(self.setup.ledger()).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Waits until so many more events are handled: the processes go on.
    pub(super) async fn goes_on(&self, more: usize, after: &str) {
        let before = self.entries().len();
        let look = async || match self.entries().len().saturating_sub(before) {
            handled if handled >= more => Ok(()),
            handled => Err(format!("{handled} more")),
        };
        let going = eventually(Duration::from_secs(120), format!("{more} more events after {after}"), look).await;
        if let Err(error) = going {
            let logs = (0..self.len()).map(|place| process::tail(&self.log(place), SHOWN)).collect::<Vec<_>>();
            panic!("{error}\n{}", logs.join("\n--- another process\n"));
        }
    }

    /// Runs `xos events …`. Returns its output; a failure is one of the test.
    pub(super) async fn events(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = tokio::process::Command::new(paths::program("xos").unwrap());
        command.arg("events").args(arguments).arg("--config").arg(self.setup.folder.join("config.yaml"));
        let output = command.kill_on_drop(true).output().await.map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// Writes the number of the round.
pub(super) fn write_round(path: &Path, round: u32) {
    let new = path.with_extension("new");
    std::fs::write(&new, round.to_string()).unwrap();
    std::fs::rename(new, path).unwrap();
}
