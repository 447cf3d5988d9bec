//! Building the programs, and telling how it goes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use super::{Tool, go};
use crate::process;

/// How often a running build says that it is still running.
const PROGRESS: Duration = Duration::from_secs(15);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How much of a failed build's log the message shows.
const SHOWN_LINES: usize = 20;
/// Where the version of Kubernetes is told to all its programs.
const VERSION: &str = "k8s.io/component-base/version";

/// A build that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// go.mod does not name a version of Kubernetes.
    #[error("{} has no line `k8s.io/kubernetes vX.Y.Z`", path.display())]
    NoVersion {
        /// The go.mod.
        path: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// Go could not be started.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Go says no.
    #[error("building {} failed ({status}); the log's end:\n{end}\nall of it: {}", tool.name(), log.display())]
    Failed {
        /// What was built.
        tool: Tool,
        /// Go's status.
        status: ExitStatus,
        /// The last lines of its log.
        end: String,
        /// Where the log is.
        log: PathBuf,
    },
}

/// The flags of `go build`. The version is stamped in: without it kubectl and helm cannot read the server's.
pub(super) fn flags(modules: &Path) -> Result<Vec<String>, Error> {
    let path = modules.join("go.mod");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let version = kubernetes_version(&text).ok_or(Error::NoVersion { path })?;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let stamps =
        format!("-s -w -X {VERSION}.gitVersion={version} -X {VERSION}.gitMajor={major} -X {VERSION}.gitMinor={minor}");
    Ok(["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", &stamps].map(str::to_owned).to_vec())
}

/// Builds `tools` one after another into `folder`; each appears there only when it is whole.
pub(super) fn all(modules: &Path, flags: &[String], tools: &[Tool], folder: &Path) -> Result<(), Error> {
    let Some(whole) = tools.iter().map(|tool| tool.package().1).reduce(|sum, next| sum + next) else {
        return Ok(());
    };
    let minutes = whole.div_ceil(60);
    eprintln!("the control plane is built once and kept; on two cores it takes about {minutes} minutes");
    let start = Instant::now();
    let making = folder.join("making");
    // Of a build that was interrupted: the lock is ours, so it is nobody's.
    if making.exists() {
        fs::remove_dir_all(&making).map_err(at(&making))?;
    }
    fs::create_dir(&making).map_err(at(&making))?;
    for (index, tool) in tools.iter().enumerate() {
        let step = format!("building {} ({} of {})", tool.name(), index + 1, tools.len());
        let made = making.join(tool.name());
        one(modules, flags, *tool, &made, &folder.join(format!("{}.log", tool.name())), &step)?;
        let place = folder.join(tool.name());
        fs::rename(&made, &place).map_err(at(&place))?;
    }
    fs::remove_dir(&making).map_err(at(&making))?;
    eprintln!("the control plane is built, in {} s", start.elapsed().as_secs());
    Ok(())
}

fn one(modules: &Path, flags: &[String], tool: Tool, made: &Path, log: &Path, step: &str) -> Result<(), Error> {
    let (package, about) = tool.package();
    eprintln!("{step}, about {about} s");
    let output = fs::File::create(log).map_err(at(log))?;
    let errors = output.try_clone().map_err(at(log))?;
    let mut command = process::leashed(go::PROGRAM)?;
    command.arg("build").args(flags).arg("-o").arg(made).arg(package);
    command.current_dir(modules).env("CGO_ENABLED", "0").env("GOWORK", "off");
    command.stdin(std::process::Stdio::null()).stdout(output).stderr(errors);
    let status = watched(&mut command, step).map_err(at(log))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { tool, status, end: process::tail(log, SHOWN_LINES), log: log.to_owned() })
}

/// Runs `command`; says now and then that it still runs.
fn watched(command: &mut std::process::Command, step: &str) -> io::Result<ExitStatus> {
    let start = Instant::now();
    let mut told = start;
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("{step}, {} s", start.elapsed().as_secs());
        }
        std::thread::sleep(LOOK);
    }
}

fn kubernetes_version(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.split_whitespace().filter(|word| *word != "require");
        (words.next()? == "k8s.io/kubernetes").then(|| words.next())?
    })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_go_mod() {
        assert_eq!(kubernetes_version("module m\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n"), Some("v1.37.2"));
        assert_eq!(kubernetes_version("require k8s.io/kubernetes v1.37.2"), Some("v1.37.2"));
        assert_eq!(kubernetes_version("require k8s.io/kubectl v0.37.2"), None);
    }

    #[test]
    fn the_version_is_stamped_into_our_own_programs() {
        let flags = flags(&crate::paths::repository().join("e2e/harness/controlplane")).unwrap();
        assert!(flags.iter().any(|flag| flag.contains("gitVersion=v1.") && flag.contains("gitMajor=1 ")), "{flags:?}");
    }
}
