//! The example's backend, a directory of people, for tests and the demo.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use crate::{
    paths,
    process::{self, Child},
};

/// How long the directory may take until it listens.
const STARTED: Duration = Duration::from_secs(20);
/// How long an answer may take.
const ANSWERED: Duration = Duration::from_secs(10);
/// How long it may take to end.
const STOPPED: Duration = Duration::from_secs(5);

/// The directory failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its process failed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// It does not say where it listens.
    #[error("example-directory did not print its URL; the end of its log:\n{0}")]
    Silent(String),
    /// It does not answer.
    #[error("no answer from the directory")]
    Http(#[from] reqwest::Error),
}

/// A person in the directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The full name, made by the synchronizer.
    pub full_name: String,
}

/// How often each entry was written, by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Stats {
    /// Entries made or changed.
    pub puts: BTreeMap<String, u64>,
    /// Entries deleted, or found to be deleted already.
    pub deletes: BTreeMap<String, u64>,
    /// Writes that were refused because they were to fail.
    pub refused: BTreeMap<String, u64>,
}

/// A running `example-directory`.
#[derive(Debug)]
pub struct Directory {
    child: Child,
    // Kept open while it runs: if it were closed, the next output would end the process.
    _output: Lines<BufReader<tokio::process::ChildStdout>>,
    url: String,
    http: reqwest::Client,
}

impl Directory {
    /// Starts a directory that keeps its entries in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(folder: &Path, log: &Path) -> Result<Self, Error> {
        Self::start_at("127.0.0.1:0", folder, log).await
    }

    /// Starts a directory at an address, such as that of one that was stopped, with the entries that are in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_at(address: &str, folder: &Path, log: &Path) -> Result<Self, Error> {
        Self::start_with(address, Some(folder.join("people.json")), log).await
    }

    /// Starts a directory that keeps its entries in memory only: its writes cost nothing.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_in_memory(log: &Path) -> Result<Self, Error> {
        Self::start_with("127.0.0.1:0", None, log).await
    }

    async fn start_with(address: &str, file: Option<PathBuf>, log: &Path) -> Result<Self, Error> {
        let program = paths::program("example-directory")?;
        let mut child = Child::start("example-directory", log, &program, |command| {
            command.args(["--listen", address]).stdout(Stdio::piped());
            if let Some(file) = file {
                command.arg("--file").arg(file);
            }
        })?;
        let silent = || Error::Silent(process::tail(log, 10));
        let mut output = BufReader::new(child.take_stdout().ok_or_else(silent)?).lines();
        let line = tokio::time::timeout(STARTED, output.next_line()).await;
        let line = line.ok().and_then(Result::ok).flatten().ok_or_else(silent)?;
        let url = line.strip_prefix("listening on ").ok_or_else(silent)?.to_owned();
        crate::choose_cryptography();
        let http = reqwest::Client::builder().timeout(ANSWERED).no_proxy().build()?;
        Ok(Self { child, _output: output, url, http })
    }

    /// The URL of the directory.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns all entries by their ids.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn people(&self) -> Result<BTreeMap<String, Person>, Error> {
        self.get("/people").await
    }

    /// Returns all entries as JSON.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn people_json(&self) -> Result<Value, Error> {
        self.get("/people").await
    }

    /// Returns how often each entry was written.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.get("/stats").await
    }

    /// Makes the directory refuse writes.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn fail(&self, status: u16, message: &str) -> Result<(), Error> {
        let request = self.http.post(self.at("/fail")).json(&json!({"status": status, "message": message}));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Adds an entry, as somebody at the directory's own desk does.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn sign_in(&self, id: &str, person: &Value) -> Result<(), Error> {
        self.http.put(self.at(&format!("/people/{id}"))).json(person).send().await?.error_for_status()?;
        Ok(())
    }

    /// Removes an entry, as somebody at the directory's own desk does.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn sign_out(&self, id: &str) -> Result<(), Error> {
        self.http.delete(self.at(&format!("/people/{id}"))).send().await?.error_for_status()?;
        Ok(())
    }

    /// Makes the directory accept writes again.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn recover(&self) -> Result<(), Error> {
        self.http.delete(self.at("/fail")).send().await?.error_for_status()?;
        Ok(())
    }

    /// Stops the directory.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(STOPPED).await?;
        Ok(())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        Ok(self.http.get(self.at(path)).send().await?.error_for_status()?.json().await?)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}
