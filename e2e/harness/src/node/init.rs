//! The first process of a node's namespaces: `xos-cluster node`. It is started by `unshare` (see `outside`), reads
//! what it is to run from the first line of its input, and ends with the end of that input. With it the kernel ends
//! all other processes of the node.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::UnixStream,
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::{
    commands::{Plan, Program},
    images,
    namespaces::{self, furnish},
    zombies,
};
use crate::{
    process::{self, Child, Death, first_death},
    serving::told_to_stop,
    wait::{Timeout, eventually},
};

/// How long containerd may take to answer.
const STARTED: Duration = Duration::from_secs(60);

/// A node did not start, or one of its programs ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be told what to run.
    #[error("cannot read what to run: `xos-cluster node` is for `xos-cluster serve --node` only")]
    Plan(#[source] io::Error),
    /// The surroundings of its programs.
    #[error(transparent)]
    Namespaces(#[from] namespaces::Error),
    /// A program cannot be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Containerd does not answer.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// An image.
    #[error(transparent)]
    Images(#[from] images::Error),
    /// A program ended by itself.
    #[error(transparent)]
    Died(Death),
    /// The operating system refused.
    #[error("cannot run a node")]
    System(#[from] io::Error),
}

/// Runs the programs of a node until the input ends, or SIGTERM or SIGINT comes.
///
/// Needs a runtime of the main thread: the programs are killed when the thread that started them ends.
///
/// # Errors
/// When the node does not start, or one of its programs ends by itself.
pub async fn run() -> Result<(), Error> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if line.is_empty() {
        return Ok(());
    }
    let plan: Plan = serde_json::from_str(&line).map_err(|error| Error::Plan(error.into()))?;
    let stop = told_to_stop()?;
    furnish(&plan)?;
    tokio::select! {
        ended = live(&plan) => ended,
        () = stop => Ok(()),
    }
}

/// Returns only with an error.
async fn live(plan: &Plan) -> Result<(), Error> {
    let mut orphans = signal(SignalKind::child())?;
    let mut children = vec![start(&plan.containerd)?];
    until(&mut children, answers(&plan.socket)).await?;
    for program in &plan.programs {
        children.push(start(program)?);
    }
    until(&mut children, async { Ok(images::import(&plan.ctr, &plan.socket, &plan.archives).await?) }).await?;
    let own: Vec<u32> = children.iter().filter_map(Child::id).collect();
    loop {
        tokio::select! {
            died = first_death(&mut children) => return Err(Error::Died(died?)),
            Some(()) = orphans.recv() => zombies::reap(&own),
        }
    }
}

async fn until(children: &mut [Child], ready: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::select! {
        ready = ready => ready,
        died = first_death(children) => Err(Error::Died(died?)),
    }
}

fn start(program: &Program) -> Result<Child, process::Error> {
    let beside = program.path.parent().unwrap_or(Path::new("/")).to_owned();
    Child::start(&program.name, &program.log, &program.path, |command| {
        // Containerd looks for the program that holds containers, and that for runc.
        command.args(&program.arguments).env("PATH", path_with(beside)).env_remove("NOTIFY_SOCKET");
    })
}

/// Returns this process's PATH, with the folders of root's programs and another one in it.
fn path_with(folder: PathBuf) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from);
    let folders = std::iter::once(folder).chain(env::split_paths(&path)).chain(more);
    env::join_paths(folders).unwrap_or(path)
}

async fn answers(socket: &Path) -> Result<(), Error> {
    Ok(eventually(STARTED, "containerd to answer", async || UnixStream::connect(socket).await.map(drop)).await?)
}

/// Runs a command to its end, and returns its words when it fails.
pub(super) async fn succeeds(command: &mut Command) -> io::Result<()> {
    let output = command.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
