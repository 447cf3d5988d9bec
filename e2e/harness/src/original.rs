//! The original XOS client, as it was released. It runs lines of Python, as its users write them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    files::{FileError, at, write_secret},
    paths,
};

/// How long its packages may take to be installed, and it to connect: it compiles the API with protoc, seven times.
const BEGIN: Duration = Duration::from_secs(300);
/// How long a line may take.
const ANSWERED: Duration = Duration::from_secs(60);

/// The original client failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no certificate.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A file cannot be written, or the client does not start.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its input or output is closed.
    #[error("the original client does not listen")]
    Closed(#[from] io::Error),
    /// It ended, or did not answer in time.
    #[error("no answer from the original client (its own words stand above)")]
    Silent,
    /// It printed something else.
    #[error("the original client's answer is no JSON")]
    Answer(#[from] serde_json::Error),
    /// A line had to succeed, and did not.
    #[error("the original client: `{line}` failed: {answer}")]
    Failed {
        /// The line.
        line: String,
        /// What it gave.
        answer: Value,
    },
}

/// The certificate of a server on this machine, made for it alone, and its key.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// The certificate as PEM, which is its own authority.
    pub authority: String,
    /// The file of the certificate.
    pub certificate: PathBuf,
    /// The file of the key.
    pub key: PathBuf,
}

impl SelfSigned {
    /// Makes both, and writes `tls.crt` and `tls.key` to a folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn make(folder: &Path) -> Result<Self, Error> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let (authority, certificate, key) = (made.cert.pem(), folder.join("tls.crt"), folder.join("tls.key"));
        fs::write(&certificate, &authority).map_err(at(&certificate))?;
        write_secret(&key, &made.signing_key.serialize_pem())?;
        Ok(Self { authority, certificate, key })
    }
}

/// A running client. It ends when this value is dropped.
#[derive(Debug)]
pub struct Original {
    _process: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    models: Value,
}

impl Original {
    /// Connects it to an API on this machine, whose authority is in a file, as a user with a password.
    ///
    /// # Errors
    /// When it is not connected in time.
    pub async fn connect(port: u16, authority: &Path, user: &str, password: &str) -> Result<Self, Error> {
        let program = paths::repository().join("e2e/xos/original");
        let mut command = Command::new(&program);
        command.arg("drive.py").arg(format!("localhost:{port}")).arg(authority).args([user, password]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(at(&program))?;
        let input = process.stdin.take().ok_or(Error::Silent)?;
        let mut answers = BufReader::new(process.stdout.take().ok_or(Error::Silent)?).lines();
        let first = timeout(BEGIN, answers.next_line()).await.map_err(|_| Error::Silent)??.ok_or(Error::Silent)?;
        let mut models: Value = serde_json::from_str(&first)?;
        Ok(Self { _process: process, input, answers, models: models["is"].take() })
    }

    /// The names of the models that it knows, as a list.
    #[must_use]
    pub fn models(&self) -> &Value {
        &self.models
    }

    /// Runs a line, in which `orm` has the objects and `client` is the client. Returns `{"is": its value}`, or
    /// `{"error": code, "details": text}`.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub async fn run(&mut self, line: &str) -> Result<Value, Error> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        let answer = timeout(ANSWERED, self.answers.next_line()).await.map_err(|_| Error::Silent)??;
        Ok(serde_json::from_str(&answer.ok_or(Error::Silent)?)?)
    }

    /// Runs a line that has to succeed, and returns its value.
    ///
    /// # Errors
    /// When it fails, or does not answer in time.
    pub async fn value(&mut self, line: &str) -> Result<Value, Error> {
        let mut answer = self.run(line).await?;
        if answer.get("error").is_some() {
            return Err(Error::Failed { line: line.to_owned(), answer });
        }
        Ok(answer["is"].take())
    }
}
