//! A process of an event step that notes each event which it handles: what the process and its test share.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The step's name. Its group is `<synchronizer>.Ledger`.
pub const STEP: &str = "Ledger";

/// How the process is set up; it is the only argument, as a file of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    /// The broker.
    pub endpoint: String,
    /// The synchronizer's name.
    pub synchronizer: String,
    /// The topics.
    pub topics: Vec<String>,
    /// The folder of the ledger, and of what the test tells the processes.
    pub folder: PathBuf,
}

impl Setup {
    /// The file of the ledger, a line for each entry.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// While this file is there, the target of the step is away.
    #[must_use]
    pub fn away(&self) -> PathBuf {
        self.folder.join("away")
    }

    /// The file with the number of the round: up to this one, poison is none any more.
    #[must_use]
    pub fn round(&self) -> PathBuf {
        self.folder.join("round")
    }
}

/// The value of a message. The key is the message's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered {
    /// The number among the messages of its key, from 0 on.
    pub number: usize,
    /// The round from which on the message can be handled.
    pub poison: Option<u32>,
}

/// A handled event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its number.
    pub number: usize,
    /// The process that has handled it.
    pub process: u32,
    /// When, in milliseconds.
    pub at: u128,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.key, self.number, self.process, self.at)
    }
}

/// A line that is no entry.
#[derive(Debug, thiserror::Error)]
#[error("this is no entry of a ledger: {0:?}")]
pub struct NoEntry(String);

impl FromStr for Entry {
    type Err = NoEntry;

    fn from_str(line: &str) -> Result<Self, NoEntry> {
        let no_entry = || NoEntry(line.to_owned());
        let [key, number, process, at] =
            line.split(' ').collect::<Vec<_>>().try_into().map_err(|_: Vec<&str>| no_entry())?;
        Ok(Self {
            key: key.to_owned(),
            number: number.parse().map_err(|_| no_entry())?,
            process: process.parse().map_err(|_| no_entry())?,
            at: at.parse().map_err(|_| no_entry())?,
        })
    }
}

/// The ledger of a process. All processes append to one file.
#[derive(Debug)]
pub struct Ledger(File);

impl Ledger {
    /// Opens the ledger.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(Self)
    }

    /// Notes an event as handled: one write, so that lines of several processes do not mix.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn note(&self, key: &str, number: usize) -> io::Result<()> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let entry = Entry { key: key.to_owned(), number, process: std::process::id(), at };
        (&self.0).write_all(format!("{entry}\n").as_bytes())
    }
}
