//! A program that serves something as long as the process that started it runs: `xos-cluster serve`, `xos-kafka serve`.
//!
//! The starter holds the other end of the program's standard input, which is closed when the starter ends, however it
//! ends. The program says in one line of JSON that it is ready, or why it is not.

use std::{
    error,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::{
    cli::{chain, say, stop_signal},
    paths,
};

/// The line that lets a program go on without its starter.
const DETACH: &str = "detach";

/// The one line that the program prints.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<T> {
    Ready(T),
    Error(String),
}

/// A program does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not built.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// The operating system does not start it.
    #[error("cannot start `{program} serve`")]
    Start {
        /// The program.
        program: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It says why it is not ready.
    #[error("{0}")]
    NotReady(String),
    /// It ended without a word.
    #[error("`{0} serve` ended before it was ready")]
    Ended(&'static str),
    /// It cannot be told to go on alone.
    #[error("cannot leave the program running")]
    Detach(#[source] io::Error),
}

/// The starter's side: the program ends when this value is dropped, or when this process ends.
#[derive(Debug)]
pub struct Server<T> {
    ready: T,
    child: Option<Child>,
}

impl<T: DeserializeOwned> Server<T> {
    /// Starts `<program> serve` and waits until it is ready. Blocks.
    ///
    /// # Errors
    /// With the program's own message when it did not start.
    pub fn start(program: &'static str, configure: impl FnOnce(&mut Command)) -> Result<Self, Error> {
        let mut command = Command::new(paths::program(program)?);
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        configure(&mut command);
        let mut child = command.spawn().map_err(|source| Error::Start { program, source })?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(|source| Error::Start { program, source })?;
        }
        match serde_json::from_str(&line) {
            Ok(Line::Ready(ready)) => Ok(Self { ready, child: Some(child) }),
            Ok(Line::Error(message)) => Err(Error::NotReady(message)),
            Err(_) => Err(Error::Ended(program)),
        }
    }
}

impl<T> Server<T> {
    /// What the program said when it was ready.
    #[must_use]
    pub fn ready(&self) -> &T {
        &self.ready
    }

    /// Lets the program go on when this process ends.
    ///
    /// # Errors
    /// When the program is gone.
    pub fn detach(mut self) -> Result<(), Error> {
        match self.child.take().and_then(|child| child.stdin) {
            Some(mut stdin) => writeln!(stdin, "{DETACH}").map_err(Error::Detach),
            None => Ok(()),
        }
    }
}

impl<T> Drop for Server<T> {
    /// Waits until the program has ended, unless it goes on alone.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            // A child that cannot be waited for is gone already.
            let _gone = child.wait();
        }
    }
}

/// The program's side: runs `serve`, and tells the starter that it is ready, or why it is not.
///
/// `serve` runs until the program ends; it calls the function that it gets as soon as it is ready.
///
/// # Errors
/// When `serve` fails, or the starter cannot be told.
pub fn announced<T: Serialize>(
    serve: impl FnOnce(&mut dyn FnMut(T) -> io::Result<()>) -> Result<(), Box<dyn error::Error>>,
) -> Result<(), Box<dyn error::Error>> {
    let mut is_told = false;
    let end = serve(&mut |ready| {
        is_told = true;
        say(&Line::Ready(ready))
    });
    if let Err(error) = &end
        && !is_told
    {
        say(&Line::<T>::Error(chain(&**error)))?;
    }
    end
}

/// Returns a future that ends when the program is to end: by SIGTERM or SIGINT, or when its starter has ended.
///
/// # Errors
/// When signals cannot be caught.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    // Ctrl-C in the starter's terminal is for the starter, and reaches this program by the end of its input. The call
    // fails for the leader of a process group, which does not need it.
    let _is_leader = rustix::process::setsid();
    let signal = stop_signal()?;
    let end = end_of_input();
    Ok(async move {
        tokio::select! {
            () = signal => {}
            () = end => {}
        }
    })
}

/// Ends when the starter has ended; never when the starter has let this program go on alone.
async fn end_of_input() {
    let (sender, receiver) = oneshot::channel();
    // A separate thread, because a runtime would wait for the read when it ends.
    std::thread::spawn(move || {
        let is_alone = io::stdin().lock().lines().map_while(Result::ok).any(|line| line == DETACH);
        // The receiver is gone when the process is about to end.
        let _ = sender.send(is_alone);
    });
    if receiver.await.unwrap_or(true) {
        std::future::pending::<()>().await;
    }
}
