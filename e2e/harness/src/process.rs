//! Child processes that end with their parent.
//!
//! Linux can send a signal to a process when the thread that started it ends (`PR_SET_PDEATHSIG`). The child has to ask
//! for the signal between fork and exec: `xos-cluster exec` asks for it, and then becomes the wanted program. A child
//! that is started in this way is "on a leash" here.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use futures::future::{FutureExt as _, select_all};
use rustix::process::{Pid, Signal};

use crate::paths;

/// How often a program that is run to its end is said to be still running.
const PROGRESS: Duration = Duration::from_secs(15);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How much of a failed program's log the message shows.
const SHOWN_LINES: usize = 20;

/// A child process could not be started or managed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of this workspace is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// The operating system refused.
    #[error("cannot {action} {what}")]
    System {
        /// The action.
        action: &'static str,
        /// The file or program.
        what: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A program that was run to its end failed.
    #[error("{what} failed ({status}); the end of its log, {}:\n{end}", log.display())]
    Failed {
        /// What was to be made.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        end: String,
        /// Where the log is.
        log: PathBuf,
    },
}

impl Error {
    fn system(action: &'static str, what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { action, what, source }
    }
}

/// Returns a command whose process is killed when the calling thread ends.
///
/// Start it from a thread that lives as long as the child should: the main thread, or the thread of a test.
///
/// # Errors
/// When `xos-cluster` is not built.
pub fn leashed(program: impl AsRef<OsStr>) -> Result<Command, Error> {
    let mut command = Command::new(paths::program("xos-cluster")?);
    command.args(["exec", "--parent"]).arg(std::process::id().to_string()).arg("--").arg(program);
    Ok(command)
}

/// Becomes the program `command`, which is killed when process `parent` ends. Returns only when that fails.
pub fn exec_on_leash(parent: u32, command: &[std::ffi::OsString]) -> Error {
    let Some((program, arguments)) = command.split_first() else {
        return Error::system("exec", "nothing")(io::ErrorKind::InvalidInput.into());
    };
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)) {
        return Error::system("put a leash on", program.to_string_lossy())(error.into());
    }
    // The parent may have ended before the signal was asked for.
    let alive = rustix::process::getppid().is_some_and(|now| now.as_raw_nonzero().get().unsigned_abs() == parent);
    if !alive {
        return Error::system("start", program.to_string_lossy())(io::Error::other("the parent process is gone"));
    }
    Error::system("start", program.to_string_lossy())(Command::new(program).args(arguments).exec())
}

/// Runs a program to its end; both its outputs are appended to `log`. Says now and then on standard error that it still
/// runs. Blocks.
///
/// # Errors
/// When the program does not start, or fails.
pub fn run(what: &str, program: &Path, log: &Path, configure: impl FnOnce(&mut Command)) -> Result<(), Error> {
    let mut command = logged(program, log)?;
    configure(&mut command);
    let status = watched(&mut command, what).map_err(Error::system("run", program.to_string_lossy()))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: what.to_owned(), status, end: tail(log, SHOWN_LINES), log: log.to_owned() })
}

fn watched(command: &mut Command, what: &str) -> io::Result<ExitStatus> {
    let start = Instant::now();
    let mut said = start;
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            eprintln!("{what}, {} s", start.elapsed().as_secs());
        }
        std::thread::sleep(LOOK);
    }
}

/// Returns a command on a leash whose outputs are appended to `log`.
fn logged(program: &Path, log: &Path) -> Result<Command, Error> {
    let mut command = leashed(program)?;
    let output = open_log(log)?;
    let errors = output.try_clone().map_err(Error::system("open", log.to_string_lossy()))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    Ok(command)
}

/// A process with its log.
#[derive(Debug)]
pub struct Child {
    name: String,
    log: PathBuf,
    child: tokio::process::Child,
}

impl Child {
    /// Starts `program` on a leash; both its outputs are appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, log: &Path, program: &Path, configure: impl FnOnce(&mut Command)) -> Result<Self, Error> {
        let mut command = logged(program, log)?;
        configure(&mut command);
        let child =
            tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(Error::system("start", name))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), child })
    }

    /// The name of the process in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file with the outputs of the process.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The id of the process while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns the standard output of the process, if `configure` made it a pipe.
    pub fn take_stdout(&mut self) -> Option<tokio::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Returns the standard input of the process, if `configure` made it a pipe.
    pub fn take_stdin(&mut self) -> Option<tokio::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits for the process to end.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        self.child.wait().await.map_err(Error::system("wait for", &self.name))
    }

    /// Kills the process, and waits until it has ended.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.child.kill().await.map_err(Error::system("kill", &self.name))
    }

    /// Asks the process to end (SIGTERM), and kills it if it has not ended after `patience`. Returns the exit status,
    /// or nothing if it was killed.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn stop(&mut self, patience: Duration) -> Result<Option<ExitStatus>, Error> {
        if let Some(id) = self.id() {
            signal(id, Signal::TERM).map_err(Error::system("stop", &self.name))?;
        }
        match tokio::time::timeout(patience, self.wait()).await {
            Ok(status) => status.map(Some),
            Err(_) => self.kill().await.map(|()| None),
        }
    }
}

/// A process that was to run on, and ended by itself.
#[derive(Debug, thiserror::Error)]
#[error("{name} ended by itself ({status}); the end of its log:\n{end}")]
pub struct Death {
    /// The process.
    pub name: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// The last lines of its log.
    pub end: String,
}

/// Waits for the first of several processes that ends.
///
/// # Errors
/// When the operating system refuses.
pub async fn first_death(children: impl IntoIterator<Item = &mut Child>) -> Result<Death, Error> {
    let waits = children.into_iter().map(|child| {
        async move {
            let status = child.wait().await?;
            Ok(Death { name: child.name().to_owned(), status, end: tail(child.log(), SHOWN_LINES) })
        }
        .boxed_local()
    });
    select_all(waits).await.0
}

/// Sends a signal to process `id`.
///
/// # Errors
/// When there is no such process, or it belongs to another user.
pub fn signal(id: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

/// Returns whether process `id` is running. A process that has ended and was not waited for is not. One whose first thread
/// has ended while others still do is: it has its files and locks until the last one ends.
#[must_use]
pub fn is_alive(id: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    // The line is "pid (name) state …", and the name may contain anything.
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    let threads = || fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
    match state {
        None | Some('X') => false,
        Some('Z') => threads() > 1,
        Some(_) => true,
    }
}

/// Returns the last lines of a log, for a message.
#[must_use]
pub fn tail(log: &Path, lines: usize) -> String {
    let Ok(bytes) = fs::read(log) else {
        return format!("(no log at {})", log.display());
    };
    last_lines(&String::from_utf8_lossy(&bytes), lines)
}

/// Returns the last lines of a text.
#[must_use]
pub fn last_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

fn open_log(path: &Path) -> Result<File, Error> {
    OpenOptions::new().create(true).append(true).open(path).map_err(Error::system("open", path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(file.path(), 2), "two\nthree");
        assert_eq!(tail(file.path(), 9), "one\ntwo\nthree");
    }

    #[test]
    fn a_dead_process_is_not_alive_even_before_it_is_waited_for() {
        let mut child = Command::new("true").spawn().unwrap();
        while is_alive(child.id()) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_alive(std::process::id()));
    }
}
